"""Events to bytes and positions to text, in django-eventstream's form of Server-Sent Events. Pure.

1. A line break in a field would begin a new field: `event` names lose CR, LF and NUL, data is split into several
   `data:` lines.
2. `id:` is the viewer's own (it names the positions that this viewer must bring back), the data is shared: so a
   `Frame` is made once, and an id is put between its first line and the rest.
3. What a client sends back as its last id is garbage until proven otherwise: unreadable parts are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

CONTENT_TYPE: Final = b"text/event-stream"
HEARTBEAT: Final = b": heartbeat\n\n"
MAX_LAST_ID_LENGTH: Final = 16_384  # 50 channels with quoted names of the longest kind
MAX_POSITION: Final = 2**63 - 1
_MOST_DIGITS: Final = len(str(MAX_POSITION))
_BREAKS = str.maketrans("", "", "\r\n\0")


@dataclass(frozen=True, slots=True)
class Frame:
    """An event as bytes: `plain` without an id; an id would stand at `split`, after the line with its name."""

    plain: bytes
    split: int

    def with_id(self, positions: Mapping[str, int]) -> bytes:
        """The event with the positions that its viewer must bring back."""
        return b"%bid: %b\n%b" % (self.plain[: self.split], encode_positions(positions), self.plain[self.split :])


def one_line(text: str) -> str:
    """The text without the characters that would end its line: CR, LF, NUL."""
    return text.translate(_BREAKS)


def frame(event: str, data: bytes) -> Frame:
    """An event named `event` with the given data (UTF-8; its line breaks are kept)."""
    head = _head(event)
    if b"\n" in data or b"\r" in data:
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        return Frame(b"%b%b\n" % (head, b"".join(b"data: %b\n" % line for line in lines)), len(head))
    return Frame(b"%bdata: %b\n\n" % (head, data), len(head))


@lru_cache(maxsize=64)
def _head(event: str) -> bytes:
    return b"event: %b\n" % one_line(event).encode("utf-8", "replace")


def retry(delay_ms: int) -> bytes:
    """Tell the client how long to wait before it connects again, in milliseconds."""
    return b"retry: %d\n\n" % delay_ms


def encode_positions(positions: Mapping[str, int]) -> bytes:
    """`quote(channel):position`, comma-joined: django-eventstream's form of an id."""
    return ",".join(f"{quote(name, safe='')}:{position}" for name, position in positions.items()).encode("ascii")


def parse_positions(text: str) -> dict[str, int]:
    """Read what a client brought back; parts that cannot be read are left out, so garbage gives an empty dict."""
    found: dict[str, int] = {}
    if len(text) > MAX_LAST_ID_LENGTH:
        return found
    for part in text.split(","):
        name, _, digits = part.rpartition(":")
        readable = len(digits) <= _MOST_DIGITS and digits.isascii() and digits.isdigit()
        if name and readable and (position := int(digits)) <= MAX_POSITION:
            found[unquote(name)] = position
    return found
