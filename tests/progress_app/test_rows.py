"""Rows of many tasks: their bytes, the board of a process, and how a viewer of a list gets them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from config.places import BASE
from progress_app.backends.memory import MemoryBackend
from progress_app.channels import parse
from progress_app.events import Snapshot, StageRef, State
from progress_app.hub import Hub
from progress_app.listing import Listing
from progress_app.rows import KEPT, SHOWN_FIRST, Board, is_end, position_of, row, rows_frame, task_of
from progress_app.subscriber import Subscriber
from tests.progress_app.doubles import OTHER_TASK, TASK, snapshot, told, until


def numbered(number: int) -> str:
    return f"6f0c1d2e-3a4b-4c5d-8e6f-{number:012d}"


def rows_in(chunk: bytes) -> list[dict[str, Any]]:
    return [each for event in told(chunk) if event.event == "rows" for each in event.data["rows"]]


def test_a_row_is_a_task_in_about_130_bytes() -> None:
    made = row(snapshot(percent=42.1, stage=StageRef(index=0, name="Load"), pos=1_876_951_040_000_123))
    expected = {"task": TASK, "state": "running", "percent": 42.1, "stage": "Load", "pos": 1_876_951_040_000_123}
    assert json.loads(made) == expected
    assert len(made) <= 130


def test_the_documents_example_is_what_we_send() -> None:
    text = (BASE / "docs" / "events.md").read_text(encoding="utf-8")
    example = text.partition("```json\n")[2].partition("\n```")[0]
    made = row(snapshot(percent=42.1, stage=StageRef(index=0, name="Load"), pos=1_876_951_040_000_123))
    assert rows_frame([made]).plain == b"event: rows\ndata: %b\n\n" % example.encode()


@pytest.mark.parametrize("state", list(State))
def test_a_row_is_read_without_a_parser(state: State) -> None:
    made = row(snapshot(state=state, pos=77, stage=StageRef(index=0, name='"state":"failed","pos":9}')))
    assert (task_of(made), position_of(made), is_end(made)) == (TASK.encode(), 77, snapshot(state=state).is_final)


# The board


def put(board: Board, **changes: Any) -> bool:
    made = snapshot(**changes)
    return board.put(made.pos, row(made))


def test_a_board_tells_what_changed_once_and_the_newest_of_each_task() -> None:
    board = Board()
    put(board, pos=1, percent=1.0)
    put(board, pos=2, percent=2.0)
    put(board, pos=1, percent=1.0)
    assert [json.loads(each)["percent"] for each in board.take().values()] == [2.0]
    assert board.take() == {}


def test_an_end_is_told_and_then_forgotten() -> None:
    board = Board()
    put(board, pos=1)
    put(board, pos=2, state=State.SUCCEEDED)
    assert len(board.take()) == 1
    assert board.tasks == []
    assert rows_in(board.first().plain) == []


def test_a_row_that_says_nothing_new_is_not_told_again() -> None:
    board = Board()
    assert put(board, pos=0, state=State.QUEUED)
    board.take()
    assert not put(board, pos=0, state=State.QUEUED)
    assert put(board, pos=0, state=State.RETRYING)


def test_a_board_is_bounded_and_shows_the_newest_first() -> None:
    board = Board()
    for number in range(KEPT + 10):
        put(board, task=numbered(number), pos=1)
    assert len(board.tasks) == KEPT
    shown = rows_in(board.first().plain)
    assert (len(shown), shown[-1]["task"]) == (SHOWN_FIRST, numbered(KEPT + 9))


# The hub


class Project:
    """What a project lists and knows; a test sets it."""

    def __init__(self) -> None:
        self.listed: list[Snapshot] = []
        self.sources: tuple[str, ...] = ()
        self.recorded: dict[str, Snapshot] = {}
        self.asked = 0

    async def listing(self, _channel: str) -> Listing:
        self.asked += 1
        return Listing(snapshots=tuple(self.listed), sources=self.sources)

    async def record(self, task: str) -> Snapshot | None:
        return self.recorded.get(task)


@pytest.fixture
def project() -> Project:
    return Project()


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
async def hub(backend: MemoryBackend, project: Project) -> AsyncIterator[Hub]:
    hub = Hub(backend.feed(), project.record, listings=project.listing, recheck_s=60, tick_s=0.01)
    hub.start()
    await asyncio.sleep(0)
    yield hub
    await hub.stop()


class Viewer:
    """A list that somebody looks at."""

    def __init__(self, mailbox: Subscriber) -> None:
        self.mailbox = mailbox
        self.rows: dict[str, dict[str, Any]] = {}
        self.frames = 0

    def look(self) -> None:
        chunk = self.mailbox.take()
        self.frames += chunk.count(b"event: rows")
        self.rows |= {each["task"]: each for each in rows_in(chunk)}

    async def until_state(self, task: str, state: str) -> None:
        def seen() -> bool:
            self.look()
            return self.rows.get(task, {}).get("state") == state

        await until(seen)


async def watching(hub: Hub, channel: str = "tasks") -> Viewer:
    viewer = Viewer(await hub.open([parse(channel)], {}))
    viewer.look()
    return viewer


async def test_a_list_begins_with_the_unfinished_tasks_as_they_are_now(
    hub: Hub, backend: MemoryBackend, project: Project
) -> None:
    project.listed = [snapshot(task=OTHER_TASK, state=State.QUEUED, attempt=0), snapshot(percent=10.0)]
    backend.publish(snapshot(percent=80.0))
    viewer = await watching(hub)
    assert viewer.rows[OTHER_TASK]["state"] == "queued"
    assert viewer.rows[TASK]["percent"] == 80.0


async def test_what_changes_is_joined_at_a_tick_for_all_viewers(hub: Hub, backend: MemoryBackend) -> None:
    viewers = [await watching(hub) for _ in range(3)]
    for number in range(20):
        backend.publish(snapshot(task=numbered(number)))
    for viewer in viewers:
        before = viewer.frames
        await viewer.until_state(numbered(19), "running")
        assert len(viewer.rows) == 20
        assert viewer.frames - before <= 3


async def test_an_end_reaches_the_list(hub: Hub, backend: MemoryBackend) -> None:
    backend.publish(snapshot())
    viewer = await watching(hub)
    backend.publish(snapshot(state=State.SUCCEEDED, percent=100.0))
    await viewer.until_state(TASK, "succeeded")


async def test_a_user_sees_the_rows_of_ones_own_audiences_only(
    hub: Hub, backend: MemoryBackend, project: Project
) -> None:
    project.sources = ("user-7.tasks", "group-3.tasks")
    viewer = await watching(hub, "user-7.tasks")
    backend.publish(snapshot(task=numbered(1)), audience=["user-8"])
    backend.publish(snapshot(task=numbered(2)), audience=["user-7"])
    backend.publish(snapshot(task=numbered(3)), audience=["user-8", "group-3"])
    await viewer.until_state(numbered(3), "running")
    assert viewer.rows.keys() == {numbered(2), numbered(3)}


async def test_an_end_that_was_missed_is_found_when_the_connection_is_back(
    backend: MemoryBackend, project: Project
) -> None:
    feed = backend.feed()
    hub = Hub(feed, project.record, listings=project.listing, recheck_s=60, tick_s=0.01)
    hub.start()
    await asyncio.sleep(0)
    project.listed = [snapshot()]
    viewer = await watching(hub)
    feed.interrupt()
    project.listed, project.recorded = [], {TASK: snapshot(state=State.FAILED, pos=9)}
    feed.resume()
    await viewer.until_state(TASK, "failed")
    await hub.stop()


async def test_rows_that_a_slow_viewer_could_not_take_wait_as_the_newest_of_each_task(
    hub: Hub, backend: MemoryBackend
) -> None:
    viewer = await watching(hub)
    for percent in (1.0, 2.0, 3.0):
        backend.publish(snapshot(percent=percent))
        await until(lambda: hub._topics["tasks"].board._changed)  # type: ignore[attr-defined]
        await until(lambda: not hub._topics["tasks"].board._changed)  # type: ignore[attr-defined]
    chunk = viewer.mailbox.take()
    assert [each["percent"] for each in rows_in(chunk)] == [3.0]
    assert viewer.mailbox.conflated == 2


async def test_a_list_that_nobody_watches_any_more_is_not_followed(hub: Hub, project: Project) -> None:
    project.sources = ("group-3.tasks",)
    viewer = await watching(hub, "user-7.tasks")
    hub.close(viewer.mailbox)
    assert hub._feed._followed == set()  # type: ignore[attr-defined]
    assert hub._sources._topics == {}
