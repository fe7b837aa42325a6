"""The contract of a backend and of its feed: one set of tests, over memory and over a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, pairwise
from typing import ClassVar, Protocol

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from redis import Redis

from progress_app.backends import redis_feed
from progress_app.backends.base import EPOCH_SHIFT, Backend, Entry, Feed, Verdict
from progress_app.backends.memory import MemoryBackend, MemoryFeed
from progress_app.backends.redis_feed import RedisFeed
from progress_app.channels import log_channel, task_channel
from progress_app.events import Children, Eta, Fault, LogEntry, Place, Snapshot, StageProgress, StageRef, State
from progress_app.exceptions import PositionUnknown
from tests import processes
from tests.progress_app.doubles import OTHER_TASK, TASK, Clock, entry, listening, redis_backend, snapshot, until
from tests.stack import Valkey

STATE, LOG = task_channel(TASK), log_channel(TASK)
OTHER_STATE, OTHER_LOG = task_channel(OTHER_TASK), log_channel(OTHER_TASK)
NEWS = "user-7"
KEPT = 20  # log entries

Replay = Callable[[str, int | None, int], Awaitable[list[Entry]]]


class Store(Protocol):
    """A backend with what a test does to it."""

    backend: Backend

    def feed(self) -> Feed:
        """A new feed of the backend."""

    def now_s(self) -> int:
        """The whole second that a new channel would start in."""

    def lose_data(self) -> None:
        """Forget everything; the next second has begun then."""

    def interrupt(self, feed: Feed) -> None:
        """Break the feed's connection; it comes back."""


class InMemory:
    def __init__(self) -> None:
        self.clock = Clock()
        self.memory = MemoryBackend(log_entries=KEPT, clock=self.clock)
        self.backend: Backend = self.memory

    def feed(self) -> Feed:
        return self.memory.feed()

    def now_s(self) -> int:
        return int(self.clock.now)

    def lose_data(self) -> None:
        self.memory.clear()
        self.clock.now += 1

    def interrupt(self, feed: Feed) -> None:
        assert isinstance(feed, MemoryFeed)
        feed.interrupt()
        feed.resume()


class InRedis:
    def __init__(self, server: Valkey, client: Redis) -> None:
        self.client = client
        self.url = server.url
        self.backend: Backend = redis_backend(client, log_entries=KEPT)

    def feed(self) -> Feed:
        return RedisFeed(self.url, prefix="test")

    def now_s(self) -> int:
        return int(self.client.time()[0])

    def lose_data(self) -> None:
        self.client.flushall()
        then_s = self.now_s()
        processes.until(lambda: self.now_s() > then_s, what="the next second")

    def interrupt(self, feed: Feed) -> None:
        self.client.client_kill_filter(_type="pubsub")


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "memory":
        return InMemory()
    monkeypatch.setattr(redis_feed, "BACKOFF_FIRST_S", 0.001)
    return InRedis(request.getfixturevalue("scratch"), request.getfixturevalue("scratch_db"))


@pytest.fixture
def backend(store: Store) -> Backend:
    return store.backend


@pytest.fixture(params=["backend", "feed"])
async def replay(request: pytest.FixtureRequest, store: Store) -> AsyncIterator[Replay]:
    """Both ways to read a log channel again."""
    feed = store.feed()

    async def read(channel: str, after: int | None, limit: int) -> list[Entry]:
        if request.param == "feed":
            return await feed.replay(channel, after, limit)
        return store.backend.replay(channel, after, limit)

    yield read
    await feed.close()


def texts(entries: list[Entry]) -> list[str]:
    return [LogEntry.from_json(found.data).text for found in entries]


def lines(*words: str) -> list[LogEntry]:
    return [entry(word) for word in words]


# Positions


def test_positions_begin_at_the_present_second_and_rise_by_one(store: Store) -> None:
    earliest_s = store.now_s()
    given = [store.backend.publish(snapshot()).pos for _ in range(5)]
    first_s, rest = divmod(given[0], 1 << EPOCH_SHIFT)
    assert rest == 0
    assert earliest_s <= first_s <= store.now_s()
    assert given == list(range(given[0], given[0] + 5))


