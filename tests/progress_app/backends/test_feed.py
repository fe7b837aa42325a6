"""The contract of a feed: what is published is delivered in order."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from progress_app.backends.base import Entry
from progress_app.events import State
from tests.progress_app.backends.stores import (
    LOG,
    NEWS,
    OTHER_LOG,
    OTHER_STATE,
    STATE,
    Store,
    lines,
)
from tests.progress_app.doubles import OTHER_TASK, TASK, listening, snapshot, until


async def test_what_is_published_is_delivered_in_order(store: Store) -> None:
    async with listening(store.feed(), STATE, LOG) as (_, listener):
        for number in range(20):
            store.backend.publish(snapshot(current=number), lines(f"{number} a", f"{number} b"))
        store.backend.publish(snapshot(state=State.SUCCEEDED))
        await until(lambda: len(listener.entries) == 61)
    newest = store.backend.read_snapshot(TASK)
    assert newest is not None
    assert listener.entries[-1] == Entry(STATE, newest.pos, "complete", newest.to_json())
    assert [told.channel for told in listener.entries[:3]] == [LOG, LOG, STATE]
    for channel, most in ((STATE, 21), (LOG, 40)):
        told = [told.pos for told in listener.entries if told.channel == channel]
        assert told == list(range(told[0], told[0] + most))


async def test_a_delivered_entry_is_the_stored_one(store: Store) -> None:
    async with listening(store.feed(), "chat") as (feed, listener):
        store.backend.append("chat", "a name", b'{"text":"one\n\ntwo"}')
        await until(lambda: listener.entries)
        assert listener.entries == await feed.replay("chat", None, 10)


async def test_what_is_published_in_threads_is_delivered_in_order(store: Store) -> None:
    def write() -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: store.backend.publish(snapshot(), lines("a")), range(100)))

    async with listening(store.feed(), STATE, LOG) as (_, listener):
        await asyncio.to_thread(write)
        await until(lambda: len(listener.entries) == 200)
    for channel in (STATE, LOG):
        told = [told.pos for told in listener.entries if told.channel == channel]
        assert told == list(range(told[0], told[0] + 100))


async def test_a_channel_is_delivered_while_it_is_followed(store: Store) -> None:
    async with listening(store.feed(), STATE) as (feed, listener):
        store.backend.append(NEWS, "n", b"not yet")
        feed.follow(NEWS)
        await until(lambda: listener.follows(NEWS))
        store.backend.append(NEWS, "n", b"now")
        await until(lambda: listener.entries)
        feed.unfollow(NEWS)
        store.backend.append(NEWS, "n", b"no more")
        store.backend.publish(snapshot())
        await until(lambda: listener.entries[-1].channel == STATE)
    assert [told.data for told in listener.entries[:-1]] == [b"now"]


async def test_a_channel_that_is_followed_again_at_once_is_delivered(store: Store) -> None:
    async with listening(store.feed(), STATE, LOG) as (feed, listener):
        before = len(listener.resumptions)
        feed.unfollow(LOG)
        feed.follow(LOG)
        await until(lambda: len(listener.resumptions) > before)
        store.backend.publish(snapshot(), lines("heard"))
        await until(lambda: len(listener.entries) == 2)
    assert listener.resumptions[-1] == {LOG}


async def test_a_broken_connection_is_told_and_all_is_followed_again(store: Store) -> None:
    async with listening(store.feed(), STATE, LOG) as (feed, listener):
        store.backend.publish(snapshot())
        await until(lambda: listener.entries)
        listener.resumptions.clear()
        assert listener.interruptions == 0
        store.interrupt(feed)
        await until(lambda: listener.follows(STATE) and listener.follows(LOG))
        assert listener.interruptions == 1
        store.backend.publish(snapshot(), lines("again"))
        await until(lambda: len(listener.entries) == 3)


async def test_each_feed_is_told(store: Store) -> None:
    async with listening(store.feed(), STATE) as (_, one), listening(store.feed(), STATE) as (_, other):
        store.backend.publish(snapshot())
        await until(lambda: one.entries and other.entries)
    assert one.entries == other.entries


async def test_states_are_read_at_once_and_who_has_none_is_left_out(store: Store) -> None:
    pos = store.backend.publish(snapshot(state=State.FAILED, message="it was bad")).pos
    store.backend.request_cancel(OTHER_TASK, 1.0)
    async with listening(store.feed()) as (feed, _):
        found = await feed.read_states([STATE, OTHER_STATE])
        assert await feed.read_states([]) == {}
    newest = store.backend.read_snapshot(TASK)
    assert newest is not None
    assert found == {STATE: Entry(STATE, pos, "complete", newest.to_json())}


async def test_positions_are_read_at_once_and_are_0_where_there_is_nothing(store: Store) -> None:
    store.backend.publish(snapshot(), lines("a", "b"))
    newest = store.backend.append(NEWS, "n", b"{}")
    async with listening(store.feed()) as (feed, _):
        found = await feed.positions([LOG, NEWS, OTHER_LOG])
        assert await feed.positions([]) == {}
    assert found == {LOG: store.backend.position(LOG), NEWS: newest, OTHER_LOG: 0}
