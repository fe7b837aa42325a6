"""Whatever a job says, in whatever order, while Redis comes and goes and attempts replace each other."""

import math
from contextlib import ExitStack
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from progress_app.backends.base import Backend
from progress_app.backends.memory import MemoryBackend
from progress_app.events import FULL_PERCENT, Fault, Level, Snapshot, State
from progress_app.exceptions import AttemptSuperseded, BackendUnavailable
from progress_app.reporter import Reporter
from tests.progress_app.doubles import TASK, FakeHost, redis_backend

ODD = st.sampled_from([0, -1, 0.5, 10, 1e300, math.inf, -math.inf, math.nan])
NUMBERS = st.integers(0, 50) | ODD
TEXTS = st.text(max_size=20) | st.sampled_from(["x" * 1_000_000, "\ud800", "\0", "a\nb"])
ENDS = st.sampled_from([State.SUCCEEDED, State.FAILED, State.CANCELLED, State.LOST])


class Away:
    """A backend that may be away, and then takes nothing."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.is_away = False

    def publish(self, *given: Any, **named: Any) -> Any:
        if self.is_away:
            raise BackendUnavailable("away")
        return self.backend.publish(*given, **named)


class AnyJob(RuleBasedStateMachine):
    """Attempts at one task: the newest one works, and older ones that do not know it yet go on."""

    backend: ClassVar[Backend]
    numbers: ClassVar[Any] = count()

    @initialize()
    def begin(self) -> None:
        self.task = f"{next(self.numbers):08x}{TASK[8:]}"
        self.redis = Away(self.backend)
        self.attempts: list[Reporter] = []
        self.open: list[ExitStack] = []
        self.names = count()
        self.ended: Snapshot | None = None
        self.last: Snapshot | None = None
        self.another()

    @precondition(lambda self: len(self.attempts) < 3)
    @rule()
    def another(self) -> None:
        made: Any = {"task": self.task, "job": "any", "attempt": len(self.attempts) + 1, "backend": self.redis}
        self.attempts.append(Reporter(**made, host=FakeHost(), stages=("Read", "Load")))
        self.open, self.ended, self.made = [], None, 0.0

    @property
    def job(self) -> Reporter:
        return self.attempts[-1]

    works = precondition(lambda self: self.ended is None)

    @works
    @rule(n=NUMBERS)
    def advance(self, n: float) -> None:
        self.job.advance(n)

    @works
    @rule(current=st.none() | NUMBERS, total=st.none() | NUMBERS, message=st.none() | TEXTS)
    def update(self, current: float | None, total: float | None, message: str | None) -> None:
        self.job.update(current, total, message)

    @works
    @rule(length=st.integers(0, 20), known=st.booleans(), until=st.integers(0, 20))
    def loop(self, length: int, known: bool, until: int) -> None:
        for done, _ in enumerate(self.job.track(range(length) if known else iter(range(length)))):
            if done == until:
                break

    @works
    @rule(text=TEXTS, level=st.sampled_from(list(Level)))
    def say(self, text: str, level: Level) -> None:
        self.job.log(text, level=level)

    @works
    @precondition(lambda self: len(self.open) < 2)
    @rule(total=st.none() | NUMBERS, weight=st.none() | st.floats(0, 10))
    def open_stage(self, total: float | None, weight: float | None) -> None:
        self.open.append(stack := ExitStack())
        stack.enter_context(self.job.stage(f"stage {next(self.names)}", total=total, weight=weight))

    @works
    @precondition(lambda self: self.open)
    @rule()
    def close_stage(self) -> None:
        self.open.pop().close()

    @works
    @rule()
    def send(self) -> None:
        try:
            self.job.teller.send()
        except BackendUnavailable:
            assert self.redis.is_away

    @precondition(lambda self: len(self.attempts) > 1 and not self.redis.is_away)
    @rule()
    def an_old_one_sends(self) -> None:
        old = self.attempts[0]
        self.job_has_begun()
        old.teller.send()
        with pytest.raises(AttemptSuperseded):
            old.raise_if_cancelled()

    def job_has_begun(self) -> None:
        if self.ended is None:
            self.job.teller.send()

    @rule(away=st.booleans())
    def redis_comes_and_goes(self, away: bool) -> None:
        self.redis.is_away = away

    @works
    @rule(state=ENDS)
    def end(self, state: State) -> None:
        error = Fault(code="x", text="y" * 1_000_000) if state is State.FAILED else None
        self.ended = self.job.settle(state, error)
        self.publish_end()

    @precondition(lambda self: self.ended is not None)
    @rule()
    def publish_end(self) -> None:
        assert self.job.publish_end() is not self.redis.is_away

    @invariant()
    def what_would_be_sent_goes_forward(self) -> None:
        made = self.job.teller._snapshot().percent if self.ended is None else self.ended.percent
        assert made is None or made >= self.made
        self.made = self.made if made is None else made

    @invariant()
    def what_is_shown_goes_forward_and_ends_once(self) -> None:
        shown = self.backend.read_snapshot(self.task)
        if shown is None:
            return
        before, self.last = self.last or shown, shown
        assert shown.pos >= before.pos
        assert shown.attempt >= before.attempt
        if shown.attempt == before.attempt:
            assert shown == before or not before.is_final, "nothing follows an end"
            if shown.percent is not None and before.percent is not None:
                assert shown.percent >= before.percent
        assert shown.percent != FULL_PERCENT or shown.state is State.SUCCEEDED

    @invariant()
    def the_end_is_the_true_one(self) -> None:
        if self.ended is None or self.redis.is_away or not self.job.publish_end():
            return
        shown = self.backend.read_snapshot(self.task)
        assert shown is not None
        assert (shown.state, shown.percent, shown.current) == (self.ended.state, self.ended.percent, self.ended.current)


@pytest.mark.parametrize("where", ["memory", "redis"])
def test_percent_and_position_go_forward_and_the_end_is_told_once_and_true(
    where: str, request: pytest.FixtureRequest
) -> None:
    found = MemoryBackend() if where == "memory" else redis_backend(request.getfixturevalue("scratch_db"))

    class AtThisOne(AnyJob):
        backend = found

    run_state_machine_as_test(AtThisOne, settings=settings(max_examples=30, stateful_step_count=25, deadline=None))
