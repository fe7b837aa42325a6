"""Brings watched channels up to what is stored: at their beginning, after a lost connection, and now and then.

pub/sub is at-most-once, and a task whose state in Redis is missing or has lost its pulse may have ended meanwhile: then
the project's own record is asked, once a channel, not once a viewer.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable

from progress_app.backends.base import Entry, Feed, snapshot_in
from progress_app.channels import Kind
from progress_app.events import Snapshot
from progress_app.listing import Listings, Records, refresh
from progress_app.sse import frame
from progress_app.topic import RowsTopic, Topic


class Comparison:
    """Reads storage for topics. All on one event loop.

    Args:
        feed: where positions and snapshots are read.
        records, listings: what the project knows.
        deliver: takes what is newer than what was known.
        rows_changed: told of a topic whose board may have changed, and of the channels that its rows come from.
        clock: Unix time in seconds.

    """

    def __init__(
        self, feed: Feed, records: Records, listings: Listings, *, deliver: Callable[[Entry], None],
        rows_changed: Callable[[RowsTopic, Iterable[str]], None], clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._feed = feed
        self._records = records
        self._listings = listings
        self._deliver = deliver
        self._rows_changed = rows_changed
        self._clock = clock

    async def run(self, topics: Collection[Topic]) -> None:
        """Compare these topics; they are ready then.

        Raises:
            BackendUnavailable: Redis is away.

        """
        tasks = [topic for topic in topics if topic.channel.kind is Kind.TASK]
        await self._compare_states(tasks)
        await self._compare_logs([topic for topic in topics if not topic.is_state])
        for topic in topics:
            if isinstance(topic, RowsTopic):
                await self._compare_rows(topic)
            topic.is_ready()

    async def _compare_states(self, topics: Collection[Topic]) -> None:
        states = await self._feed.read_states([topic.channel.name for topic in topics])
        known = {name: snapshot for name, entry in states.items() if (snapshot := snapshot_in(entry)) is not None}
        for name in known:
            self._deliver(states[name])
        await self._ask_records([topic for topic in topics if self._needs_record(known.get(topic.channel.name))])

    def _needs_record(self, snapshot: Snapshot | None) -> bool:
        return snapshot is None or not snapshot.is_fresh(self._clock())

    async def _ask_records(self, topics: Collection[Topic]) -> None:
        """Show the project's own record where it knows more."""
        found = await asyncio.gather(*(self._records(topic.channel.subject) for topic in topics))
        for topic, recorded in zip(topics, found, strict=True):
            if recorded is not None and not topic.final and (recorded.is_final or topic.frame is None):
                event = frame(recorded.event, recorded.to_json())
                topic.show(recorded.pos, event, final=recorded.is_final)

    async def _compare_logs(self, topics: Collection[Topic]) -> None:
        positions = await self._feed.positions([topic.channel.name for topic in topics])
        for topic in topics:
            stored_pos = positions[topic.channel.name]
            if stored_pos != topic.pos:
                topic.pos = stored_pos
                for subscriber in topic.subscribers:
                    subscriber.fall_behind(topic.channel.name)

    async def _compare_rows(self, topic: RowsTopic) -> None:
        listing = await self._listings(topic.channel.name)
        await refresh(topic.board, listing, self._feed, self._records)
        if not topic.is_loaded:
            topic.board.take()  # whoever waits for it gets the whole board
            topic.is_loaded = True
        self._rows_changed(topic, listing.sources)
