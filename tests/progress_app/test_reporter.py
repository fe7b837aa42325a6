"""What a job holds: over the memory backend, mostly without its threads."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pytest

from progress_app.backends.base import Answer, Verdict
from progress_app.backends.memory import MemoryBackend
from progress_app.channels import log_channel
from progress_app.events import Fault, LogEntry, Snapshot, StageRef, State
from progress_app.exceptions import AttemptSuperseded, BackendUnavailable, TaskCancelled, TimeLimitReached, UsageError
from progress_app.halt import Limits
from progress_app.host import Lease
from progress_app.reporter import Reporter
from progress_app.rhythm import Rhythm
from tests.processes import until
from tests.progress_app.doubles import TASK, Clock, FakeHost, snapshot

LONG_S = 3_600.0


class Recorder(MemoryBackend):
    """A backend that writes down what it is sent, and can be away or full."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Snapshot] = []
        self.away = False
        self.full = False

    def publish(self, snapshot: Snapshot, log: Any = (), member: Any = None, *, audience: Any = ()) -> Answer:
        if self.away:
            raise BackendUnavailable("away")
        kept = () if self.full else log
        taken = super().publish(Snapshot.from_json(snapshot.to_json()), kept, audience=audience)
        self.sent.append(snapshot)
        return Answer(taken.verdict, taken.pos, taken.cancel_requested_at, len(log) if self.full else 0)

    def lines(self) -> list[str]:
        entries = self.replay(log_channel(TASK), None, 10_000)
        return [LogEntry.from_json(entry.data).text for entry in entries]


@pytest.fixture
def backend() -> Recorder:
    return Recorder()


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


def reporter_of(backend: MemoryBackend, host: FakeHost, **changes: Any) -> Reporter:
    settings: dict[str, Any] = {"task": TASK, "job": "import_csv", "attempt": 1, "pulse_s": LONG_S}
    return Reporter(backend=backend, host=host, **(settings | changes))


@pytest.fixture
def progress(backend: Recorder, host: FakeHost) -> Reporter:
    """A reporter whose threads do not run: the test sends."""
    return reporter_of(backend, host)


@pytest.fixture
def started(backend: Recorder, host: FakeHost) -> Iterator[Reporter]:
    reporter = reporter_of(backend, host, interval_s=0.001)
    reporter.start()
    yield reporter
    if reporter._settled is None:
        reporter.settle(State.FAILED)


def shown(progress: Reporter) -> Snapshot:
    """What a viewer would be shown now, by way of JSON."""
    progress.teller.send()
    live = progress.teller._publish.func.__self__.read_snapshot(TASK)  # type: ignore[attr-defined]
    assert live is not None
    return Snapshot.from_json(live.to_json())


# The ends of the story


@pytest.mark.parametrize("round_", range(10))
def test_first_and_last_are_always_sent(backend: Recorder, host: FakeHost, round_: int) -> None:
    progress = reporter_of(backend, host)
    progress.start()
    progress.settle(State.SUCCEEDED)
    assert progress.publish_end() is True
    assert [told.state for told in backend.sent] == [State.RUNNING, State.SUCCEEDED]
    assert backend.sent[-1].percent == 100.0


def test_the_last_one_shows_the_last_count_and_line(started: Reporter, backend: Recorder) -> None:
    for _ in started.track(range(1_000), unit="rows"):
        pass
    started.log("done")
    last = started.settle(State.FAILED, Fault(code="bad", text="It was bad."))
    assert started.publish_end()
    assert (last.current, last.total, last.unit, last.state) == (1_000, 1_000, "rows", State.FAILED)
    assert last.error == Fault(code="bad", text="It was bad.")
    assert last.percent is not None
    assert last.percent < 100.0, "only success is 100"
    assert backend.sent[-1].current == 1_000
    assert backend.lines() == ["done"]


def test_nothing_is_sent_between_settling_and_the_end(started: Reporter, backend: Recorder) -> None:
    started.settle(State.SUCCEEDED)
    before = len(backend.sent)
    started._sender.hurry()
    assert len(backend.sent) == before
    assert backend.sent[-1].state is State.RUNNING


def test_an_end_that_redis_did_not_take_is_told_and_loses_no_line(progress: Reporter, backend: Recorder) -> None:
    progress.log("the last words")
    progress.settle(State.SUCCEEDED)
    backend.away = True
    assert progress.publish_end() is False
    backend.away = False
    assert progress.publish_end() is True
    assert backend.lines() == ["the last words"]


def test_the_end_of_an_older_attempt_is_not_taken(progress: Reporter, backend: Recorder) -> None:
    backend.publish(snapshot(attempt=2))
    progress.settle(State.SUCCEEDED)
    assert progress.publish_end() is False


