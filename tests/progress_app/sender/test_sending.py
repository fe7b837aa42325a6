"""When it sends: at once, after the interval, as a pulse, and the end last."""

import threading
from collections.abc import Callable

import pytest

from progress_app.exceptions import BackendUnavailable
from progress_app.sender import Sender
from tests.processes import until
from tests.progress_app.doubles import Clock
from tests.progress_app.sender.source import LONG_S, FakeSource


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


def test_what_is_about_to_change_is_sent_a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    source.unripe_s = 12.0
    sender = Sender(source, interval_s=0.1, pulse_s=1.0, renew_interval_s=10.0, lease_s=45.0)
    waited = list[float]()
    monkeypatch.setattr(sender._stopping, "wait", waited.append)
    sender._send()
    assert (waited, source.calls) == ([12.0], ["send"])
