"""What stops a job, and what its host is asked."""

import threading
from contextlib import suppress
from typing import Any

import pytest

from progress_app.backends.base import Verdict
from progress_app.events import State
from progress_app.exceptions import AttemptSuperseded, TaskCancelled, TimeLimitReached
from progress_app.halt import Limits
from progress_app.host import Lease
from progress_app.reporter import Reporter
from progress_app.rhythm import Rhythm
from tests.processes import until
from tests.progress_app.doubles import TASK, Clock, FakeHost, snapshot
from tests.progress_app.reporter.recording import Recorder, reporter_of, shown


def test_a_silence_that_is_long_for_this_job_is_shown(progress: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(progress.teller, "_rhythm", Rhythm(clock))
    for _ in range(10):
        clock.now += 1
        progress.advance()
        progress.teller.changed()
    assert shown(progress).stalled_s is None
    clock.now += 45
    progress.teller.changed()
    assert shown(progress).stalled_s == 45


def test_a_time_limit_stops_the_job_at_its_next_call(backend: Recorder, host: FakeHost) -> None:
    progress = reporter_of(backend, host, limits=Limits(time_limit_s=-1))
    progress.teller.watch()
    with pytest.raises(TimeLimitReached):
        list(progress.track([1, 2]))


def test_a_worker_that_cannot_end_a_job_says_so_in_its_log(backend: Recorder, host: FakeHost) -> None:
    progress = reporter_of(backend, host, limits=Limits(cancel_grace_s=-1))
    backend.request_cancel(TASK, 1.0)
    progress.teller.send()
    progress.teller.watch()
    progress.teller.send()
    [line] = backend.lines()
    assert "its worker cannot make it" in line


def test_a_job_waits_while_its_lease_is_unknown(progress: Reporter) -> None:
    progress.teller.hold()
    job = threading.Thread(target=progress.advance)
    job.start()
    job.join(0.05)
    assert job.is_alive()
    progress.teller.resume()
    job.join(20)
    assert not job.is_alive()


def test_a_cancel_is_told_once_by_counting_and_always_on_request(progress: Reporter, backend: Recorder) -> None:
    backend.request_cancel(TASK, 1_790_000_000.25)
    progress.teller.send()
    with pytest.raises(TaskCancelled):
        progress.advance()
    progress.advance()
    progress.update(1)
    progress.log("cleaning up")
    for _ in range(3):
        with pytest.raises(TaskCancelled):
            progress.raise_if_cancelled()
    told = shown(progress)
    assert (told.state, told.cancel_requested_at) == (State.CANCELLING, 1_790_000_000.25)


@pytest.mark.parametrize("call", [lambda p: p.advance(), lambda p: p.update(1), lambda p: p.log("x"),
                                  lambda p: p.stage("s").__enter__(), lambda p: list(p.track([1, 2])),
                                  lambda p: list(p.track(iter([1, 2])))])  # fmt: skip
def test_the_next_call_of_any_kind_raises(progress: Reporter, backend: Recorder, call: Any) -> None:
    backend.request_cancel(TASK, 1.0)
    progress.teller.send()
    with pytest.raises(TaskCancelled):
        call(progress)


def test_finally_may_report(progress: Reporter, backend: Recorder) -> None:
    cleaned = []

    def job() -> None:
        try:
            for _ in progress.track(range(10)):
                pass
        finally:
            with progress.stage("Clean up", total=2):
                progress.advance(2)
                progress.log("cleaned up")
                cleaned.append(True)

    backend.request_cancel(TASK, 1.0)
    progress.teller.send()
    with pytest.raises(TaskCancelled):
        job()
    assert cleaned == [True]
    progress.settle(State.CANCELLED)
    assert progress.publish_end()
    assert backend.lines() == ["cleaned up"]


def test_except_exception_does_not_swallow_a_cancel(progress: Reporter, backend: Recorder) -> None:
    def job() -> None:
        for _ in progress.track(range(10)):
            with suppress(Exception):  # a job that swallows everything
                progress.advance()

    backend.request_cancel(TASK, 1.0)
    progress.teller.send()
    with pytest.raises(TaskCancelled):
        job()


def test_a_cancel_reaches_a_running_job(started: Reporter, backend: Recorder) -> None:
    backend.request_cancel(TASK, 1.0)

    def job() -> None:
        while True:
            started.advance()

    with pytest.raises(TaskCancelled):
        job()
    until(lambda: backend.sent[-1].state is State.CANCELLING)


def test_a_cancel_that_redis_lost_is_found_by_the_lease(progress: Reporter, host: FakeHost) -> None:
    host.lease = Lease.CANCELLED
    assert progress.teller.renew() is True
    with pytest.raises(TaskCancelled):
        progress.advance()


def test_a_newer_attempt_ends_this_one(progress: Reporter, backend: Recorder) -> None:
    backend.publish(snapshot(attempt=2))
    assert progress.teller.send().verdict is Verdict.SUPERSEDED
    with pytest.raises(AttemptSuperseded, match=TASK):
        progress.advance()


def test_a_final_snapshot_of_somebody_else_ends_this_attempt(progress: Reporter, backend: Recorder) -> None:
    backend.publish(snapshot(state=State.LOST))
    assert progress.teller.send().verdict is Verdict.ENDED
    with pytest.raises(AttemptSuperseded):
        progress.raise_if_cancelled()


def test_a_lost_lease_ends_this_attempt(progress: Reporter, host: FakeHost) -> None:
    host.lease = Lease.LOST
    assert progress.teller.renew() is False
    with pytest.raises(AttemptSuperseded):
        progress.advance()


def test_the_host_sees_the_present_state(progress: Reporter, host: FakeHost) -> None:
    progress.update(3, 4, "nearly")
    assert progress.teller.renew() is True
    assert (host.renewed[0].percent, host.renewed[0].message) == (75.0, "nearly")


def test_files_go_to_the_host(progress: Reporter, host: FakeHost, tmp_path: Any) -> None:
    progress.attach(tmp_path / "a.csv", "result.csv")
    assert host.files == ["result.csv"]
