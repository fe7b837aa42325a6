"""The project's own record: asked where Redis knows nothing, or nothing new."""

import asyncio

from progress_app.backends.memory import MemoryBackend
from progress_app.events import PULSE_LOST_S, State
from progress_app.hub import Hub
from tests.progress_app.doubles import OTHER_TASK, TASK, Clock, snapshot, until
from tests.progress_app.hub.feeding import LOG, OTHER_STATE, STATE, Feed, Records, messages, now, opened, written


async def test_the_record_is_shown_when_redis_has_nothing(hub: Hub, records: Records) -> None:
    records.known[TASK] = snapshot(state=State.QUEUED, message="in the queue")
    viewer = await opened(hub, STATE)
    assert messages(await written(hub, viewer)) == ["in the queue"]
    assert not hub.finished(viewer)


async def test_the_record_is_asked_once_a_channel_and_not_once_a_viewer(hub: Hub, feed: Feed, records: Records) -> None:
    records.known[TASK] = snapshot(state=State.QUEUED, message="in the queue")
    feed.before.close()
    opening = [asyncio.create_task(opened(hub, STATE, LOG, OTHER_STATE)) for _ in range(5)]
    await until(lambda: feed.before.waiting)
    feed.before.open()
    viewers = [*(await asyncio.gather(*opening)), await opened(hub, STATE)]
    assert sorted(records.asked) == sorted([TASK, OTHER_TASK])
    assert [messages(await written(hub, viewer)) for viewer in viewers] == [["in the queue"]] * 6


async def test_a_task_with_a_pulse_needs_no_record(
    hub: Hub, backend: MemoryBackend, records: Records, clock: Clock
) -> None:
    backend.publish(now(clock))
    clock.now += PULSE_LOST_S
    await opened(hub, STATE)
    assert records.asked == []


async def test_a_finished_task_needs_no_record(hub: Hub, backend: MemoryBackend, records: Records) -> None:
    backend.publish(snapshot(state=State.SUCCEEDED, ts=0.0))
    await opened(hub, STATE)
    assert records.asked == []


async def test_a_task_without_a_pulse_may_have_ended_and_the_record_says_so(
    hub: Hub, backend: MemoryBackend, records: Records, clock: Clock
) -> None:
    backend.publish(now(clock, message="running"))
    clock.now += PULSE_LOST_S + 0.1
    records.known[TASK] = snapshot(state=State.LOST, message="its worker vanished", pos=2**62)
    viewer = await opened(hub, STATE)
    (end,) = await written(hub, viewer)
    assert (end.event, end.data["message"], end.id) == ("complete", "its worker vanished", f"{STATE}:{2**62}")
    assert hub.finished(viewer)


async def test_an_older_record_of_a_running_task_does_not_replace_what_redis_has(
    hub: Hub, backend: MemoryBackend, records: Records, clock: Clock
) -> None:
    backend.publish(now(clock, message="from Redis"))
    clock.now += PULSE_LOST_S + 0.1
    records.known[TASK] = snapshot(message="of a while ago")
    assert messages(await written(hub, await opened(hub, STATE))) == ["from Redis"]


async def test_what_redis_tells_later_replaces_the_record(hub: Hub, backend: MemoryBackend, records: Records) -> None:
    records.known[TASK] = snapshot(state=State.QUEUED, message="in the queue")
    viewer = await opened(hub, STATE)
    await written(hub, viewer)
    backend.publish(snapshot(message="begun"))
    assert messages(await written(hub, viewer)) == ["begun"]
