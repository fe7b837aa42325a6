"""Slow viewers, and viewers of many tasks: each goes at its own pace, and costs little."""

import asyncio

from progress_app.backends.memory import MemoryBackend
from progress_app.channels import task_channel
from progress_app.events import State
from progress_app.hub import Hub
from progress_app.subscriber import QUEUED_LOG_ENTRIES
from tests.progress_app.doubles import OTHER_TASK, WITHIN_S, entry, snapshot, told
from tests.progress_app.hub.feeding import (
    LOG,
    NEVER_S,
    OTHER_STATE,
    STATE,
    Feed,
    Records,
    is_awake,
    messages,
    opened,
    settled,
    tasks,
    texts,
    written,
)


async def test_a_slow_viewer_skips_states_and_gets_every_end(hub: Hub, backend: MemoryBackend) -> None:
    viewer = await opened(hub, STATE, OTHER_STATE)
    for number in range(100):
        backend.publish(snapshot(message=str(number)))
        backend.publish(snapshot(task=OTHER_TASK, message=str(number)))
    backend.publish(snapshot(state=State.SUCCEEDED, message="over"))
    backend.publish(snapshot(message="a late one"))
    assert sorted(messages(await written(hub, viewer))) == ["99", "over"]
    assert viewer.conflated == 199


async def test_a_log_that_overflows_is_read_from_storage(hub: Hub, backend: MemoryBackend) -> None:
    backend.append(LOG, "log", entry("seen").to_json())
    viewer = await opened(hub, LOG)
    await written(hub, viewer)
    most = QUEUED_LOG_ENTRIES + 500
    for number in range(most):
        backend.append(LOG, "log", entry(str(number)).to_json())
    await settled()
    assert viewer.behind == {LOG}
    assert len(viewer._log) == QUEUED_LOG_ENTRIES
    assert texts(await written(hub, viewer)) == [str(number) for number in range(most)]
    backend.append(LOG, "log", entry("live again").to_json())
    await settled()
    assert not viewer.behind
    assert texts(told(viewer.take())) == ["live again"]


async def test_an_event_is_encoded_once_for_all_who_watch(hub: Hub, backend: MemoryBackend) -> None:
    viewers = [await opened(hub, STATE) for _ in range(3)]
    backend.publish(snapshot())
    await settled()
    assert len({id(viewer._dirty[STATE][0]) for viewer in viewers}) == 1


async def test_a_slow_viewer_does_not_hold_the_others(hub: Hub, backend: MemoryBackend) -> None:
    backend.publish(snapshot(), [entry("seen")])
    slow, quick = await opened(hub, STATE, LOG), await opened(hub, STATE, LOG)
    for viewer in (slow, quick):
        await written(hub, viewer)
    heard = []
    for number in range(QUEUED_LOG_ENTRIES + 50):
        backend.publish(snapshot(), [entry(str(number))])
        await settled()
        heard += texts(told(quick.take()))
    assert heard == [str(number) for number in range(QUEUED_LOG_ENTRIES + 50)]
    assert not quick.behind
    assert slow.behind


async def test_a_viewer_of_many_tasks_is_written_to_at_the_tick(hub: Hub, backend: MemoryBackend) -> None:
    viewer = await opened(hub, *map(task_channel, tasks(11)))
    await is_awake(viewer)
    for task in tasks(11):
        backend.publish(snapshot(task=task))
    assert not await is_awake(viewer)
    hub._tick()
    assert await is_awake(viewer)
    assert len(told(viewer.take())) == 11


async def test_the_end_of_one_of_many_tasks_does_not_wait_for_the_tick(hub: Hub, backend: MemoryBackend) -> None:
    viewer = await opened(hub, *map(task_channel, tasks(11)))
    await is_awake(viewer)
    backend.publish(snapshot(task=tasks(11)[5], state=State.SUCCEEDED))
    assert await is_awake(viewer)
    assert [event.event for event in told(viewer.take())] == ["complete"]


async def test_a_viewer_of_ten_tasks_is_written_to_at_once(hub: Hub, backend: MemoryBackend) -> None:
    viewer = await opened(hub, *map(task_channel, tasks(10)))
    await is_awake(viewer)
    backend.publish(snapshot(task=tasks(10)[5]))
    assert await is_awake(viewer)


async def test_the_hub_ticks_by_itself(feed: Feed, records: Records, backend: MemoryBackend) -> None:
    hub = Hub(feed, records, recheck_s=NEVER_S, tick_s=0.001)
    hub.start()
    viewer = await opened(hub, *map(task_channel, tasks(11)))
    await is_awake(viewer)
    for message in ("first", "second"):
        backend.publish(snapshot(task=tasks(11)[0], message=message))
        async with asyncio.timeout(WITHIN_S):
            await viewer.wait()
        assert messages(told(viewer.take())) == [message]
    await hub.stop()
