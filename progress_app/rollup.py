"""How the progress of many children becomes the bar of their parent. Pure; the backends keep what it adds up.

1. A child is one word of 32 bits: its attempt, then how far that attempt is, and above every percentage how it ended.
   So of two words the greater one is the newer, and words may arrive in any order, twice, or anew from the database:
   the result is the same.
2. The words of a family lie side by side in one string of 4 bytes a child, beside running sums: an update costs the
   same for ten children and for ten thousand.
3. The parent's snapshot is a template in which an update only fills in figures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from progress_app import spread
from progress_app.events import FULL_PERCENT, Children, Eta, Snapshot, StageProgress, State

WORD_BYTES: Final = 4
SHIFT: Final = 1 << 16
WHOLE: Final = 1_000  # a child's percentage in tenths
BAD_END: Final = 1_001
GOOD_END: Final = 1_002
NEARLY: Final = 99.9  # a parent whose children have all ended has not ended itself
JUST_BEGUN_S: Final = 1.0

# The figures that an update fills in, each as a control character, which JSON never holds as such.
POS, CURRENT, PERCENT, DONE, FAILED, TS, STAGE_PERCENT, ELAPSED = (bytes([n]) for n in range(1, 9))
RATE, ETA, STAGE_SECONDS = b"\x0e", b"\x0f", b"\x10"


@dataclass(frozen=True, slots=True)
class Member:
    """A child's place: its parent's UUID, and its number among its siblings, from 0."""

    parent: str
    number: int


@dataclass(slots=True)
class Sums:
    """What a family adds up to: children that ended well and badly, and tenths of a percent of all of them.

    `most` is the highest `sum` so far: a child that begins again does not take the bar back.
    """

    done: int = 0
    failed: int = 0
    sum: int = 0
    most: int = 0

    def change(self, was: int, now: int) -> None:
        """Count a child that was at one word and now is at another."""
        self.sum += _tenths(now) - _tenths(was)
        self.done += (now % SHIFT == GOOD_END) - (was % SHIFT == GOOD_END)
        self.failed += (now % SHIFT == BAD_END) - (was % SHIFT == BAD_END)
        self.most = max(self.most, self.sum)

    @classmethod
    def of(cls, words: Sequence[int]) -> "Sums":
        """What these children add up to."""
        sums = cls()
        for word in words:
            sums.change(0, word)
        return sums


def _tenths(word: int) -> int:
    return min(word % SHIFT, WHOLE)


def word(attempt: int, state: State, percent: float | None) -> int:
    """A child as its word; an unknown percentage counts as 0, and whatever way it ended there is nothing left to do."""
    if state is State.SUCCEEDED:
        how_far = GOOD_END
    elif state in (State.FAILED, State.CANCELLED, State.LOST):
        how_far = BAD_END
    else:
        how_far = int((percent or 0.0) * 10)
    return min(attempt, SHIFT - 1) * SHIFT + how_far


def packed(words: Sequence[int]) -> bytes:
    """Words side by side."""
    return b"".join(one.to_bytes(WORD_BYTES, "big") for one in words)


def tells(snapshot: Snapshot) -> bool:
    """Whether the parent's bar may change by this snapshot of a child: a short one is told of once, at its end."""
    fresh = snapshot.attempt <= 1 and not snapshot.percent and (snapshot.elapsed or 0.0) < JUST_BEGUN_S
    return snapshot.is_final or not fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """How a family is shown.

    `snapshot` is the parent's when it gave its worker back. Its children take the bar from `low` to `high` percent;
    `stage` is the place in `snapshot.stages` of the one that they fill, None for none; `audience` is the parent's, as
    `Backend.publish` names it.
    """

    snapshot: Snapshot
    total: int
    low: float = 0.0
    high: float = FULL_PERCENT
    stage: int | None = None
    audience: tuple[str, ...] = ()

    @property
    def began_at(self) -> float:
        """When the parent began, Unix time in seconds."""
        return self.snapshot.ts - (self.snapshot.elapsed or 0.0)

    def waited_s(self, now_s: float) -> float:
        """For how long the children have run, in whole tenths of a second."""
        return _tenth(max(0.0, now_s - self.snapshot.ts))

    def at(self, sums: Sums, now_s: float) -> Snapshot:
        """The parent's snapshot when its children have come so far; the Unix time in seconds."""
        shown = self.snapshot
        ended = Children(total=self.total, done=sums.done, failed=sums.failed)
        return replace(
            shown,
            current=sums.done + sums.failed,
            percent=min(_tenth(self.low + (self.high - self.low) * self._part(sums)), NEARLY),
            stages=self._stages(_tenth(FULL_PERCENT * self._part(sums)), self.waited_s(now_s)),
            children=ended,
            rate=self._rate(sums, now_s),
            eta=self._eta(self._part(sums), now_s - self.snapshot.ts),
            elapsed=_tenth(max(0.0, now_s - self.began_at)),
            ts=now_s,
        )

    def _rate(self, sums: Sums, now_s: float) -> float | None:
        """Children a second, since they were started."""
        waited_s, ended = now_s - self.snapshot.ts, sums.done + sums.failed
        return round(ended / waited_s, 2) if ended and waited_s > 0 else None

    def _eta(self, part: float, waited_s: float) -> Eta | None:
        """Until the end of the parent, by the children's own pace; what comes after them is judged by its weight."""
        if not (0 < part < 1 and waited_s > 0 and self.high > self.low and self.snapshot.state is State.RUNNING):
            return None
        left_s = waited_s * (1 - part) / part
        rest_s = waited_s / part * (FULL_PERCENT - self.high) / (self.high - self.low)
        doubt_s = left_s * (spread.own(part) + spread.ONE_RUN_SPREAD)
        far_s = math.sqrt(doubt_s * doubt_s + (rest_s * spread.BY_WEIGHT_SPREAD) * (rest_s * spread.BY_WEIGHT_SPREAD))
        return spread.eta(left_s + rest_s, far_s / (left_s + rest_s))

    def _part(self, sums: Sums) -> float:
        return sums.most / (WHOLE * self.total) if self.total else 1.0

    def _stages(self, percent: float, seconds: float) -> tuple[StageProgress, ...]:
        return tuple(
            replace(stage, percent=percent, seconds=seconds) if index == self.stage else stage
            for index, stage in enumerate(self.snapshot.stages)
        )

    def template(self) -> bytes:
        """The JSON of the parent's snapshot with the placeholders above where an update has its say."""
        fields: dict[str, Any] = msgspec.to_builtins(self.at(Sums(), self.snapshot.ts))
        marks = {"pos": POS, "current": CURRENT, "percent": PERCENT, "elapsed": ELAPSED, "ts": TS, "rate": RATE}
        marks |= {"eta": ETA} if self.snapshot.state is State.RUNNING else {}
        fields |= {name: msgspec.Raw(mark) for name, mark in marks.items()}
        fields["children"] |= {"done": msgspec.Raw(DONE), "failed": msgspec.Raw(FAILED)}
        if self.stage is not None:
            stage: dict[str, Any] = fields["stages"][self.stage]
            stage |= {"percent": msgspec.Raw(STAGE_PERCENT), "seconds": msgspec.Raw(STAGE_SECONDS)}
        return msgspec.json.encode(fields)


def _tenth(value: float) -> float:
    """Cut to one decimal, as every percentage here: 99.96 is not yet 100."""
    return math.floor(value * 10 + 1e-9) / 10
