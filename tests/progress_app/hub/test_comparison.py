"""The look at storage now and then: it finds what was never announced."""

import pytest

from progress_app.backends.memory import MemoryBackend
from progress_app.events import PULSE_LOST_S, State
from progress_app.hub import Hub
from tests.progress_app.doubles import TASK, Clock, entry, snapshot, until
from tests.progress_app.hub.feeding import (
    LOG,
    NEVER_S,
    STATE,
    Feed,
    Records,
    is_awake,
    messages,
    now,
    opened,
    texts,
    written,
)


async def test_the_check_finds_what_was_never_announced(
    feed: Feed, records: Records, backend: MemoryBackend, clock: Clock
) -> None:
    hub = Hub(feed, records, recheck_s=0.001, tick_s=NEVER_S, clock=clock)
    hub.start()
    viewer = await opened(hub, STATE, LOG)
    feed.deaf = True
    backend.publish(now(clock, message="missed"), [entry("one")])
    await until(lambda: viewer._dirty and viewer.behind)
    events = await written(hub, viewer)
    assert (texts(events), messages(events)) == (["one"], ["missed"])
    backend.publish(now(clock, state=State.SUCCEEDED, message="over"))
    await until(lambda: viewer._dirty)
    assert messages(await written(hub, viewer)) == ["over"]
    await hub.stop()


async def test_the_check_survives_a_redis_that_is_away(
    feed: Feed, records: Records, backend: MemoryBackend, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    hub = Hub(feed, records, recheck_s=0.001, tick_s=NEVER_S, clock=clock)
    hub.start()
    viewer = await opened(hub, STATE)
    feed.deaf = feed.away = True
    backend.publish(now(clock, message="missed"))
    await until(lambda: "Redis is away" in caplog.text)
    feed.away = False
    await until(lambda: viewer._dirty)
    assert messages(await written(hub, viewer)) == ["missed"]
    await hub.stop()


async def test_the_check_finds_an_end_that_only_the_record_knows(
    hub: Hub, backend: MemoryBackend, records: Records, clock: Clock
) -> None:
    backend.publish(now(clock, message="running"))
    viewer = await opened(hub, STATE)
    await written(hub, viewer)
    clock.now += PULSE_LOST_S + 0.1
    records.known[TASK] = snapshot(state=State.LOST, message="lost", pos=2**62)
    await hub._compare([hub._topics[STATE]])
    assert messages(await written(hub, viewer)) == ["lost"]


async def test_a_check_that_finds_nothing_new_wakes_nobody(hub: Hub, backend: MemoryBackend, clock: Clock) -> None:
    backend.publish(now(clock), [entry("one")])
    viewer = await opened(hub, STATE, LOG)
    await written(hub, viewer)
    await is_awake(viewer)
    await hub._compare([hub._topics[STATE], hub._topics[LOG]])
    assert not await is_awake(viewer)
    assert not viewer.behind