def test_positions_of_a_log_begin_at_the_present_second_and_rise_by_one(store: Store) -> None:
    earliest_s = store.now_s()
    given = [store.backend.append(NEWS, "notification", b"{}") for _ in range(5)]
    first_s, rest = divmod(given[0], 1 << EPOCH_SHIFT)
    assert rest == 0
    assert earliest_s <= first_s <= store.now_s()
    assert given == list(range(given[0], given[0] + 5))


def test_each_channel_has_positions_of_its_own(store: Store) -> None:
    for _ in range(3):
        store.backend.publish(snapshot(), lines("a", "b"))
    first = store.backend.publish(snapshot(task=OTHER_TASK))
    assert first.pos % (1 << EPOCH_SHIFT) == 0
    assert store.backend.position(LOG) % (1 << EPOCH_SHIFT) == 5
    assert store.backend.position(OTHER_LOG) == 0


def test_after_a_loss_of_data_positions_are_above_all_before(store: Store) -> None:
    lost = [store.backend.publish(snapshot(), lines("a", "b", "c")).pos for _ in range(5)]
    lost_line = store.backend.position(LOG)
    store.lose_data()
    assert store.backend.read_snapshot(TASK) is None
    assert store.backend.publish(snapshot(), lines("d")).pos > max(lost)
    assert store.backend.position(LOG) > lost_line


# Rows


async def test_lists_are_told_of_a_task_that_waits_and_nothing_is_stored(store: Store) -> None:
    async with listening(store.feed(), "tasks", "user-7.tasks") as (_, listener):
        store.backend.announce_row(snapshot(state=State.QUEUED), audience=["user-7"])
        await until(lambda: len(listener.entries) == 2)
    assert {(told.channel, told.event, told.pos) for told in listener.entries} == {
        ("tasks", "row", 0), ("user-7.tasks", "row", 0),
    }  # fmt: skip
    assert all(b'"state":"queued"' in told.data for told in listener.entries)
    assert store.backend.read_snapshot(TASK) is None


async def test_a_task_that_has_reported_is_not_told_of_as_waiting(store: Store) -> None:
    store.backend.publish(snapshot(state=State.SUCCEEDED))
    async with listening(store.feed(), "tasks") as (_, listener):
        store.backend.announce_row(snapshot(state=State.QUEUED))
        last = store.backend.publish(snapshot(task=OTHER_TASK))
        await until(lambda: listener.entries)
    assert [told.pos for told in listener.entries] == [last.pos]


# Snapshots

WHOLE = snapshot(
    job='"pos":0,',
    current=4_210,
    total=10_000,
    unit="rows",
    percent=42.1,
    message='Zeilen \u2028 "laden", 漢字 \N{ROCKET} \\ \x00',
    stage=StageRef(index=1, name="Load"),
    stages=(StageProgress(name="Read", percent=100.0, seconds=1.2), StageProgress(name="Load", depth=1)),
    children=Children(total=3, done=1, failed=1),
    rate=812.4,
    eta=Eta(low=6.1, high=8.4),
    queue=Place(position=3, starts_in_s=40.0),
    stalled_s=0.5,
    cancel_requested_at=1_790_000_000.123456,
    error=Fault(code="bad", text="It was bad."),
    started_at=1_789_999_994.9,
    elapsed=5.2,
    ts=1_790_000_000.123456,
)


def test_a_snapshot_is_read_back_as_it_was_with_the_position_given(backend: Backend) -> None:
    pos = backend.publish(WHOLE).pos
    assert backend.read_snapshot(TASK) == WHOLE.at(pos)


def test_many_snapshots_are_read_at_once(backend: Backend) -> None:
    pos = backend.publish(WHOLE).pos
    assert backend.read_snapshots([TASK, OTHER_TASK]) == {TASK: WHOLE.at(pos)}
    assert backend.read_snapshots([]) == {}


def test_the_position_in_a_snapshot_is_ignored(backend: Backend) -> None:
    pos = backend.publish(snapshot()).pos
    assert backend.publish(snapshot(pos=7)).pos == pos + 1
    newest = backend.read_snapshot(TASK)
    assert newest is not None
    assert newest.pos == pos + 1


def test_a_task_that_never_published_has_no_snapshot(backend: Backend) -> None:
    assert backend.read_snapshot(TASK) is None
    backend.request_cancel(TASK, 1.0)
    backend.append(LOG, "log", b"{}")
    assert backend.read_snapshot(TASK) is None


