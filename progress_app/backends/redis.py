"""The writer's side of Redis: one script call a publish, short time-outs, one kind of error.

1. A script that may write is refused as a whole when Redis is full. The snapshot is small and replaces its
   predecessor, so it is then sent again without its log entries by the twin that is allowed past the limit.
2. A demoted master answers READONLY on a connection that looks healthy: the pool is closed, so that the next call
   finds the new master.
3. A child's snapshot and what it adds to its parent's bar go in one round trip, but in two scripts: in a cluster the
   two tasks lie on different nodes.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import OutOfMemoryError, RedisError

from progress_app.backends.base import Answer, Entry, Verdict, check_replay, snapshot_in
from progress_app.backends.keys import Keys, edges, script, state, stored
from progress_app.backends.redis_errors import one_kind_of_error, readable, unavailable
from progress_app.backends.redis_family import RedisFamilies
from progress_app.backends.redis_scripts import Call, Scripts
from progress_app.channels import task_channel
from progress_app.events import COMPLETE, Children, LogEntry, Snapshot
from progress_app.rollup import Member, Rollup, tells
from progress_app.rows import row, row_before_position

TIMEOUT_S: Final = 2.0  # a healthy answer takes under a millisecond; longer means that Redis is in trouble
CONNECT_TIMEOUT_S: Final = 1.0
KNOWN_TASKS: Final = 256  # whose keys a process need not make anew: more than run at once in one
LONGEST_HEAD: Final = 63  # of a kept state, before its JSON
_POSITION: Final = b'"pos":0,'
_VERDICTS: Final = {verdict.encode(): verdict for verdict in Verdict}


def connect(url: str) -> Redis:
    """A client that fails within its time-outs and never tries again by itself: the callers know better when."""
    return Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=CONNECT_TIMEOUT_S, retry=None)


class RedisBackend:
    """As `Backend`, on one Redis.

    Args:
        client: from `connect`.
        prefix: first part of every key.
        keep_running_s, keep_final_s: how long snapshots stay after their last publish, in seconds.
        log_entries: how many of the newest entries a log channel keeps.

    """

    def __init__(self, client: Redis, *, prefix: str, keep_running_s: int, keep_final_s: int, log_entries: int) -> None:
        self.client = client
        self._keys = Keys(prefix)
        self._keep_running_s = keep_running_s
        self._keep_final_s = keep_final_s
        self._log_entries = log_entries
        source = script("publish")
        self._publish = client.register_script("#!lua\n" + source)
        self._publish_when_full = client.register_script("#!lua flags=allow-oom\n" + source)
        self._append = client.register_script("#!lua\n" + script("append"))
        self._scripts = Scripts(client)
        self._of_task = lru_cache(KNOWN_TASKS)(self._keys.of_task)
        self._topics = lru_cache(KNOWN_TASKS)(self._keys.topics)
        self._topics_of_row = lru_cache(KNOWN_TASKS)(self._keys.topics_of_row)
        self._announce_row = client.register_script("#!lua\n" + script("row"))
        self._families = RedisFamilies(client, self._keys, keep_s=keep_running_s, keep_ended_s=keep_final_s)

    def publish(
        self, snapshot: Snapshot, log: Sequence[LogEntry] = (), member: Member | None = None, *,
        audience: Collection[str] = (),
    ) -> Answer:  # fmt: skip
        """As `Backend.publish`."""
        rows = self._topics_of_row(tuple(audience)) if member is None else b""
        try:
            return self._published(snapshot, log, member, rows)
        except RedisError as error:  # a generator around it would cost a sender a tenth of its work
            raise unavailable(self.client, error) from error

    def _published(self, snapshot: Snapshot, log: Sequence[LogEntry], member: Member | None, rows: bytes) -> Answer:
        calls = [self._telling(self._publish, snapshot, log, rows)]
        if member is not None and tells(snapshot):
            calls.append(self._families.adding(member, snapshot))
        try:
            return _answer(self._scripts.run(*calls)[0])
        except OutOfMemoryError:
            (reply,) = self._scripts.run(self._telling(self._publish_when_full, snapshot, (), rows))
            return _answer(reply, log_lost=len(log))

    def roll_up(self, rollup: Rollup, words: Sequence[int] = ()) -> None:
        """As `Backend.roll_up`."""
        with one_kind_of_error(self.client):
            self._families.begin(rollup, words)

    def rolled_up(self, parent: str) -> Children | None:
        """As `Backend.rolled_up`."""
        with one_kind_of_error(self.client):
            return self._families.read(parent)

    def end_roll_up(self, parent: str) -> None:
        """As `Backend.end_roll_up`."""
        with one_kind_of_error(self.client):
            self._families.end(parent)

    def _telling(self, script: Script, snapshot: Snapshot, log: Sequence[LogEntry], rows: bytes) -> Call:
        """The call that publishes."""
        state_topic, log_topic = self._topics(snapshot.task)
        keep_s = self._keep_final_s if snapshot.is_final else self._keep_running_s
        before, _, after = snapshot.at(0).to_json().partition(_POSITION)
        told = (snapshot.attempt, keep_s, snapshot.event, before + b'"pos":', b"," + after, state_topic, log_topic)
        listed = (row_before_position(snapshot), rows)
        entries = [entry.to_json() for entry in log]
        return script, self._of_task(snapshot.task), (*told, self._log_entries, *listed, *entries)

    def append(self, channel: str, event: str, data: bytes, once: str = "") -> int:
        """As `Backend.append`."""
        keys = (self._keys.log(channel), self._keys.once(channel, once))
        args = (event, data, self._keys.topic(channel), self._log_entries, self._keep_running_s, int(bool(once)))
        with one_kind_of_error(self.client):
            if once:  # then it may be asked twice
                return int(self._scripts.run((self._append, keys, args))[0])
            return int(self._append(keys=keys, args=args))

    def announce(self, channel: str, event: str, data: bytes) -> None:
        """As `Backend.announce`."""
        with one_kind_of_error(self.client):
            self.client.publish(self._keys.topic(channel), b"0 %b\n%b" % (event.encode(), data))

    def announce_row(self, snapshot: Snapshot, *, audience: Collection[str] = ()) -> None:
        """As `Backend.announce_row`."""
        args = (row(snapshot), self._topics_of_row(tuple(audience)))
        with one_kind_of_error(self.client):
            self._scripts.run((self._announce_row, [self._keys.state(snapshot.task)], args))

    def request_cancel(self, task: str, at: float) -> None:
        """As `Backend.request_cancel`."""
        with one_kind_of_error(self.client):
            self.client.set(self._keys.cancel(task), repr(at), ex=self._keep_running_s, nx=True)

    def ping(self) -> None:
        """Do nothing but ask; raises BackendUnavailable."""
        with one_kind_of_error(self.client):
            self.client.ping()

    def time_s(self) -> float:
        """Redis's clock, the Unix time in seconds; raises BackendUnavailable."""
        with one_kind_of_error(self.client):
            seconds, microseconds = self.client.time()
        return seconds + microseconds / 1_000_000

    def read_snapshot(self, task: str) -> Snapshot | None:
        """As `Backend.read_snapshot`."""
        with one_kind_of_error(self.client):
            kept = self.client.get(self._keys.state(task))
        return Snapshot.from_json(state("", cast("bytes", kept)).data) if kept else None

    def read_snapshots(self, tasks: Sequence[str]) -> dict[str, Snapshot]:
        """As `Backend.read_snapshots`; in one round trip."""
        with one_kind_of_error(self.client), self.client.pipeline(transaction=False) as pipe:
            for task in tasks:
                pipe.get(self._keys.state(task))
            kept = zip(tasks, pipe.execute(raise_on_error=False), strict=True)
        states = ((task, readable(state, task_channel(task), body)) for task, body in kept if body is not None)
        found = {task: snapshot_in(entry) for task, entry in states if entry is not None}
        return {task: snapshot for task, snapshot in found.items() if snapshot is not None}

    def unfinished(self, tasks: Sequence[str]) -> list[str]:
        """As `Backend.unfinished`."""
        with one_kind_of_error(self.client), self.client.pipeline(transaction=False) as pipe:
            for task in tasks:
                pipe.getrange(self._keys.state(task), 0, LONGEST_HEAD)
            heads = pipe.execute()
        return [task for task, head in zip(tasks, heads, strict=True) if head and state("", head).event != COMPLETE]

    def replay(self, channel: str, after: int | None, limit: int) -> list[Entry]:
        """As `Backend.replay`."""
        key = self._keys.log(channel)
        with one_kind_of_error(self.client), self.client.pipeline(transaction=True) as pipe:
            pipe.xrange(key, count=1)
            pipe.xrevrange(key, count=1)
            pipe.xrange(key, min="-" if after is None else f"({after}-0", count=limit)
            oldest, newest, found = pipe.execute()
        check_replay(channel, after, *edges(oldest, newest))
        return [stored(channel, entry) for entry in found]

    def position(self, channel: str) -> int:
        """As `Backend.position`."""
        with one_kind_of_error(self.client):
            newest = cast("list[Any]", self.client.xrevrange(self._keys.log(channel), count=1))
        return edges(newest, newest)[1]


def _answer(reply: Sequence[bytes], *, log_lost: int = 0) -> Answer:
    verdict, pos, cancel, log_pos = reply
    return Answer(_VERDICTS[verdict], int(pos), float(cancel) if cancel else None, log_lost, int(log_pos))