def test_an_end_that_is_there_already_is_fine(progress: Reporter, backend: Recorder) -> None:
    progress.settle(State.SUCCEEDED)
    assert progress.publish_end()
    assert progress.publish_end()


def test_an_end_must_be_settled_first(progress: Reporter) -> None:
    with pytest.raises(UsageError, match="before settle"):
        progress.publish_end()


def test_a_task_may_be_handed_back(progress: Reporter, backend: Recorder) -> None:
    progress.update(3, 10)
    assert progress.settle(State.QUEUED).percent == 30.0
    assert progress.publish_end()
    assert backend.sent[-1].state is State.QUEUED


@pytest.mark.parametrize(
    "call",
    [
        lambda p: p.track([1]),
        lambda p: p.advance(),
        lambda p: p.update(1),
        lambda p: p.log("x"),
        lambda p: p.stage("x").__enter__(),
        lambda p: p.attach(None, "x"),
    ],
)
def test_a_call_after_the_end_is_refused(progress: Reporter, call: Any) -> None:
    progress.settle(State.SUCCEEDED)
    with pytest.raises(UsageError, match="after the end"):
        call(progress)


# Counting


def test_counts_come_from_loops_advance_and_update(progress: Reporter) -> None:
    for _ in progress.track([1, 2, 3], unit="files"):
        progress.advance(2)
    told = shown(progress)
    assert (told.current, told.total, told.unit) == (9, 3, "files")
    progress.update(current=1, total=8, message="one of eight")
    told = shown(progress)
    assert (told.current, told.total, told.message) == (1, 8, "one of eight")
    progress.advance()
    assert shown(progress).current == 2


def test_an_unknown_total_has_no_percentage(progress: Reporter) -> None:
    for _ in progress.track(iter(range(5))):
        told = shown(progress)
        assert (told.total, told.percent) == (None, None)
    assert shown(progress).current == 5
    assert progress.settle(State.SUCCEEDED).percent == 100.0


def test_whole_numbers_are_told_without_a_fraction(progress: Reporter) -> None:
    progress.update(current=2.0, total=4.5)
    told = json.loads(progress.teller._snapshot().to_json())
    assert repr((told["current"], told["total"])) == "(2, 4.5)"


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), -5, "three", 10**400])
def test_a_count_that_cannot_be_is_nothing(progress: Reporter, odd: Any) -> None:
    progress.advance(odd)
    assert shown(progress).current == 0
    progress.update(current=odd)
    assert shown(progress).current == 0
    progress.update(current=4, total=10)
    progress.update(total=odd)
    assert shown(progress).total == 0
    list(progress.track([1], total=odd))
    with progress.stage("s", total=odd):
        assert shown(progress).total == 0


def test_a_count_above_its_total_is_a_full_stage_and_not_success(progress: Reporter) -> None:
    progress.update(current=50, total=10)
    assert shown(progress).percent == 99.9
    progress.update(current=1, total=0)
    assert shown(progress).percent == 99.9


@pytest.mark.parametrize("number", [np.int64(3), np.float64(3.5), np.float32(1.5), Decimal("2.5"), True])
def test_any_kind_of_number_can_be_told(progress: Reporter, number: Any) -> None:
    progress.advance(number)
    assert shown(progress).current == float(number)
    progress.update(current=number, total=number)
    told = shown(progress)
    assert (told.current, told.total) == (float(number), float(number))


def test_a_message_is_cut_and_can_be_told(progress: Reporter) -> None:
    progress.update(message="x" * 1_000_000)
    assert shown(progress).message == "x" * 499 + "…"
    progress.update(message="a\ud800b\nc")
    assert shown(progress).message == "a?b\nc"


def test_no_text_of_a_job_stops_the_sending(progress: Reporter) -> None:
    with progress.stage("st\ud800age" + "x" * 1_000_000, unit="\ud800"):
        told = shown(progress)
    assert len(told.to_json()) < 2_000
    list(progress.track([1], unit="u\ud800" + "x" * 1_000_000))
    assert len(shown(progress).to_json()) < 3_000
    last = progress.settle(State.FAILED, Fault(code="c", text="\ud800" + "x" * 1_000_000))
    assert len(last.to_json()) < 4_000


def test_what_has_a_length_of_its_own_tells_it(progress: Reporter) -> None:
    class Sized:
        def __len__(self) -> int:
            return 4

        def __iter__(self) -> Iterator[int]:
            return iter(range(4))

    list(progress.track(Sized()))
    assert (shown(progress).current, shown(progress).total) == (4, 4)


def test_the_rate_is_that_of_the_open_stage(progress: Reporter) -> None:
    progress.advance(1_000_000)
    shown(progress)
    with progress.stage("small"):
        progress.advance(1)
        shown(progress)
    told = shown(progress)
    assert told.rate is None, "the end of a stage is no jump of the count around it"