# The fence


def test_an_older_attempt_is_refused_and_leaves_nothing(backend: Backend) -> None:
    backend.publish(snapshot(attempt=2, message="newer"), lines("kept"))
    before = backend.read_snapshot(TASK)
    answer = backend.publish(snapshot(attempt=1, message="older"), lines("refused"))
    assert answer.verdict is Verdict.SUPERSEDED
    assert before is not None
    assert answer.pos == before.pos
    assert backend.read_snapshot(TASK) == before
    assert texts(backend.replay(LOG, None, 10)) == ["kept"]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.LOST])
@pytest.mark.parametrize("then", [State.RUNNING, State.FAILED])
def test_after_its_end_an_attempt_is_refused_and_leaves_nothing(backend: Backend, state: State, then: State) -> None:
    end = backend.publish(snapshot(state=state))
    answer = backend.publish(snapshot(state=then), lines("refused"))
    assert (answer.verdict, answer.pos) == (Verdict.ENDED, end.pos)
    newest = backend.read_snapshot(TASK)
    assert newest is not None
    assert newest.state is state
    assert backend.replay(LOG, None, 10) == []


def test_a_newer_attempt_goes_on_after_an_end(backend: Backend) -> None:
    end = backend.publish(snapshot(state=State.FAILED))
    answer = backend.publish(snapshot(attempt=2))
    assert (answer.verdict, answer.pos) == (Verdict.ACCEPTED, end.pos + 1)
    assert backend.publish(snapshot(attempt=2)).verdict is Verdict.ACCEPTED
    assert backend.publish(snapshot(attempt=1, state=State.SUCCEEDED)).verdict is Verdict.SUPERSEDED


def test_an_attempt_of_one_task_is_no_matter_to_another(backend: Backend) -> None:
    backend.publish(snapshot(attempt=5, state=State.FAILED))
    assert backend.publish(snapshot(task=OTHER_TASK, attempt=1)).verdict is Verdict.ACCEPTED


# Cancelling


def test_a_cancel_is_told_with_every_answer(backend: Backend) -> None:
    assert backend.publish(snapshot()).cancel_requested_at is None
    backend.request_cancel(TASK, 1_790_000_000.25)
    assert backend.publish(snapshot()).cancel_requested_at == 1_790_000_000.25
    assert backend.publish(snapshot()).cancel_requested_at == 1_790_000_000.25
    assert backend.publish(snapshot(task=OTHER_TASK)).cancel_requested_at is None


def test_the_first_cancel_wins(backend: Backend) -> None:
    backend.request_cancel(TASK, 2.0)
    backend.request_cancel(TASK, 1.0)
    assert backend.publish(snapshot()).cancel_requested_at == 2.0


@pytest.mark.parametrize("at", [1_790_000_000.123456, 0.1 + 0.2, 1e-9, 1_790_000_000.0000002])
def test_the_time_of_a_cancel_is_exact(backend: Backend, at: float) -> None:
    backend.request_cancel(TASK, at)
    assert backend.publish(snapshot()).cancel_requested_at == at


def test_who_is_refused_learns_of_the_cancel_too(backend: Backend) -> None:
    backend.publish(snapshot(attempt=2, state=State.FAILED))
    backend.request_cancel(TASK, 3.5)
    assert backend.publish(snapshot(attempt=2)).cancel_requested_at == 3.5
    assert backend.publish(snapshot(attempt=1)).cancel_requested_at == 3.5
    assert backend.publish(snapshot(attempt=3)).cancel_requested_at == 3.5


# Logs


async def test_log_entries_stand_before_their_snapshot_and_without_a_gap(backend: Backend, replay: Replay) -> None:
    backend.publish(snapshot(), lines("one", "two"))
    backend.append(LOG, "log", entry("three").to_json())
    backend.publish(snapshot(state=State.SUCCEEDED), lines("four"))
    found = await replay(LOG, None, 10)
    assert texts(found) == ["one", "two", "three", "four"]
    assert {(kept.channel, kept.event) for kept in found} == {(LOG, "log")}
    assert [kept.pos for kept in found] == list(range(found[0].pos, found[0].pos + 4))
    assert backend.position(LOG) == found[-1].pos


