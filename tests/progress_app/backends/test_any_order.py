"""The contract of a backend: attempts and cancels in any order, while data are lost."""

from collections.abc import Iterator
from itertools import count, pairwise
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from progress_app.backends.base import Backend, Verdict
from progress_app.channels import log_channel
from progress_app.events import Snapshot, State
from tests.progress_app.backends.stores import KEPT, Store, texts
from tests.progress_app.doubles import TASK, entry, snapshot


class Attempts(RuleBasedStateMachine):
    """Workers of several attempts at one task, alive or long replaced, in any order; each one's percentage rises."""

    backend: ClassVar[Backend]
    numbers: ClassVar[Iterator[int]] = count()

    def __init__(self) -> None:
        super().__init__()
        self.task = f"{next(self.numbers):08x}{TASK[8:]}"
        self.percents: dict[int, float] = {}
        self.written: list[str] = []
        self.ends: list[int] = []
        self.newest = 0
        self.shown: Snapshot | None = None

    @rule(attempt=st.integers(1, 4), more=st.floats(0, 30), said=st.integers(0, 3))
    def report(self, attempt: int, more: float, said: int) -> None:
        percent = self.percents[attempt] = min(100.0, self.percents.get(attempt, 0.0) + more)
        self._publish(snapshot(task=self.task, attempt=attempt, percent=percent), said)

    @rule(attempt=st.integers(1, 4), state=st.sampled_from([State.SUCCEEDED, State.FAILED]))
    def end(self, attempt: int, state: State) -> None:
        percent = self.percents[attempt] = 100.0
        self._publish(snapshot(task=self.task, attempt=attempt, state=state, percent=percent), 1)

    def _publish(self, told: Snapshot, said: int) -> None:
        words = [f"{len(self.written) + number}" for number in range(said)]
        before = self.backend.read_snapshot(self.task)
        answer = self.backend.publish(told, [entry(word, task=self.task) for word in words])
        assert answer.verdict is self._expected(told)
        assert answer.pos >= (before.pos if before else 1)
        if answer.verdict is Verdict.ACCEPTED:
            self.newest = told.attempt
            self.written += words
            self.ends += [told.attempt] * told.is_final
            assert self.backend.read_snapshot(self.task) == told.at(answer.pos)
        else:
            assert self.backend.read_snapshot(self.task) == before

    def _expected(self, told: Snapshot) -> Verdict:
        if told.attempt < self.newest:
            return Verdict.SUPERSEDED
        return Verdict.ENDED if told.attempt in self.ends else Verdict.ACCEPTED

    @invariant()
    def what_is_shown_never_goes_back(self) -> None:
        before, now = self.shown, self.backend.read_snapshot(self.task)
        self.shown = now
        if before is None or now is None:
            return
        assert now.pos >= before.pos
        assert now.attempt >= before.attempt
        assert now.attempt > before.attempt or (now.percent or 0.0) >= (before.percent or 0.0)

    @invariant()
    def an_attempt_ends_once(self) -> None:
        assert len(self.ends) == len(set(self.ends))

    @invariant()
    def the_log_has_no_gap(self) -> None:
        found = self.backend.replay(log_channel(self.task), None, KEPT)
        assert texts(found) == self.written[-KEPT:]
        assert all(after.pos == before.pos + 1 for before, after in pairwise(found))


def test_in_any_order_what_is_shown_is_the_newest_attempt(store: Store) -> None:
    class AtThisStore(Attempts):
        backend = store.backend

    run_state_machine_as_test(AtThisStore, settings=settings(max_examples=40, stateful_step_count=25, deadline=None))
