"""When a stream is over, and what is told of a task that has ended."""

import pytest

from progress_app.backends.base import Entry
from progress_app.backends.memory import MemoryBackend
from progress_app.events import State
from progress_app.hub import Hub
from progress_app.sse import parse_positions
from tests.progress_app.doubles import OTHER_TASK, entry, snapshot, told
from tests.progress_app.hub.feeding import LOG, NEWS, OTHER_STATE, STATE, messages, opened, settled, texts, written


async def test_it_is_over_when_every_task_has_ended_and_all_is_taken(hub: Hub, backend: MemoryBackend) -> None:
    viewer = await opened(hub, STATE, LOG, OTHER_STATE)
    await written(hub, viewer)
    assert not hub.finished(viewer)
    backend.publish(snapshot(state=State.SUCCEEDED), [entry("last")])
    await written(hub, viewer)
    assert not hub.finished(viewer)
    backend.publish(snapshot(task=OTHER_TASK, state=State.FAILED))
    await written(hub, viewer)
    assert hub.finished(viewer)
    viewer.fall_behind(LOG)
    assert not hub.finished(viewer)


async def test_it_is_not_over_while_the_end_waits_to_be_written(hub: Hub, backend: MemoryBackend) -> None:
    """The end may come while the stream waits for a slow viewer to take what came before."""
    backend.publish(snapshot(), [entry("seen")])
    viewer = await opened(hub, STATE, LOG)
    await written(hub, viewer)
    backend.publish(snapshot(state=State.SUCCEEDED), [entry("last")])
    await settled()
    assert not hub.finished(viewer)
    assert [event.event for event in told(viewer.take())] == ["log", "complete"]
    assert hub.finished(viewer)


@pytest.mark.parametrize("endless", [NEWS, "tasks", "ops", "user-7.tasks", "anything"])
async def test_a_stream_with_a_channel_that_never_ends_goes_on(hub: Hub, backend: MemoryBackend, endless: str) -> None:
    backend.publish(snapshot(state=State.SUCCEEDED))
    viewer = await opened(hub, STATE, endless)
    await written(hub, viewer)
    assert not hub.finished(viewer)


async def test_a_log_alone_goes_on_as_nobody_tells_its_end(hub: Hub, backend: MemoryBackend) -> None:
    backend.publish(snapshot(state=State.SUCCEEDED), [entry("last")])
    viewer = await opened(hub, LOG)
    assert texts(await written(hub, viewer)) == ["last"]
    assert not hub.finished(viewer)


async def test_after_an_end_nothing_of_that_task_is_told(hub: Hub, backend: MemoryBackend) -> None:
    viewer = await opened(hub, STATE)
    end = backend.publish(snapshot(state=State.SUCCEEDED)).pos
    (event,) = await written(hub, viewer)
    assert parse_positions(event.id or "") == {STATE: end}
    backend.publish(snapshot(attempt=2, message="once more"))
    assert await written(hub, viewer) == []


async def test_positions_never_go_back_but_an_end_is_shown_even_if_they_lag(hub: Hub, backend: MemoryBackend) -> None:
    viewer = await opened(hub, STATE)
    pos = backend.publish(snapshot(message="newest")).pos
    await written(hub, viewer)
    for lag, event in ((0, "progress"), (1, "progress")):
        hub.deliver(Entry(STATE, pos - lag, event, snapshot(message="stale").to_json()))
    assert await written(hub, viewer) == []
    hub.deliver(Entry(STATE, pos - 1, "complete", snapshot(state=State.FAILED, message="over").to_json()))
    assert messages(await written(hub, viewer)) == ["over"]
