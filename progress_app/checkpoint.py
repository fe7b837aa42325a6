"""What an attempt leaves for the next one: the job's own data, and how far the bar was. Pure."""

import json
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from progress_app.exceptions import UsageError

LIMIT_BYTES: Final = 64 * 2**10  # it is written with the row; what is bigger belongs into a file
VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A stage at the top that had ended: its name, its weight, and how long it took, in seconds."""

    name: str
    weight: float = 1.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A point from which a job can go on.

    `data` is JSON of the job's own, None for none; `percent` is the overall percentage, None while it was unknown;
    `passed` are the stages that were over.
    """

    v: int = VERSION
    percent: float | None = None
    passed: tuple[Passed, ...] = ()
    data: Any = None

    def to_json(self) -> str:
        """The checkpoint as ASCII JSON; msgspec would let through what it cannot read again."""
        passed = [msgspec.to_builtins(stage) for stage in self.passed]
        return _json({"v": self.v, "percent": self.percent, "passed": passed, "data": self.data})

    @classmethod
    def from_json(cls, text: str) -> "Checkpoint":
        """Read `to_json`'s form; the empty text is no checkpoint.

        Raises:
            ValueError: the text is not of this form.

        """
        return msgspec.convert(json.loads(text), type=cls) if text else NONE


def checked(data: Any) -> Any:
    """A copy of a job's data as its next attempt will get it: tuples as lists, keys as text.

    Raises:
        UsageError: it is no JSON, or over 64 KB.

    """
    try:
        text = _json(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"checkpoint() cannot keep this as JSON ({error}): give numbers, text, lists and dictionaries of them."
        ) from error
    if len(text) > LIMIT_BYTES:
        raise UsageError(
            f"checkpoint() with {len(text):,} bytes of JSON: at most {LIMIT_BYTES:,} are kept; "
            "keep where to go on, and the data themselves in a file."
        )
    return json.loads(text)


def _json(data: Any) -> str:
    return json.dumps(data, allow_nan=False, separators=(",", ":"))


NONE: Final = Checkpoint()
