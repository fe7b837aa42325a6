"""Scripts of one Redis, asked with as little as possible between the caller and the socket.

1. A sending thread asks ten times a second, each time with cold caches; then it is the amount of code that costs. By
   the client's own way, with its pool's checks before each use, a publish took 560 µs of processor time after a pause
   of 0.1 s; this way 360, of which 120 are the socket's.
2. So connections are taken from the client's pool and kept here while idle. One that died meanwhile is noticed by the
   question, which is then asked once more on a new connection. The pool's settings and its `disconnect` hold for them.
3. A server that does not know a script is given it by the client's own way.
"""

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoScriptError, ResponseError

EVALSHA: Final = b"EVALSHA"
PARTS_BEFORE_KEYS: Final = 3  # the command, the script, how many keys
KNOWN_HEADS: Final = 256  # of tasks: more than run at once in one process
Call = tuple[Script, Sequence[str], Sequence[Any]]  # script, keys, arguments


class Scripts:
    """Safe between threads; each thread that asks has a connection of its own meanwhile.

    Args:
        client: whose Redis.

    """

    __slots__ = ("_client", "_idle", "_pid", "_pool")

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._pool = client.connection_pool
        self._idle: list[Any] = []
        self._pid = os.getpid()

    def run(self, *calls: Call) -> list[Any]:
        """Run scripts in one round trip and give their replies. Each runs, even if one before it fails.

        Raises:
            RedisError: the first that one of them met.

        """
        replies = self._ask(b"".join([packed(call) for call in calls]), len(calls))
        for place, reply in enumerate(replies):
            if isinstance(reply, NoScriptError):
                replies[place] = _given(*calls[place])
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise reply
        return replies

    def _ask(self, packet: bytes, count: int) -> list[Any]:
        if os.getpid() != self._pid:  # forked: the connections are the parent's
            self._idle, self._pid = [], os.getpid()
        connection: Any
        try:
            connection, is_kept = self._idle.pop(), True
        except IndexError:
            connection, is_kept = self._pool.get_connection(), False
        try:
            try:
                replies = _exchange(connection, packet, count)
            except ConnectionLost:
                if not is_kept:
                    raise
                connection.disconnect()
                replies = _exchange(connection, packet, count)
        except BaseException:
            connection.disconnect()
            self._pool.release(connection)
            raise
        self._idle.append(connection)
        return replies


def _given(script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
    """The reply or error of a script that the server did not know."""
    try:
        return script(keys=keys, args=args)
    except ResponseError as error:
        return error


def _exchange(connection: Any, packet: bytes, count: int) -> list[Any]:
    """Send, connecting first if need be, and read so many replies; errors of the server are among them."""
    connection.send_packed_command((packet,), check_health=False)
    replies = []
    for _ in range(count):
        try:
            replies.append(connection.read_response())
        except ResponseError as error:
            replies.append(error)
    return replies


def packed(call: Call) -> bytes:
    """The call in Redis's protocol."""
    script, keys, args = call
    told = [part if type(part) is bytes else str(part).encode() for part in args]
    return b"*%d\r\n%b%b" % (PARTS_BEFORE_KEYS + len(keys) + len(told), _head(script.sha, tuple(keys)), _bulk(told))


@lru_cache(KNOWN_HEADS)
def _head(sha: str, keys: tuple[str, ...]) -> bytes:
    """What is the same each time that a script is asked about a task."""
    parts = [EVALSHA, sha.encode(), b"%d" % len(keys), *(key.encode() for key in keys)]
    return _bulk(parts)


def _bulk(parts: Iterable[bytes]) -> bytes:
    """Bulk strings of Redis's protocol."""
    return b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])
