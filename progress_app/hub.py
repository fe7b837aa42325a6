"""One a server process: reads a feed once and hands its events to the mailboxes of that process.

1. A channel is followed while somebody watches it. Its newest frame is kept, so a further viewer of the same channel
   costs no read.
2. Subscribe first, then read, then merge by position: what happens in between is either in the read or arrives.
3. pub/sub is at-most-once. After each (re)subscription, and every `recheck_s`, positions are compared with storage.
4. A task whose state in Redis is missing or has lost its pulse may have ended meanwhile: then the project's own
   record is asked, once a channel, not once a viewer.
5. Rows of many tasks come from one or more source channels, and are told at a tick that all viewers share. `ops` is
   asked of the project while somebody watches it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from typing import Any, Final

from progress_app.backends.base import Entry, Feed
from progress_app.channels import Channel, Kind, task_channel
from progress_app.comparison import Comparison
from progress_app.events import COMPLETE
from progress_app.exceptions import BackendUnavailable, PositionUnknown
from progress_app.listing import Listings, Records, nothing_listed
from progress_app.overview import Overview, keep_told, nothing_to_tell
from progress_app.sources import Sources
from progress_app.sse import frame
from progress_app.stats import Stats
from progress_app.subscriber import Subscriber, reset_frame
from progress_app.topic import RowsTopic, Topic, topic_of

READY_WITHIN_S: Final = 2.0  # a healthy subscribe and read takes a few milliseconds
REPLAY_BATCH: Final = 200
COMPARE_AGAIN_S: Final = 1.0
RESTART_AFTER_S: Final = 1.0

logger = logging.getLogger(__name__)


class Hub:
    """Fan-out of one process. All on one event loop.

    Args:
        feed: where events come from.
        records: the project's own record of a task.
        listings: its unfinished tasks that a channel of rows begins with.
        overview: what the channel `ops` says, as JSON.
        recheck_s: how often positions of watched channels are compared with storage.
        tick_s: how often viewers of many tasks, and of rows, are written to.
        stats: what is counted.
        clock: Unix time in seconds.

    """

    def __init__(
        self,
        feed: Feed,
        records: Records,
        *,
        listings: Listings = nothing_listed,
        overview: Overview = nothing_to_tell,
        recheck_s: float,
        tick_s: float,
        stats: Stats | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._feed = feed
        self.stats = stats or Stats()
        self._overview = overview
        self._clock = clock
        self._recheck_s = recheck_s
        self._tick_s = tick_s
        self._sources = Sources(feed, tick_s=tick_s)
        self._comparison = Comparison(
            feed, records, listings, deliver=self.deliver, rows_changed=self._sources.changed, clock=clock
        )
        self._topics: dict[str, Topic] = {}
        self._controls: dict[str, Callable[[bytes], None]] = {}
        self._ticking: set[Subscriber] = set()
        self._on_tick = self._schedule  # one bound method for all mailboxes
        self._jobs: set[asyncio.Task[None]] = set()
        self._runners: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to read; the hub then looks after itself until `stop`."""
        self._runners = [
            asyncio.create_task(_for_ever("the feed", lambda: self._feed.run(self))),
            asyncio.create_task(_for_ever("the check of positions", self._recheck)),
        ]

    async def stop(self) -> None:
        """Stop reading and give everything back."""
        running = [*self._runners, *self._jobs]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._feed.close()

    def obey(self, channel: str, control: Callable[[bytes], None]) -> None:
        """Call `control` with what is announced on a channel that no viewer can ask for."""
        self._controls[channel] = control
        self._feed.follow(channel)

    def __len__(self) -> int:
        return len(self._topics)

    async def read(self, task: str) -> Entry | None:
        """The newest snapshot of a task in Redis, None if there is none; raises BackendUnavailable."""
        name = task_channel(task)
        return (await self._feed.read_states([name])).get(name)

    # Viewers

    async def open(self, channels: Iterable[Channel], seen: Mapping[str, int]) -> Subscriber:
        """Watch channels; the mailbox then holds the present snapshot of each state channel.

        `seen` are the positions that the viewer brought back. Without one, a task's log begins with the oldest entry
        kept, and any other log channel with the next event.

        Raises:
            BackendUnavailable: Redis is away.

        """
        wanted = list(channels)
        logs = {c.name: seen.get(c.name) for c in wanted if not c.is_state}
        subscriber = Subscriber((c.name for c in wanted if c.is_state), logs, self._on_tick)
        topics = [self._watch(channel, subscriber) for channel in wanted]
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                for topic in topics:
                    if topic.ready is not None:
                        await asyncio.shield(topic.ready)
        except TimeoutError as error:
            self.close(subscriber)
            raise BackendUnavailable("Redis did not confirm the subscription within 2 s.") from error
        except BaseException:
            self.close(subscriber)
            raise
        for topic in topics:
            self._first(topic, subscriber)
        return subscriber

    def _watch(self, channel: Channel, subscriber: Subscriber) -> Topic:
        topic = self._topics.get(channel.name)
        if topic is None:
            topic = self._topics[channel.name] = topic_of(channel)
            if channel.kind is Kind.OPS:
                self._do(keep_told(topic, self._overview))
            elif isinstance(topic, RowsTopic):
                self._sources.listen(topic, [channel.name])
            else:
                self._feed.follow(channel.name)
        topic.subscribers.add(subscriber)
        return topic

    @staticmethod
    def _first(topic: Topic, subscriber: Subscriber) -> None:
        """What a viewer sees first of a channel."""
        name = topic.channel.name
        if topic.is_state:
            topic.show_first(subscriber)
        elif subscriber.cursor(name) is None and topic.channel.kind is not Kind.TASK_LOG:
            subscriber.start_at(name, topic.pos)

    def close(self, subscriber: Subscriber) -> None:
        """Stop watching."""
        self._ticking.discard(subscriber)
        for name in subscriber.channels:
            topic = self._topics.get(name)
            if topic is None:
                continue
            topic.subscribers.discard(subscriber)
            if not topic.subscribers:
                del self._topics[name]
                self._let_go(topic)

    def _let_go(self, topic: Topic) -> None:
        if isinstance(topic, RowsTopic):
            self._sources.let_go(topic)
        elif topic.channel.kind is not Kind.OPS:
            self._feed.unfollow(topic.channel.name)

    def finished(self, subscriber: Subscriber) -> bool:
        """Whether nothing more can come: every channel belongs to a task that has ended, and all was taken."""
        if subscriber.behind or subscriber.has_news:
            return False
        return all(self._is_over(name) for name in subscriber.channels)

    def _is_over(self, name: str) -> bool:
        topic = self._topics[name]
        if topic.channel.kind is Kind.TASK:
            return topic.final
        owner = self._topics.get(f"task-{topic.channel.task}")
        return topic.channel.kind is Kind.TASK_LOG and owner is not None and owner.final

    async def catch_up(self, subscriber: Subscriber) -> None:
        """Queue from storage what the mailbox lacks of its log channels.

        Raises:
            BackendUnavailable: Redis is away.

        """
        for name in tuple(subscriber.behind):
            known_pos = self._topics[name].pos
            try:
                found = await self._feed.replay(name, subscriber.cursor(name), REPLAY_BATCH)
            except PositionUnknown as gap:
                logger.info("stream reset: %s", gap)
                self.stats.resets += 1
                subscriber.reset(name, reset_frame([name]))
                continue
            entries = ((entry.pos, frame(entry.event, entry.data)) for entry in found)
            # What arrived during the read was turned away: compare with the newest position known by now. An empty
            # read with no arrival ends the catching up, else lost data would be asked for again and again.
            newest_pos = self._topics[name].pos
            subscriber.catch_up(name, entries, newest_pos if found or newest_pos != known_pos else 0)

    def _schedule(self, subscriber: Subscriber) -> None:
        if not self._ticking:
            asyncio.get_running_loop().call_later(self._tick_s, self._tick)
        self._ticking.add(subscriber)

    def _tick(self) -> None:
        due, self._ticking = self._ticking, set()
        for subscriber in due:
            subscriber.tick()

    # The feed's sink

    def deliver(self, entry: Entry) -> None:
        """As `Sink.deliver`: encode once, hand to all who watch."""
        if entry.event == "row":
            self._sources.put(entry)
            return
        topic = self._topics.get(entry.channel)
        is_final = entry.event == COMPLETE
        if topic is None:
            self._controls.get(entry.channel, _ignore)(entry.data)
            return
        # After a fail-over positions may lag behind for a moment; an end is shown all the same.
        if topic.final or (entry.pos <= topic.pos and not is_final):
            return
        topic.pos = entry.pos
        event = frame(entry.event, entry.data)
        if topic.is_state:
            topic.show(entry.pos, event, final=is_final)
            self.stats.delivered(entry.data, self._clock())
        else:
            for subscriber in topic.subscribers:
                subscriber.offer_entry(entry.channel, entry.pos, event)

    def interrupted(self, cause: str) -> None:
        """As `Sink.interrupted`: new viewers wait until the channels are followed again."""
        self.stats.reconnects[cause] += 1
        for topic in self._topics.values():
            if topic.channel.kind is not Kind.OPS:
                topic.is_interrupted()

    def resumed(self, channels: Collection[str]) -> None:
        """As `Sink.resumed`: compare with storage."""
        topics = {self._topics[name] for name in channels if name in self._topics}
        for name in channels:
            topics |= self._sources.topics(name)
        self._do(self._compare(list(topics)))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self._jobs.add(job := asyncio.create_task(work))
        job.add_done_callback(self._jobs.discard)

    # Comparing with storage

    async def _recheck(self) -> None:
        while True:
            await asyncio.sleep(self._recheck_s)
            await self._compare([topic for topic in self._topics.values() if topic.ready is None])

    async def _compare(self, topics: list[Topic]) -> None:
        try:
            await self._comparison.run(topics)
        except BackendUnavailable as error:
            logger.warning("%s", error)
            names = [topic.channel.name for topic in topics]
            asyncio.get_running_loop().call_later(COMPARE_AGAIN_S, self.resumed, names)


def _ignore(_data: bytes) -> None:
    """An event of a channel that nobody watches any more."""


async def _for_ever(what: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run it again whatever happens: a hub that stopped listening would look healthy and show nothing."""
    while True:
        try:
            await run()
        except Exception:
            logger.exception("In the hub, %s failed; starting it again.", what)
        await asyncio.sleep(RESTART_AFTER_S)
