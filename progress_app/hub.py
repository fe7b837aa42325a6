"""One a server process: reads a feed once and hands its events to the mailboxes of that process.

1. A channel is followed while somebody watches it. Its newest frame is kept, so a further viewer of the same channel
   costs no read.
2. Subscribe first, then read, then merge by position: what happens in between is either in the read or arrives.
3. pub/sub is at-most-once. After each (re)subscription, and every `recheck_s`, positions are compared with storage.
4. A task whose state in Redis is missing or has lost its pulse may have ended meanwhile: then the project's own
   record is asked, once a channel, not once a viewer.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Final

from progress_app.backends.base import Entry, Feed
from progress_app.channels import Channel, Kind, parse
from progress_app.events import Snapshot
from progress_app.exceptions import BackendUnavailable, PositionUnknown
from progress_app.sse import Frame, frame
from progress_app.subscriber import Subscriber, reset_frame

READY_WITHIN_S: Final = 2.0  # a healthy subscribe and read takes a few milliseconds
REPLAY_BATCH: Final = 200
PULSE_LOST_S: Final = 5.0  # five pulses
COMPARE_AGAIN_S: Final = 1.0
RESTART_AFTER_S: Final = 1.0

logger = logging.getLogger(__name__)
Records = Callable[[str], Awaitable[Snapshot | None]]


class Topic:
    """A watched channel: who watches it and what is known of it."""

    __slots__ = ("channel", "final", "frame", "pos", "ready", "shown_pos", "subscribers")

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.subscribers: set[Subscriber] = set()
        self.pos = 0  # the newest known from Redis
        self.shown_pos = 0  # that of `frame`, which may come from the project's record
        self.frame: Frame | None = None
        self.final = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def show(self, pos: int, event: Frame, *, final: bool) -> None:
        """Make this the newest frame of a state channel."""
        self.frame, self.shown_pos, self.final = event, pos, final
        for subscriber in self.subscribers:
            subscriber.offer_state(self.channel.name, pos, event, final=final)


class Hub:
    """Fan-out of one process. All on one event loop.

    Args:
        feed: where events come from.
        records: the project's own record of a task.
        recheck_s: how often positions of watched channels are compared with storage.
        tick_s: how often viewers of many tasks are written to.
        clock: Unix time in seconds.

    """

    def __init__(
        self,
        feed: Feed,
        records: Records,
        *,
        recheck_s: float,
        tick_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._feed = feed
        self._records = records
        self._recheck_s = recheck_s
        self._tick_s = tick_s
        self._clock = clock
        self._topics: dict[str, Topic] = {}
        self._ticking: set[Subscriber] = set()
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
        subscriber = Subscriber((c.name for c in wanted if c.is_state), logs, self._schedule)
        topics = [self._watch(channel, subscriber) for channel in wanted]
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                for topic in topics:
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
            topic = self._topics[channel.name] = Topic(channel)
            self._feed.follow(channel.name)
        topic.subscribers.add(subscriber)
        return topic

    @staticmethod
    def _first(topic: Topic, subscriber: Subscriber) -> None:
        """What a viewer sees first of a channel."""
        name = topic.channel.name
        if topic.channel.is_state:
            if topic.frame is not None:
                subscriber.offer_state(name, topic.shown_pos, topic.frame, final=topic.final)
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
                self._feed.unfollow(name)

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
                logger.info("%s", gap)
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
            subscriber.wake()

    # The feed's sink

    def deliver(self, entry: Entry) -> None:
        """As `Sink.deliver`: encode once, hand to all who watch."""
        topic = self._topics.get(entry.channel)
        is_final = entry.event == "complete"
        # After a fail-over positions may lag behind for a moment; an end is shown all the same.
        if topic is None or topic.final or (entry.pos <= topic.pos and not is_final):
            return
        topic.pos = entry.pos
        event = frame(entry.event, entry.data)
        if topic.channel.is_state:
            topic.show(entry.pos, event, final=is_final)
        else:
            for subscriber in topic.subscribers:
                subscriber.offer_entry(entry.channel, entry.pos, event)

    def interrupted(self) -> None:
        """As `Sink.interrupted`: new viewers wait until the channels are followed again."""
        for topic in self._topics.values():
            if topic.ready.done():
                topic.ready = asyncio.get_running_loop().create_future()

    def resumed(self, channels: Collection[str]) -> None:
        """As `Sink.resumed`: compare with storage."""
        job = asyncio.create_task(self._compare([name for name in channels if name in self._topics]))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    # Comparing with storage

    async def _recheck(self) -> None:
        while True:
            await asyncio.sleep(self._recheck_s)
            await self._compare([name for name, topic in self._topics.items() if topic.ready.done()])

    async def _compare(self, names: list[str]) -> None:
        """Bring what is known of these channels up to what is stored."""
        channels = [parse(name) for name in names]
        try:
            states = await self._feed.read_states([c.name for c in channels if c.kind is Kind.TASK])
            positions = await self._feed.positions([c.name for c in channels if not c.is_state])
        except BackendUnavailable as error:
            logger.warning("%s", error)
            asyncio.get_running_loop().call_later(COMPARE_AGAIN_S, self.resumed, names)
            return
        for entry in states.values():
            self.deliver(entry)
        for name, pos in positions.items():
            self._compare_log(name, pos)
        await self._ask_records([c for c in channels if c.kind is Kind.TASK and self._needs_record(c, states)])
        for name in names:
            topic = self._topics.get(name)
            if topic is not None and not topic.ready.done():
                topic.ready.set_result(None)

    def _compare_log(self, name: str, stored_pos: int) -> None:
        topic = self._topics.get(name)
        if topic is None or stored_pos == topic.pos:
            return
        topic.pos = stored_pos
        for subscriber in topic.subscribers:
            subscriber.fall_behind(name)

    def _needs_record(self, channel: Channel, states: Mapping[str, Entry]) -> bool:
        entry = states.get(channel.name)
        if entry is None:
            return True
        snapshot = Snapshot.from_json(entry.data)
        return not snapshot.is_final and self._clock() - snapshot.ts > PULSE_LOST_S

    async def _ask_records(self, channels: Collection[Channel]) -> None:
        """Show the project's own record where it knows more."""
        for channel, recorded in zip(
            channels, await asyncio.gather(*(self._records(c.subject) for c in channels)), strict=True
        ):
            topic = self._topics.get(channel.name)
            if topic is None or recorded is None or topic.final:
                continue
            if recorded.is_final or topic.frame is None:
                event = frame(recorded.event, recorded.to_json())
                topic.show(recorded.pos, event, final=recorded.is_final)


async def _for_ever(what: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run it again whatever happens: a hub that stopped listening would look healthy and show nothing."""
    while True:
        try:
            await run()
        except Exception:
            logger.exception("In the hub, %s failed; starting it again.", what)
        await asyncio.sleep(RESTART_AFTER_S)
