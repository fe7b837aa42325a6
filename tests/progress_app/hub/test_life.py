"""From the first viewer to the last, and from the hub's start to its stop."""

import asyncio
import logging

import pytest

from progress_app import hub as hub_module
from progress_app.backends.base import Entry
from progress_app.backends.memory import MemoryBackend
from progress_app.channels import task_channel
from progress_app.hub import Hub
from tests.progress_app.doubles import entry, snapshot, until
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


async def test_a_channel_is_followed_from_its_first_viewer_to_its_last(hub: Hub, feed: Feed) -> None:
    one, other = await opened(hub, STATE, LOG), await opened(hub, STATE)
    assert feed.followed == {STATE, LOG}
    hub.close(one)
    assert feed.followed == {STATE}
    hub.close(other)
    hub.close(other)
    assert feed.followed == set()


async def test_who_comes_after_the_last_has_left_sees_the_present(hub: Hub, backend: MemoryBackend) -> None:
    backend.publish(snapshot(message="old"), [entry("one")])
    hub.close(await opened(hub, STATE, LOG))
    backend.publish(snapshot(message="unwatched"), [entry("two")])
    events = await written(hub, await opened(hub, STATE, LOG))
    assert (texts(events), messages(events)) == (["one", "two"], ["unwatched"])


async def test_what_comes_for_a_channel_that_nobody_watches_is_passed_over(hub: Hub, backend: MemoryBackend) -> None:
    viewer = await opened(hub, STATE)
    hub.deliver(Entry(OTHER_STATE, 1, "progress", b"{}"))
    hub.resumed([OTHER_STATE])
    assert await written(hub, viewer) == []


async def test_a_closed_viewer_is_not_ticked(hub: Hub, backend: MemoryBackend) -> None:
    viewer = await opened(hub, *map(task_channel, tasks(11)))
    await is_awake(viewer)
    backend.publish(snapshot(task=tasks(11)[0]))
    await settled()
    hub.close(viewer)
    hub._tick()
    assert not await is_awake(viewer)


async def test_a_feed_that_fails_is_started_again_and_nothing_is_missed(
    feed: Feed,
    records: Records,
    backend: MemoryBackend,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(hub_module, "RESTART_AFTER_S", 0.0)
    feed.faults = [RuntimeError("a bug"), ValueError("another")]
    backend.publish(snapshot(message="present"))
    hub = Hub(feed, records, recheck_s=NEVER_S, tick_s=NEVER_S)
    hub.start()
    viewer = await opened(hub, STATE)
    assert messages(await written(hub, viewer)) == ["present"]
    assert caplog.text.count("the feed failed; starting it again") == 2
    await hub.stop()


async def test_a_hub_that_stops_leaves_nothing_running(feed: Feed, records: Records) -> None:
    before = asyncio.all_tasks()
    hub = Hub(feed, records, recheck_s=NEVER_S, tick_s=NEVER_S)
    hub.start()
    feed.before.close()
    opening = asyncio.create_task(opened(hub, STATE))
    await until(lambda: feed.before.waiting)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await hub.stop()
    assert asyncio.all_tasks() == before
    assert feed.closed


async def test_no_secret_of_an_event_is_logged(
    hub: Hub, backend: MemoryBackend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "progress_app")
    viewer = await opened(hub, STATE, LOG, log=5)
    backend.publish(snapshot(message="a secret"), [entry("a secret")])
    await written(hub, viewer)
    assert "secret" not in caplog.text
