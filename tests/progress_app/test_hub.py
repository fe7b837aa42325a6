"""The fan-out of a process, over the memory backend: who comes late, who is slow, and what was missed on the way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from progress_app import hub as hub_module
from progress_app.backends.base import Entry, Sink
from progress_app.backends.memory import MemoryBackend, MemoryFeed
from progress_app.channels import log_channel, parse, task_channel
from progress_app.comparison import PULSE_LOST_S
from progress_app.events import Snapshot, State
from progress_app.exceptions import BackendUnavailable
from progress_app.hub import Hub
from progress_app.sse import parse_positions
from progress_app.subscriber import QUEUED_LOG_ENTRIES, Subscriber
from tests.progress_app.doubles import OTHER_TASK, TASK, Clock, Told, entry, snapshot, told, until

STATE, LOG = task_channel(TASK), log_channel(TASK)
OTHER_STATE = task_channel(OTHER_TASK)
NEWS = "user-7"
KEPT = 1_000
NEVER_S = 3_600.0


class Hold:
    """Stops whoever passes while it is closed."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.waiting = 0

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def passing(self) -> None:
        self.waiting += 1
        await self._open.wait()
        self.waiting -= 1


class Feed(MemoryFeed):
    """A memory feed whose reads can be held, before and after they are made, or fail, and which can go deaf."""

    def __init__(self, backend: MemoryBackend) -> None:
        super().__init__(backend)
        self.before, self.after = Hold(), Hold()
        self.away = False
        self.deaf = False
        self.faults: list[Exception] = []
        self.reads: list[tuple[str, ...]] = []
        self.closed = False

    @property
    def followed(self) -> set[str]:
        return self._followed

    async def run(self, sink: Sink) -> None:
        if self.faults:
            raise self.faults.pop()
        await super().run(sink)

    def announce(self, entry: Entry) -> None:
        if not self.deaf:
            super().announce(entry)

    async def read_states(self, channels: Sequence[str]) -> dict[str, Entry]:
        self.reads.append(tuple(channels))
        await self.before.passing()
        if self.away:
            raise BackendUnavailable("Redis is away.")
        found = await super().read_states(channels)
        await self.after.passing()
        return found

    async def replay(self, channel: str, after: int | None, limit: int) -> list[Entry]:
        await self.before.passing()
        if self.away:
            raise BackendUnavailable("Redis is away.")
        found = await super().replay(channel, after, limit)
        await self.after.passing()
        return found

    async def close(self) -> None:
        self.closed = True
        await super().close()


class Records:
    """The project's own record, and how often it was asked."""

    def __init__(self) -> None:
        self.known: dict[str, Snapshot] = {}
        self.asked: list[str] = []

    async def __call__(self, task: str) -> Snapshot | None:
        self.asked.append(task)
        return self.known.get(task)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backend(clock: Clock) -> MemoryBackend:
    return MemoryBackend(log_entries=KEPT, clock=clock)


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
async def feed(backend: MemoryBackend) -> Feed:
    backend._feeds.append(feed := Feed(backend))
    return feed


@pytest.fixture
async def hub(feed: Feed, records: Records, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """A hub that checks and ticks when the test says so."""
    monkeypatch.setattr(hub_module, "COMPARE_AGAIN_S", 0.0)
    monkeypatch.setattr(hub_module, "RESTART_AFTER_S", 0.0)
    running = Hub(feed, records, recheck_s=NEVER_S, tick_s=NEVER_S, clock=clock)
    running.start()
    yield running
    await running.stop()


async def opened(hub: Hub, *names: str, **seen: int) -> Subscriber:
    """A viewer of these channels; `state`, `log` and `news` are positions brought back."""
    brought = {{"state": STATE, "log": LOG, "news": NEWS}[name]: pos for name, pos in seen.items()}
    return await hub.open([parse(name) for name in names], brought)


async def settled() -> None:
    """Let everything run that can run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def written(hub: Hub, viewer: Subscriber) -> list[Told]:
    """What the viewer's stream would write by now, its log caught up."""
    await settled()
    chunk = viewer.take()
    while viewer.behind:
        await hub.catch_up(viewer)
        chunk += viewer.take()
    return told(chunk)


def texts(events: list[Told]) -> list[str]:
    return [event.data["text"] for event in events if event.event == "log"]


def messages(events: list[Told]) -> list[str]:
    return [event.data["message"] for event in events if event.event in ("progress", "complete")]


def now(clock: Clock, **changes: Any) -> Snapshot:
    """A snapshot with a fresh pulse."""
    return snapshot(ts=clock.now, **changes)


# Coming in


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


# Redis away


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


# Slow viewers and many tasks


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


async def is_awake(viewer: Subscriber) -> bool:
    """Whether the stream would look now; it has looked then."""
    waiting = asyncio.ensure_future(viewer.wait())
    await settled()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return not waiting.cancelled()


def tasks(number: int) -> list[str]:
    return [f"{n:08x}{TASK[8:]}" for n in range(number)]


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
        async with asyncio.timeout(10):
            await viewer.wait()
        assert messages(told(viewer.take())) == [message]
    await hub.stop()


# Ends


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


# The project's own record


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


# Checking


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


# Its life


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
