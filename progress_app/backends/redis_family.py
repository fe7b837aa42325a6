"""Roll-ups on Redis: one script adds a child's progress to its parent's bar (see `rollup`)."""

from collections.abc import Sequence
from typing import Any, Final, cast

from msgspec.structs import replace
from redis import Redis

from progress_app.backends.base import ROLL_UP_EVERY_MS
from progress_app.backends.keys import Keys, script
from progress_app.backends.redis_scripts import Call
from progress_app.channels import task_channel
from progress_app.events import Children, Snapshot
from progress_app.rollup import PERCENT, POS, Member, Rollup, packed, word
from progress_app.rows import row_before_position

WORDS_A_CALL: Final = 2_000  # a script holds up everybody: a third of a millisecond each
NOW: Final = 0
NOT_NOW: Final = -1


class RedisFamilies:
    """The roll-ups of one Redis; errors are those of the client.

    Args:
        client: as RedisBackend's.
        keys: names of its keys.
        keep_s, keep_ended_s: how long a family stays after its last snapshot, and after its end, in seconds.

    """

    def __init__(self, client: Redis, keys: Keys, *, keep_s: int, keep_ended_s: int) -> None:
        self._client = client
        self._keys = keys
        self._keep_s = keep_s
        self._keep_ended_s = keep_ended_s
        # It stands beside the snapshot, which is let past a full Redis too.
        self._script = client.register_script("#!lua flags=allow-oom\n" + script("rollup"))

    def adding(self, member: Member, snapshot: Snapshot) -> Call:
        """The call that adds a child's snapshot."""
        told = packed([word(snapshot.attempt, snapshot.state, snapshot.percent)])
        args = (member.number, told, *self._how(member.parent, ROLL_UP_EVERY_MS))
        return self._script, self._keys.of_family(member.parent), args

    def begin(self, rollup: Rollup, words: Sequence[int]) -> None:
        """As `Backend.roll_up`."""
        shown = rollup.snapshot
        bar = (shown.attempt, rollup.total, rollup.template(), rollup.low, rollup.high, rollup.began_at)
        family = (*bar, _row_template(shown), self._keys.topics_of_row(rollup.audience), repr(shown.ts))
        self._call(shown.task, 0, (), NOT_NOW, family)
        for first in range(0, len(words), WORDS_A_CALL):
            self._call(shown.task, first, words[first : first + WORDS_A_CALL], NOT_NOW)
        self._call(shown.task, 0, (), NOW)

    def read(self, parent: str) -> Children | None:
        """As `Backend.rolled_up`."""
        reply = self._call(parent, 0, (), NOW)
        return Children(**dict(zip(("total", "done", "failed"), reply, strict=True))) if reply else None

    def end(self, parent: str) -> None:
        """As `Backend.end_roll_up`."""
        with self._client.pipeline(transaction=False) as pipe:
            for key in self._keys.of_family(parent)[1:]:
                pipe.expire(key, self._keep_ended_s)
            pipe.execute()

    def _call(
        self, parent: str, first: int, words: Sequence[int], every_ms: int, family: tuple[Any, ...] = ()
    ) -> list[int]:
        args = (first, packed(words), *self._how(parent, every_ms), *family)
        return cast("list[int]", self._script(keys=self._keys.of_family(parent), args=args))

    def _how(self, parent: str, every_ms: int) -> tuple[Any, ...]:
        return self._keys.topic(task_channel(parent)), every_ms, self._keep_s


def _row_template(snapshot: Snapshot) -> bytes:
    """The parent's row with the placeholders of `rollup`."""
    row = row_before_position(replace(snapshot, percent=None))
    return row.replace(b'"percent":null', b'"percent":' + PERCENT, 1) + POS + b"}"