# Stages


def test_stages_are_told_with_their_counts(backend: Recorder, host: FakeHost) -> None:
    progress = reporter_of(backend, host, stages=("Read", "Load"))
    with progress.stage("Read", total=2, unit="rows"):
        progress.advance()
        told = shown(progress)
        assert (told.stage, told.current, told.total, told.unit) == (StageRef(index=0, name="Read"), 1, 2, "rows")
        assert told.percent == 25.0
    with progress.stage("Load"):
        told = shown(progress)
        assert told.stage == StageRef(index=1, name="Load")
        assert (told.current, told.total, told.percent) == (0, None, None)
    assert progress.settle(State.SUCCEEDED).stage is None


def test_a_stage_inside_a_loop_does_not_count_for_the_loop(progress: Reporter) -> None:
    for number in progress.track([1, 2, 3]):
        with progress.stage(f"file {number}"), progress.stage("rows"):
            for _ in progress.track(range(50)):
                pass
    told = shown(progress)
    assert (told.current, told.total) == (3, 3)


def test_an_exception_shows_where_the_job_ended(progress: Reporter) -> None:
    def run() -> None:
        with progress.stage("Load", total=4):
            progress.advance()
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  (the one of the job above)
        run()
    last = progress.settle(State.FAILED)
    assert (last.stage, last.current, last.total) == (StageRef(index=0, name="Load"), 1, 4)


def test_a_job_may_catch_what_its_stages_raise(progress: Reporter) -> None:
    for number in range(5):
        try:
            with progress.stage(f"file {number}"):
                raise ValueError(number)
        except ValueError:
            progress.log("skipped")
    assert [stage.depth for stage in shown(progress).stages] == [0] * 5


# Being cancelled, and stopped


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


# The log


def test_an_unknown_level_is_refused_with_those_known(progress: Reporter) -> None:
    with pytest.raises(UsageError, match=r"level='loud'.*debug, info, warning, error"):
        progress.log("x", level="loud")


def test_a_flood_is_counted(progress: Reporter, backend: Recorder) -> None:
    for number in range(5_000):
        progress.log(f"line {number}")
    progress.teller.send()
    lines = backend.lines()
    assert len(lines) < 500
    assert f"{5_000 - len(lines) + 1} log entries were left out" in lines[-1]


def test_lines_written_while_redis_is_away_come_later(progress: Reporter, backend: Recorder) -> None:
    progress.log("a")
    backend.away = True
    with pytest.raises(BackendUnavailable):
        progress.teller.send()
    progress.log("b")
    backend.away = False
    assert progress.teller.changed()
    progress.teller.send()
    assert backend.lines() == ["a", "b"]
    assert not progress.teller.changed()


def test_lines_that_a_full_redis_refused_are_counted(progress: Reporter, backend: Recorder) -> None:
    backend.full = True
    for number in range(7):
        progress.log(str(number))
    for _ in range(3):
        progress.teller.send()
    backend.full = False
    progress.teller.send()
    assert backend.lines() == ["7 log entries were left out: too many, or Redis was away."]
    assert [told.text for told in progress.log_entries()] == [str(number) for number in range(7)]


# The sender's questions


def test_only_news_is_a_change(progress: Reporter) -> None:
    assert progress.teller.changed()
    progress.teller.send()
    assert not progress.teller.changed()
    for call in (progress.advance, partial(progress.update, message="m"), partial(progress.update, total=5)):
        call()
        assert progress.teller.changed()
        progress.teller.send()
        assert not progress.teller.changed()


def test_threads_of_a_job_count_together(started: Reporter, backend: Recorder) -> None:
    def count() -> None:
        for _ in range(5_000):
            started.advance()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert started.settle(State.SUCCEEDED).current == 20_000
    counts = [told.current for told in backend.sent]
    assert counts == sorted(counts)


# The end in sight


def test_earlier_runs_of_the_job_give_the_forecast(progress: Reporter, host: FakeHost) -> None:
    host.runs = [{"": [float(second) for second in range(1, 11)]}] * 3
    assert shown(progress).eta is None
    progress.teller.recall()
    progress.update(total=100)
    eta = shown(progress).eta
    assert eta is not None
    assert eta.low < 10 < eta.high


def test_an_attempt_that_succeeded_leaves_its_pace(progress: Reporter) -> None:
    for _ in progress.track(range(20)):
        shown(progress)
    progress.settle(State.SUCCEEDED)
    marks = progress.paces()[""]
    assert (len(marks), marks) == (10, sorted(marks))


def test_the_end_has_no_forecast(progress: Reporter, host: FakeHost) -> None:
    host.runs = [{"": [float(second) for second in range(1, 11)]}] * 3
    progress.teller.recall()
    assert progress.settle(State.CANCELLED).eta is None
