"""What stops a job, and when, on a clock that only the test moves."""

import threading
from typing import Any

import pytest

from progress_app.exceptions import AttemptSuperseded, TaskCancelled, TimeLimitReached
from progress_app.halt import Halt, Limits
from tests.processes import until
from tests.progress_app.doubles import Clock

FINALLY_S = 10.0


class Hand:
    """Force that writes down what it does."""

    def __init__(self, *, own: bool = True) -> None:
        self.own = own
        self.did: list[tuple[str, type[BaseException]]] = []

    def interrupt(self, reason: BaseException) -> bool:
        self.did.append(("interrupt", type(reason)))
        return self.own

    def end(self, reason: BaseException) -> None:
        self.did.append(("end", type(reason)))


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def powerless() -> list[bool]:
    return []


def halt_of(clock: Clock, powerless: list[bool], **limits: Any) -> Halt:
    return Halt(Limits(**limits), clock, lambda: powerless.append(True))


def after(halt: Halt, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    halt.watch()


def test_a_cancel_that_is_not_agreed_to_is_forced_after_its_grace_and_ended_after_another(
    clock: Clock, hand: Hand, powerless: list[bool]
) -> None:
    halt = halt_of(clock, powerless, cancel_grace_s=30, force=hand)
    halt.ask(TaskCancelled())
    after(halt, clock, 30)
    assert hand.did == []
    after(halt, clock, 1)
    after(halt, clock, FINALLY_S - 1)
    assert hand.did == [("interrupt", TaskCancelled)]
    after(halt, clock, 1)
    after(halt, clock, 100)
    assert hand.did == [("interrupt", TaskCancelled), ("end", TaskCancelled)]
    assert powerless == []


def test_what_a_job_does_in_its_finally_blocks_is_not_interrupted(
    clock: Clock, hand: Hand, powerless: list[bool]
) -> None:
    halt = halt_of(clock, powerless, cancel_grace_s=30, force=hand)
    halt.ask(TaskCancelled())
    with pytest.raises(TaskCancelled):
        halt.tell()
    halt.tell()
    after(halt, clock, 31)
    assert hand.did == []
    after(halt, clock, FINALLY_S)
    assert hand.did == [("end", TaskCancelled)]


def test_a_time_limit_is_told_first_and_forced_at_the_hard_one(clock: Clock, hand: Hand, powerless: list[bool]) -> None:
    halt = halt_of(clock, powerless, time_limit_s=60, hard_limit_s=70, force=hand)
    after(halt, clock, 60)
    halt.check()
    after(halt, clock, 1)
    assert [type(reason) for reason in halt.reasons] == [TimeLimitReached]
    after(halt, clock, 10)
    assert hand.did == []
    after(halt, clock, 0.1)
    assert hand.did == [("interrupt", TimeLimitReached)]


def test_a_job_that_was_told_of_its_limit_is_told_once(clock: Clock, hand: Hand, powerless: list[bool]) -> None:
    halt = halt_of(clock, powerless, time_limit_s=60, force=hand)
    after(halt, clock, 61)
    with pytest.raises(TimeLimitReached, match="60 s"):
        halt.tell()
    after(halt, clock, 1)
    halt.tell()


def test_a_superseded_attempt_is_stopped_within_a_second_or_two(
    clock: Clock, hand: Hand, powerless: list[bool]
) -> None:
    halt = halt_of(clock, powerless, cancel_grace_s=30, force=hand)
    halt.ask(AttemptSuperseded())
    after(halt, clock, 1.1)
    assert hand.did == [("interrupt", AttemptSuperseded)]


@pytest.mark.parametrize("force", [None, Hand(own=False)])
def test_where_the_process_is_shared_it_is_said_once_and_nothing_is_ended(
    clock: Clock, powerless: list[bool], force: Hand | None
) -> None:
    halt = halt_of(clock, powerless, cancel_grace_s=30, force=force)
    halt.ask(TaskCancelled())
    for _ in range(4):
        after(halt, clock, 31)
    assert powerless == [True]
    assert force is None or ("end", TaskCancelled) not in force.did


def test_while_the_lease_is_unknown_the_job_waits_at_its_next_call(clock: Clock, powerless: list[bool]) -> None:
    halt, passed = halt_of(clock, powerless), list[bool]()

    def work() -> None:
        halt.check()
        passed.append(True)

    halt.hold()
    halt.hold()
    job = threading.Thread(target=work)
    job.start()
    after(halt, clock, 1000)
    assert passed == []
    assert halt.reasons, "the loops look at this alone"
    halt.resume()
    until(lambda: passed == [True])
    job.join()
    assert halt.reasons == []


def test_a_lease_that_turns_out_to_be_lost_stops_the_waiting_job(clock: Clock, powerless: list[bool]) -> None:
    halt, raised = halt_of(clock, powerless), list[BaseException]()

    def job() -> None:
        try:
            halt.check()
        except AttemptSuperseded as reason:
            raised.append(reason)

    halt.hold()
    thread = threading.Thread(target=job)
    thread.start()
    halt.ask(AttemptSuperseded())
    thread.join(20)
    assert len(raised) == 1


def test_the_first_reason_stands(clock: Clock, powerless: list[bool]) -> None:
    halt = halt_of(clock, powerless)
    halt.ask(TaskCancelled("first"))
    halt.ask(AttemptSuperseded("second"))
    with pytest.raises(TaskCancelled, match="first"):
        halt.check()
