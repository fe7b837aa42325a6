"""Names of Redis keys and topics, and the form of what is stored there; shared by the writer and the feed.

The part in braces is the cluster's hash tag: what one script touches lies on one node.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from progress_app.backends.base import Entry
from progress_app.channels import ROWS, audience_channel, log_channel, parse, task_channel

_HERE = Path(__file__).parent


def script(name: str) -> str:
    """The source of a Lua script beside this module."""
    return (_HERE / f"{name}.lua").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one project; `prefix` keeps projects on one Redis apart."""

    prefix: str

    def state(self, task: str) -> str:
        """A task's newest snapshot, as `state` below reads it."""
        return f"{self.prefix}:{{{task}}}:now"

    def cancel(self, task: str) -> str:
        """When a task's cancel was asked for."""
        return f"{self.prefix}:{{{task}}}:cancel"

    def log(self, channel: str) -> str:
        """The stream of a log channel; a task's log lies beside its state."""
        return f"{self.prefix}:{{{parse(channel).task or channel}}}:log"

    def once(self, channel: str, mark: str) -> str:
        """That something was appended to a log channel; beside it."""
        return f"{self.log(channel)}:once:{mark}"

    def topic(self, channel: str) -> str:
        """The pub/sub topic of a channel."""
        return f"{self.prefix}:channel:{channel}"

    def roster(self, name: str) -> str:
        """Who is there, and when each was last."""
        return f"{self.prefix}:roster:{name}"

    def channel(self, topic: str) -> str:
        """The channel of a topic."""
        return topic.removeprefix(f"{self.prefix}:channel:")

    def topics_of_row(self, audience: Iterable[str]) -> bytes:
        """The topics on which a task's row is announced, by line breaks: everybody's, and those of its audience."""
        return "\n".join([self.topic(ROWS), *(self.topic(audience_channel(name)) for name in audience)]).encode()

    def of_family(self, parent: str) -> tuple[str, str, str]:
        """What a roll-up touches: the parent's state key, the family's hash, its children's words."""
        return self.state(parent), f"{self.prefix}:{{{parent}}}:family", f"{self.prefix}:{{{parent}}}:words"

    def of_task(self, task: str) -> tuple[str, str, str]:
        """What a publish touches: the keys of state, log and cancel."""
        return self.state(task), self.log(log_channel(task)), self.cancel(task)

    def topics(self, task: str) -> tuple[bytes, bytes]:
        """Where a publish is announced: the topics of state and log."""
        return self.topic(task_channel(task)).encode(), self.topic(log_channel(task)).encode()


def message(channel: str, payload: bytes) -> Entry:
    """Read an announcement: position, blank, event, line break, data."""
    head, _, data = payload.partition(b"\n")
    pos, _, event = head.partition(b" ")
    return Entry(channel, int(pos), event.decode(), data)


def state(channel: str, kept: bytes) -> Entry:
    """Read a kept state: attempt, blank, and the announcement."""
    return message(channel, kept.partition(b" ")[2])


def stored(channel: str, entry: tuple[bytes, dict[bytes, bytes]]) -> Entry:
    """Read an entry of a stream."""
    stream_id, fields = entry
    return Entry(channel, position(stream_id), fields[b"e"].decode(), fields[b"d"])


def position(stream_id: bytes) -> int:
    """The position in a stream's id, which is `<position>-0`."""
    return int(stream_id.partition(b"-")[0])


def edges(oldest: Sequence[Any], newest: Sequence[Any]) -> tuple[int, int]:
    """The oldest and newest position kept, from a stream's first and last entries; 0, 0 when it is empty."""
    return (position(oldest[0][0]), position(newest[0][0])) if oldest and newest else (0, 0)
