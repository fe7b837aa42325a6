"""Jobs that are `async def`: they run, count, are cancelled where they wait, and end like any other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from progress_app import connections
from progress_app.events import Snapshot
from tasks_app import registry, runner
from tasks_app.models import Task
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db", "broker")]
Catalogue = Callable[..., registry.Job]


def run(catalogue: Catalogue, job: Callable[..., Any], **options: Any) -> Task:
    catalogue(job, **options)
    task = TaskFactory.create(job="a_job", params={})
    runner.run(str(task.pk), worker="worker@test")
    task.refresh_from_db()
    return task


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


async def cancel(progress: Any) -> None:
    """Let the reporter learn that somebody cancelled its task."""
    await asyncio.to_thread(connections.backend().request_cancel, progress._identity.task, 1.0)


def test_its_result_is_kept(catalogue: Catalogue) -> None:
    async def job(_progress: Any) -> int:
        await asyncio.sleep(0)
        return 42

    task = run(catalogue, job)
    assert (task.state, task.result) == ("succeeded", 42)


def test_track_counts_what_comes_asynchronously(catalogue: Catalogue) -> None:
    async def job(progress: Any) -> float:
        seen = [number async for number in progress.track(numbers(5), unit="pages")]
        assert seen == [0, 1, 2, 3, 4]
        return float(progress._ledger.mark[0])

    task = run(catalogue, job)
    assert task.result == 5.0
    assert Snapshot.from_json(task.snapshot).unit == "pages"


def test_coroutines_beside_each_other_count_together(catalogue: Catalogue) -> None:
    async def part(progress: Any) -> None:
        async for _ in progress.track(numbers(10)):
            progress.advance()

    async def job(progress: Any) -> float:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(part(progress))
        return float(progress._ledger.mark[0])

    assert run(catalogue, job).result == 60.0


def test_a_cancel_reaches_it_where_it_waits_and_its_finally_blocks_run(catalogue: Catalogue) -> None:
    after: list[str] = []

    async def job(progress: Any) -> None:
        await cancel(progress)
        try:
            await asyncio.Event().wait()
        finally:
            progress.log("tidied up")
            after.append("finally")

    assert run(catalogue, job).state == "cancelled"
    assert after == ["finally"]


def test_a_cancel_that_one_of_a_group_is_told_ends_the_task_as_cancelled(catalogue: Catalogue) -> None:
    async def busy(progress: Any) -> None:
        while True:
            await asyncio.sleep(0)
            progress.advance()

    async def job(progress: Any) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(busy(progress))
            group.create_task(cancel(progress))

    assert run(catalogue, job).state == "cancelled"


def test_a_time_limit_reaches_it_where_it_waits(catalogue: Catalogue) -> None:
    async def job(_progress: Any) -> None:
        await asyncio.Event().wait()

    task = run(catalogue, job, time_limit_s=0.05)
    assert (task.state, task.error_code) == ("failed", "time_limit")


def test_what_it_raises_is_its_failure(catalogue: Catalogue) -> None:
    async def job(_progress: Any) -> None:
        raise registry.JobError("no_rows", "The file is empty.")

    task = run(catalogue, job)
    assert (task.state, task.error_code) == ("failed", "no_rows")


def test_a_cancel_of_its_own_is_not_taken_for_one_of_somebody(catalogue: Catalogue) -> None:
    async def job(_progress: Any) -> None:
        raise asyncio.CancelledError

    task = run(catalogue, job)
    assert (task.state, task.error_code) == ("failed", "unexpected")