def line(text: str) -> LogEntry:
    return entry(text, ts=float(ord(text[0])))


@pytest.mark.parametrize(
    ("sent", "again", "kept"),
    [
        ("abc", "abc", "abc"),
        ("abc", "abcde", "abcde"),
        ("abc", "bcd", "abcd"),  # what waits is bounded: the oldest were given up
        ("abC", "abdD", "abCdD"),  # C counts what was left out, and is made anew
        ("abc", "cd", "abcd"),
        ("abc", "de", "abcde"),
    ],
)
def test_entries_that_are_sent_again_are_kept_once(backend: Backend, sent: str, again: str, kept: str) -> None:
    backend.publish(snapshot(), [line(text) for text in sent])
    answer = backend.publish(snapshot(), [line(text) for text in again])
    assert "".join(texts(backend.replay(LOG, None, 100))) == kept
    assert answer.log_pos == backend.position(LOG)


async def test_an_appended_event_is_read_back_as_it_was(backend: Backend, replay: Replay) -> None:
    data = b'{"text":"one\\ntwo"}\n\r\n\x00\xff'
    pos = backend.append("chat:\u6f22", "a name, with blanks", data)
    assert await replay("chat:\u6f22", None, 10) == [Entry("chat:\u6f22", pos, "a name, with blanks", data)]


async def test_replay_goes_on_after_a_position_and_is_limited(backend: Backend, replay: Replay) -> None:
    given = [backend.append(NEWS, "n", b"%d" % number) for number in range(6)]
    assert [found.pos for found in await replay(NEWS, given[2], 10)] == given[3:]
    assert [found.pos for found in await replay(NEWS, given[2], 2)] == given[3:5]
    assert [found.pos for found in await replay(NEWS, None, 4)] == given[:4]
    assert await replay(NEWS, given[-1], 10) == []


async def test_only_the_newest_entries_are_kept(backend: Backend, replay: Replay) -> None:
    given = [backend.append(NEWS, "n", b"{}") for _ in range(KEPT + 5)]
    backend.publish(snapshot(), [entry(str(number)) for number in range(KEPT + 5)])
    assert [found.pos for found in await replay(NEWS, None, 100)] == given[5:]
    assert texts(await replay(LOG, None, 100)) == [str(number) for number in range(5, KEPT + 5)]


async def test_a_gap_is_told_and_with_it_where_to_go_on(backend: Backend, replay: Replay) -> None:
    given = [backend.append(NEWS, "n", b"{}") for _ in range(KEPT + 5)]
    assert len(await replay(NEWS, given[4], 100)) == KEPT, "the next one is the oldest kept"
    with pytest.raises(PositionUnknown) as gap:
        await replay(NEWS, given[3], 100)
    assert gap.value.current == given[-1]


@pytest.mark.parametrize("ahead", [1, 10**6, 2**62])
async def test_a_position_that_was_never_reached_is_told(backend: Backend, replay: Replay, ahead: int) -> None:
    newest = backend.append(NEWS, "n", b"{}")
    with pytest.raises(PositionUnknown):
        await replay(NEWS, newest + ahead, 100)


async def test_after_nothing_seen_all_must_be_kept(backend: Backend, replay: Replay) -> None:
    given = [backend.append(NEWS, "n", b"{}") for _ in range(KEPT)]
    assert [found.pos for found in await replay(NEWS, 0, 100)] == given
    backend.append(NEWS, "n", b"{}")
    with pytest.raises(PositionUnknown):
        await replay(NEWS, 0, 100)


async def test_a_log_without_entries_has_nothing_to_replay(replay: Replay) -> None:
    assert await replay(NEWS, None, 10) == []
    assert await replay(NEWS, 0, 10) == []
    with pytest.raises(PositionUnknown) as gap:
        await replay(NEWS, 5, 10)
    assert gap.value.current == 0


async def test_after_a_loss_of_data_an_old_position_is_told(store: Store, replay: Replay) -> None:
    seen = [store.backend.append(NEWS, "n", b"{}") for _ in range(3)][-1]
    store.lose_data()
    with pytest.raises(PositionUnknown):
        await replay(NEWS, seen, 10)
    store.backend.append(NEWS, "n", b"{}")
    with pytest.raises(PositionUnknown):
        await replay(NEWS, seen, 10)


