"""The double that is shipped: what it records, and that it is a real reporter in everything else."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from progress_app.events import State
from progress_app.exceptions import AttemptSuperseded, TaskCancelled, TimeLimitReached, UsageError
from progress_app.testing import RecordingReporter


def import_rows(progress: Any, rows: list[str]) -> int:
    with progress.stage("Read", total=2):
        progress.update(message="opening")
        progress.advance(2)
    with progress.stage("Load", unit="rows"):
        for row in progress.track(rows):
            progress.log(row, level="debug")
            progress.checkpoint({"at": row})
    progress.attach(io.BytesIO(b"all of them"), "report.txt")
    return len(rows)


def test_it_records_all_that_a_job_says() -> None:
    progress = RecordingReporter(stages=["Read", "Load"])
    assert import_rows(progress, ["a", "b"]) == 2
    assert progress.stages == ["Read", "Load"]
    assert progress.messages == ["opening"]
    assert [entry.text for entry in progress.logs] == ["a", "b"]
    assert progress.checkpoints == [{"at": "a"}, {"at": "b"}]
    assert progress.attachments == {"report.txt": b"all of them"}
    assert progress.percents == [0.0, 50.0, 75.0, 99.9]
    assert progress.finish().percent == 100.0


def test_what_it_records_is_the_same_each_time() -> None:
    first, second = RecordingReporter(), RecordingReporter()
    for progress in (first, second):
        for _ in progress.track(range(1_000)):
            pass
    assert first.percents == second.percents
    assert len(first.percents) == 1_000


def test_an_unknown_total_has_no_percentage() -> None:
    progress = RecordingReporter()
    for _ in progress.track(iter([1, 2])):
        pass
    assert progress.percents == [None]
    assert progress.last.current == 2


def test_a_cancel_comes_where_the_test_wants_it() -> None:
    progress, seen = RecordingReporter(cancel_at=50), []
    with pytest.raises(TaskCancelled):
        seen.extend(progress.track([1, 2, 3, 4]))
    assert seen == [1, 2, 3]
    assert progress.finish(State.CANCELLED).percent == 50.0


@pytest.mark.parametrize(
    ("happen", "reason"),
    [("cancel", TaskCancelled), ("run_out_of_time", TimeLimitReached), ("supersede", AttemptSuperseded)],
)
def test_whatever_stops_a_task_can_be_tried(happen: str, reason: type[BaseException]) -> None:
    progress = RecordingReporter()
    getattr(progress, happen)()
    with pytest.raises(reason):
        progress.advance()


def test_a_job_finds_the_checkpoint_that_the_test_gives() -> None:
    assert RecordingReporter(checkpointed={"at": 7}).checkpointed == {"at": 7}
    assert RecordingReporter().checkpointed is None


def test_files_may_be_paths(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"here")
    progress = RecordingReporter()
    progress.attach(tmp_path / "a.txt", "b.txt")
    assert progress.attachments == {"b.txt": b"here"}


def test_it_refuses_what_a_real_one_refuses() -> None:
    progress = RecordingReporter()
    with pytest.raises(UsageError, match="expected one of"):
        progress.log("x", level="loud")
    with pytest.raises(UsageError, match="expected a file open for reading bytes"):
        progress.attach("report.html", "report.html")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="expected the names of stages"):
        progress.plan("Read")
    progress.finish()
    with pytest.raises(UsageError, match="after the end"):
        progress.advance()


def test_a_loop_that_goes_on_after_the_end_is_not_told() -> None:
    progress = RecordingReporter()
    rest = progress.track([1, 2, 3])
    next(rest)
    end = progress.finish()
    assert list(rest) == [2, 3]
    assert progress.last == end


def test_asynchronous_jobs_are_recorded_too() -> None:
    async def numbers() -> AsyncIterator[int]:
        for number in (1, 2):
            yield number

    async def job(progress: Any) -> None:
        async for _ in progress.track(numbers(), total=2):
            pass

    progress = RecordingReporter()
    asyncio.run(job(progress))
    assert progress.percents == [0.0, 50.0, 99.9]
