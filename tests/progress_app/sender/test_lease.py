"""The lease that it renews: in time, or else before it sends anything more."""

import logging
import threading
from collections.abc import Callable

import pytest

from progress_app.sender import Sender
from tests.processes import until
from tests.progress_app.doubles import Clock
from tests.progress_app.sender.source import LONG_S, SHORT_S, FakeSource


def test_who_slept_past_the_lease_renews_before_it_sends(
    make: Callable[..., Sender], source: FakeSource, clock: Clock
) -> None:
    sender = make()
    sender.start()
    until(source.looked())
    clock.now += 46.0  # a frozen machine
    sender.hurry()
    until(lambda: source.sends() == 2)
    assert source.calls == ["send", "renew", "send"]


def test_a_lease_that_is_as_old_as_it_is_valid_still_holds(
    make: Callable[..., Sender], source: FakeSource, clock: Clock
) -> None:
    make().start()
    until(source.looked())
    clock.now += 45.0
    until(lambda: source.sends() == 2)
    assert "renew" not in source.calls


def test_who_has_lost_the_lease_sends_nothing_more(
    make: Callable[..., Sender], source: FakeSource, clock: Clock
) -> None:
    source.on_renew = lambda: False
    sender = make()
    sender.start()
    until(source.looked())
    clock.now += 46.0
    sender.hurry()
    until(lambda: "renew" in source.calls)
    until(source.looked())
    assert source.calls == ["send", "renew"]


def test_the_job_waits_while_nobody_knows_whether_the_lease_holds(
    make: Callable[..., Sender], source: FakeSource, clock: Clock
) -> None:
    answers: list[Exception] = [OSError("the database is away")]
    go_on = threading.Event()

    def renew() -> bool:
        if answers:
            raise answers.pop()
        return go_on.wait(20)

    source.on_renew = renew
    sender = make()
    sender.start()
    until(source.looked())
    clock.now += 46.0
    sender.hurry()
    until(lambda: source.calls.count("renew") == 2)
    assert source.held
    go_on.set()
    until(lambda: not source.held)


def test_a_lease_that_was_lost_in_time_stops_the_sending_too(make: Callable[..., Sender], source: FakeSource) -> None:
    source.on_renew = lambda: False
    sender = make()
    sender.start()
    until(source.looked())
    sender._stale.set()
    until(lambda: sender._is_lost)
    sent = source.sends()
    sender.hurry()
    until(source.looked())
    assert source.sends() == sent


def test_a_lease_is_as_old_as_the_question(make: Callable[..., Sender], source: FakeSource, clock: Clock) -> None:
    """A database that takes long to answer has renewed the lease when it was asked, not when it answered."""

    def slow() -> bool:
        if source.calls.count("renew") == 1:
            clock.now += 46.0
        return True

    source.on_renew = slow
    sender = make()
    sender.start()
    until(source.looked())
    clock.now += 46.0
    sender.hurry()
    until(lambda: source.sends() == 2)
    assert source.calls == ["send", "renew", "renew", "send"]


def test_a_renewal_that_fails_is_tried_again_soon(
    make: Callable[..., Sender], source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    faults: list[Exception] = [OSError("the database is away")] * 3

    def renew() -> bool:
        if faults:
            raise faults.pop()
        return True

    source.on_renew = renew
    sender = make()  # the next regular renewal is an hour away
    sender._stale.set()
    sender.start()
    until(lambda: source.calls.count("renew") == 4)
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3


def test_the_lease_is_renewed_again_and_again(make: Callable[..., Sender], source: FakeSource) -> None:
    make(renew_interval_s=SHORT_S, pulse_s=LONG_S).start()
    until(lambda: source.calls.count("renew") >= 5)
    assert source.sends() == 1


def test_a_database_that_hangs_stops_neither_sending_nor_the_end(
    make: Callable[..., Sender], source: FakeSource
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hang() -> bool:
        asked.set()
        return go_on.wait(20)

    source.on_renew = hang
    sender = make(renew_interval_s=SHORT_S)
    sender.start()
    asked.wait(20)
    sent = source.sends()
    sender.hurry()
    until(lambda: source.sends() > sent)
    sender.stop()
    assert sender._threads[1].is_alive(), "it still waits for its database"
    go_on.set()
    sender._threads[1].join(20)