# Threads


def test_writers_in_threads_share_out_the_positions(backend: Backend) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: backend.publish(snapshot(), lines(str(n))), range(120)))
        appended = list(pool.map(lambda _: backend.append(NEWS, "n", b"{}"), range(120)))
    for given in (sorted(answer.pos for answer in answers), sorted(appended)):
        assert given == list(range(given[0], given[0] + 120))
    assert backend.position(LOG) % (1 << EPOCH_SHIFT) == 119


def test_of_attempts_in_threads_the_newest_is_left_and_one_end_each(backend: Backend) -> None:
    def end(attempt: int) -> tuple[int, Verdict]:
        return attempt, backend.publish(snapshot(attempt=attempt, state=State.FAILED)).verdict

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(end, [1, 2, 3, 4] * 20))
    accepted = [attempt for attempt, verdict in ends if verdict is Verdict.ACCEPTED]
    assert sorted(accepted) == sorted(set(accepted))
    assert 4 in accepted
    newest = backend.read_snapshot(TASK)
    assert newest is not None
    assert newest.attempt == 4


# The feed


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


# Anything in any order


class Attempts(RuleBasedStateMachine):
    """Workers of several attempts at one task, alive or long replaced, in any order; each one's percentage rises."""

    backend: ClassVar[Backend]
    numbers: ClassVar[Iterator[int]] = count()

    def __init__(self) -> None:
        super().__init__()
        self.task = f"{next(self.numbers):08x}{TASK[8:]}"
        self.percents: dict[int, float] = {}
        self.written: list[str] = []
        self.ends: list[int] = []
        self.newest = 0
        self.shown: Snapshot | None = None

    @rule(attempt=st.integers(1, 4), more=st.floats(0, 30), said=st.integers(0, 3))
    def report(self, attempt: int, more: float, said: int) -> None:
        percent = self.percents[attempt] = min(100.0, self.percents.get(attempt, 0.0) + more)
        self._publish(snapshot(task=self.task, attempt=attempt, percent=percent), said)

    @rule(attempt=st.integers(1, 4), state=st.sampled_from([State.SUCCEEDED, State.FAILED]))
    def end(self, attempt: int, state: State) -> None:
        percent = self.percents[attempt] = 100.0
        self._publish(snapshot(task=self.task, attempt=attempt, state=state, percent=percent), 1)

    def _publish(self, told: Snapshot, said: int) -> None:
        words = [f"{len(self.written) + number}" for number in range(said)]
        before = self.backend.read_snapshot(self.task)
        answer = self.backend.publish(told, [entry(word, task=self.task) for word in words])
        assert answer.verdict is self._expected(told)
        assert answer.pos >= (before.pos if before else 1)
        if answer.verdict is Verdict.ACCEPTED:
            self.newest = told.attempt
            self.written += words
            self.ends += [told.attempt] * told.is_final
            assert self.backend.read_snapshot(self.task) == told.at(answer.pos)
        else:
            assert self.backend.read_snapshot(self.task) == before

    def _expected(self, told: Snapshot) -> Verdict:
        if told.attempt < self.newest:
            return Verdict.SUPERSEDED
        return Verdict.ENDED if told.attempt in self.ends else Verdict.ACCEPTED

    @invariant()
    def what_is_shown_never_goes_back(self) -> None:
        before, now = self.shown, self.backend.read_snapshot(self.task)
        self.shown = now
        if before is None or now is None:
            return
        assert now.pos >= before.pos
        assert now.attempt >= before.attempt
        assert now.attempt > before.attempt or (now.percent or 0.0) >= (before.percent or 0.0)

    @invariant()
    def an_attempt_ends_once(self) -> None:
        assert len(self.ends) == len(set(self.ends))

    @invariant()
    def the_log_has_no_gap(self) -> None:
        found = self.backend.replay(log_channel(self.task), None, KEPT)
        assert texts(found) == self.written[-KEPT:]
        assert all(after.pos == before.pos + 1 for before, after in pairwise(found))


def test_in_any_order_what_is_shown_is_the_newest_attempt(store: Store) -> None:
    class AtThisStore(Attempts):
        backend = store.backend

    run_state_machine_as_test(AtThisStore, settings=settings(max_examples=40, stateful_step_count=25, deadline=None))
