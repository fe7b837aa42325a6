"""Redis away, or without its data: nobody is left out, and what was missed is read."""

import asyncio

import pytest

from progress_app import hub as hub_module
from progress_app.backends.memory import MemoryBackend
from progress_app.events import State
from progress_app.exceptions import BackendUnavailable
from progress_app.hub import Hub
from tests.progress_app.doubles import Clock, entry, snapshot, until
from tests.progress_app.hub.feeding import KEPT, LOG, STATE, Feed, messages, opened, settled, texts, written


async def test_who_cannot_be_shown_the_present_in_time_is_told_and_nothing_is_left(
    hub: Hub, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "READY_WITHIN_S", 0.0)
    feed.before.close()
    with pytest.raises(BackendUnavailable):
        await opened(hub, STATE, LOG)
    assert feed.followed == set()
    feed.before.open()


async def test_one_who_gives_up_does_not_take_the_others_with_him(hub: Hub, feed: Feed, backend: MemoryBackend) -> None:
    backend.publish(snapshot(message="present"))
    feed.before.close()
    patient, hasty = (asyncio.create_task(opened(hub, STATE)) for _ in range(2))
    await until(lambda: feed.before.waiting)
    hasty.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hasty
    feed.before.open()
    viewer = await patient
    assert messages(await written(hub, viewer)) == ["present"]
    hub.close(viewer)
    assert feed.followed == set()


async def test_a_read_that_failed_is_tried_again(hub: Hub, feed: Feed, backend: MemoryBackend) -> None:
    backend.publish(snapshot(message="present"))
    feed.away = True
    opening = asyncio.create_task(opened(hub, STATE))
    await until(lambda: len(feed.reads) > 3)
    feed.away = False
    assert messages(await written(hub, await opening)) == ["present"]


async def test_a_log_that_cannot_be_read_now_is_read_later(hub: Hub, feed: Feed, backend: MemoryBackend) -> None:
    backend.publish(snapshot(), [entry("one")])
    viewer = await opened(hub, LOG)
    feed.away = True
    with pytest.raises(BackendUnavailable):
        await hub.catch_up(viewer)
    assert viewer.behind == {LOG}
    feed.away = False
    assert texts(await written(hub, viewer)) == ["one"]


async def test_what_was_missed_while_the_connection_was_down_is_read(
    hub: Hub, feed: Feed, backend: MemoryBackend
) -> None:
    viewer = await opened(hub, STATE, LOG)
    backend.publish(snapshot(message="heard"), [entry("one")])
    await written(hub, viewer)
    feed.interrupt()
    backend.publish(snapshot(message="missed"), [entry("two")])
    assert await written(hub, viewer) == []
    feed.resume()
    events = await written(hub, viewer)
    assert (texts(events), messages(events)) == (["two"], ["missed"])


async def test_an_end_that_was_missed_is_read(hub: Hub, feed: Feed, backend: MemoryBackend) -> None:
    viewer = await opened(hub, STATE)
    feed.interrupt()
    backend.publish(snapshot(state=State.FAILED, message="over"))
    feed.resume()
    (end,) = await written(hub, viewer)
    assert (end.event, end.data["message"]) == ("complete", "over")
    assert hub.finished(viewer)


async def test_who_comes_while_the_connection_is_down_waits_for_the_truth(
    hub: Hub, feed: Feed, backend: MemoryBackend
) -> None:
    backend.publish(snapshot(message="outdated"))
    await opened(hub, STATE)
    feed.interrupt()
    backend.publish(snapshot(message="present"))
    opening = asyncio.create_task(opened(hub, STATE))
    await settled()
    assert not opening.done()
    feed.resume()
    assert messages(await written(hub, await opening)) == ["present"]


async def test_after_a_loss_of_data_a_log_is_reset_and_goes_on(
    hub: Hub, feed: Feed, backend: MemoryBackend, clock: Clock
) -> None:
    viewer = await opened(hub, STATE, LOG)
    before = backend.publish(snapshot(), [entry("one"), entry("two")]).pos
    await written(hub, viewer)
    feed.interrupt()
    backend.clear()
    clock.now += 1
    feed.resume()
    (reset,) = await written(hub, viewer)
    assert (reset.event, reset.data["channels"]) == ("stream-reset", [LOG])
    after = backend.publish(snapshot(message="again"), [entry("three")]).pos
    events = await written(hub, viewer)
    assert (texts(events), messages(events)) == (["three"], ["again"])
    assert after > before


async def test_a_log_that_was_lost_unnoticed_is_not_asked_for_again_and_again(hub: Hub, backend: MemoryBackend) -> None:
    await opened(hub, LOG)
    backend.publish(snapshot(), [entry("one"), entry("two")])
    await settled()
    backend.clear()
    viewer = await opened(hub, LOG)
    await hub.catch_up(viewer)
    assert not viewer.behind


async def test_a_gap_in_a_log_is_told_and_the_log_begins_with_the_oldest_kept(hub: Hub, backend: MemoryBackend) -> None:
    for number in range(KEPT + 10):
        backend.publish(snapshot(), [entry(str(number))])
    seen = backend.position(LOG) - KEPT - 5
    events = await written(hub, await opened(hub, LOG, log=seen))
    assert events[0].event == "stream-reset"
    assert texts(events) == [str(number) for number in range(10, KEPT + 10)]
