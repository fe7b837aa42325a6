"""Who comes to a channel: what they see first, and what happens on the way."""

import asyncio

import pytest

from progress_app.backends.memory import MemoryBackend
from progress_app.events import State
from progress_app.hub import Hub
from tests.progress_app.doubles import entry, snapshot, until
from tests.progress_app.hub.feeding import LOG, NEWS, STATE, Feed, messages, opened, settled, texts, written


async def test_a_viewer_who_comes_late_sees_the_present_at_once(hub: Hub, backend: MemoryBackend) -> None:
    backend.publish(snapshot(message="old"), [entry("one")])
    pos = backend.publish(snapshot(message="present"), [entry("two")]).pos
    events = await written(hub, await opened(hub, STATE, LOG))
    assert messages(events) == ["present"]
    assert [event.data["pos"] for event in events if event.event == "progress"] == [pos]
    assert texts(events) == ["one", "two"]


async def test_a_further_viewer_of_a_channel_costs_no_read(hub: Hub, feed: Feed, backend: MemoryBackend) -> None:
    backend.publish(snapshot(message="read"))
    first = await opened(hub, STATE)
    backend.publish(snapshot(message="heard"))
    await settled()
    reads = len(feed.reads)
    second = await opened(hub, STATE)
    assert len(feed.reads) == reads
    assert messages(await written(hub, first)) == messages(await written(hub, second)) == ["heard"]


async def test_who_watches_a_task_without_news_waits_for_them(hub: Hub, backend: MemoryBackend) -> None:
    viewer = await opened(hub, STATE, LOG)
    assert await written(hub, viewer) == []
    backend.publish(snapshot(message="begun"), [entry("one")])
    events = await written(hub, viewer)
    assert (texts(events), messages(events)) == (["one"], ["begun"])


async def test_what_happens_between_following_and_reading_is_neither_lost_nor_doubled(
    hub: Hub, feed: Feed, backend: MemoryBackend
) -> None:
    backend.publish(snapshot(message="before"), [entry("one")])
    feed.before.close()
    opening = asyncio.create_task(opened(hub, STATE, LOG))
    await until(lambda: feed.before.waiting)
    backend.publish(snapshot(message="between"), [entry("two")])
    await settled()
    feed.before.open()
    events = await written(hub, await opening)
    assert (texts(events), messages(events)) == (["one", "two"], ["between"])


async def test_what_happens_while_the_answer_is_on_its_way_wins_over_it(
    hub: Hub, feed: Feed, backend: MemoryBackend
) -> None:
    backend.publish(snapshot(message="before"), [entry("one")])
    feed.after.close()
    opening = asyncio.create_task(opened(hub, STATE, LOG))
    await until(lambda: feed.after.waiting)
    backend.publish(snapshot(message="meanwhile"), [entry("two")])
    await settled()
    feed.after.open()
    events = await written(hub, await opening)
    assert (texts(events), messages(events)) == (["one", "two"], ["meanwhile"])


@pytest.mark.parametrize("seen", [[], ["one"], ["one", "two"]])
async def test_an_entry_that_comes_while_the_log_is_read_is_not_lost(
    hub: Hub, feed: Feed, backend: MemoryBackend, seen: list[str]
) -> None:
    """Its announcement may overtake the answer of a read that was made before it."""
    backend.publish(snapshot(), [entry(text) for text in seen])
    viewer = await opened(hub, STATE, LOG, log=backend.position(LOG))
    feed.after.close()
    reading = asyncio.create_task(hub.catch_up(viewer))
    await until(lambda: feed.after.waiting)
    backend.publish(snapshot(state=State.SUCCEEDED), [entry("the last words")])
    await settled()
    feed.after.open()
    await reading
    events = await written(hub, viewer)
    assert texts(events) == ["the last words"]
    assert hub.finished(viewer)


async def test_the_log_of_a_task_begins_with_the_oldest_and_other_channels_with_the_next(
    hub: Hub, backend: MemoryBackend
) -> None:
    backend.publish(snapshot(), [entry("old")])
    backend.append(NEWS, "notification", b'{"text":"old news"}')
    viewer = await opened(hub, LOG, NEWS)
    assert viewer.positions == {NEWS: backend.position(NEWS)}
    assert texts(await written(hub, viewer)) == ["old"]
    backend.append(NEWS, "notification", b'{"text":"news"}')
    assert [event.data for event in await written(hub, viewer)] == [{"text": "news"}]


async def test_other_channels_go_on_where_the_viewer_was(hub: Hub, backend: MemoryBackend) -> None:
    given = [backend.append(NEWS, "notification", b"%d" % number) for number in range(4)]
    events = await written(hub, await opened(hub, NEWS, news=given[1]))
    assert [event.data for event in events] == [2, 3]
    assert [event.id for event in events] == [f"{NEWS}:{given[2]}", f"{NEWS}:{given[3]}"]


async def test_positions_that_were_brought_back_for_other_channels_are_ignored(
    hub: Hub, backend: MemoryBackend
) -> None:
    backend.publish(snapshot(message="present"))
    viewer = await opened(hub, STATE, log=5, news=6, state=1)
    assert viewer.positions == {}
    assert messages(await written(hub, viewer)) == ["present"]
