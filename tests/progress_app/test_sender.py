"""The threads behind a reporter, on a clock that only the test moves."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from progress_app import sender as sender_module
from progress_app.backends.base import Answer, Verdict
from progress_app.exceptions import BackendUnavailable
from progress_app.sender import Sender
from tests.processes import until
from tests.progress_app.doubles import Clock

LONG_S = 3_600.0
SHORT_S = 0.001


class FakeSource:
    """A reporter that writes down what its sender does."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.has_news = False
        self.looks = self.recalls = 0
        self.on_recall: Callable[[], None] = lambda: None
        self.held = False
        self.unripe_s = 0.0
        self.on_send: Callable[[], None] = lambda: None
        self.on_renew: Callable[[], bool] = lambda: True

    def changed(self) -> bool:
        return self.has_news

    def ripens_in_s(self) -> float:
        return self.unripe_s

    def send(self) -> Answer:
        self.calls.append("send")
        self.on_send()
        return Answer(Verdict.ACCEPTED, 1)

    def renew(self) -> bool:
        self.calls.append("renew")
        return self.on_renew()

    def recall(self) -> None:
        self.recalls += 1
        self.on_recall()

    def hold(self) -> None:
        self.held = True

    def resume(self) -> None:
        self.held = False

    def watch(self) -> None:
        self.looks += 1

    def sends(self) -> int:
        return self.calls.count("send")

    def looked(self, times: int = 20) -> Callable[[], bool]:
        """A condition: the sender has looked so often again."""
        target = self.looks + times
        return lambda: self.looks >= target


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def make(source: FakeSource, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Sender]]:
    """Make senders that look often; the test moves their clock."""
    monkeypatch.setattr(sender_module, "RETRY_S", SHORT_S)
    monkeypatch.setattr(sender_module, "RENEW_AGAIN_S", SHORT_S)
    made = []

    def build(**changes: Any) -> Sender:
        settings: dict[str, Any] = {
            "interval_s": SHORT_S, "pulse_s": 1.0, "renew_interval_s": LONG_S, "lease_s": 45.0, "clock": clock
        }  # fmt: skip
        made.append(sender := Sender(source, **(settings | changes)))
        return sender

    yield build
    for sender in made:
        sender.stop()


def test_the_first_is_sent_at_once_and_alone(make: Callable[..., Sender], source: FakeSource) -> None:
    sender = make()
    sender.hurry()
    sender.start()
    until(source.looked())
    assert source.calls == ["send"]


def test_news_waits_for_the_interval(make: Callable[..., Sender], source: FakeSource, clock: Clock) -> None:
    make().start()
    until(source.looked(3))
    source.has_news = True
    until(source.looked())
    assert source.sends() == 1, "no time has passed"
    clock.now += 0.0011
    until(lambda: source.sends() == 2)


def test_silence_is_ended_by_a_pulse(make: Callable[..., Sender], source: FakeSource, clock: Clock) -> None:
    make().start()
    until(source.looked(3))
    clock.now += 0.99
    until(source.looked())
    assert source.sends() == 1
    clock.now += 0.02
    until(lambda: source.sends() == 2)


def test_what_is_urgent_does_not_wait(make: Callable[..., Sender], source: FakeSource) -> None:
    sender = make(interval_s=LONG_S, pulse_s=LONG_S)
    sender.start()
    until(lambda: source.sends() == 1)
    sender.hurry()
    until(lambda: source.sends() == 2)


def test_a_job_that_ends_at_once_has_told_its_beginning(make: Callable[..., Sender], source: FakeSource) -> None:
    sender = make()
    sender._stopping.set()  # the job was faster than the thread
    sender.start()
    sender.stop()
    assert source.calls == ["send"]


@pytest.mark.parametrize("fault", [BackendUnavailable("away"), ValueError("a bug")])
def test_sending_goes_on_after_a_fault(
    make: Callable[..., Sender], source: FakeSource, clock: Clock, caplog: pytest.LogCaptureFixture, fault: Exception
) -> None:
    faults = [fault, fault]

    def fail() -> None:
        if faults:
            raise faults.pop()

    source.on_send = fail
    source.has_news = True
    make().start()
    for sent in (1, 2, 3):
        until(lambda sent=sent: source.sends() == sent)  # type: ignore[misc]
        until(source.looked(2))
        clock.now += 0.0011
    assert len(caplog.records) == 2


def test_nothing_is_sent_after_the_end(make: Callable[..., Sender], source: FakeSource, clock: Clock) -> None:
    sender = make()
    sender.start()
    until(source.looked())
    sender.stop()
    sent, looks = source.sends(), source.looks
    clock.now += 100.0
    sender.hurry()
    assert (source.sends(), source.looks) == (sent, looks)
    assert not sender._threads[0].is_alive()


def test_an_end_before_the_beginning_is_no_fault(make: Callable[..., Sender]) -> None:
    make().stop()


def test_the_end_waits_for_the_send_that_runs(make: Callable[..., Sender], source: FakeSource) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        go_on.wait(20)
        source.calls.append("sent")

    source.on_send = slow
    sender = make()
    sender.start()
    begun.wait(20)
    stopper = threading.Thread(target=sender.stop)
    stopper.start()
    until(sender._stopping.is_set)
    assert stopper.is_alive()
    go_on.set()
    stopper.join()
    assert source.calls == ["send", "sent"]


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


def test_earlier_runs_are_looked_up_once_and_not_for_a_short_task(
    make: Callable[..., Sender], source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = make()
    short.start()
    short.stop()
    until(lambda: not short._threads[1].is_alive())
    assert source.recalls == 0
    monkeypatch.setattr("progress_app.sender.RECALL_AFTER_S", SHORT_S)
    make().start()
    until(lambda: source.recalls == 1)


def test_a_database_that_knows_no_earlier_runs_does_not_end_the_renewals(
    make: Callable[..., Sender], source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OSError("the database is away")

    monkeypatch.setattr("progress_app.sender.RECALL_AFTER_S", SHORT_S)
    source.on_recall = broken
    sender = make()
    sender.start()
    until(lambda: source.recalls == 1)
    sender._stale.set()
    until(lambda: "renew" in source.calls)


def test_what_is_about_to_change_is_sent_a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    source.unripe_s = 12.0
    sender = Sender(source, interval_s=0.1, pulse_s=1.0, renew_interval_s=10.0, lease_s=45.0)
    waited = list[float]()
    monkeypatch.setattr(sender._stopping, "wait", waited.append)
    sender._send()
    assert (waited, source.calls) == ([12.0], ["send"])
