"""Small things in Redis beside the progress of tasks: values that expire, counts, and who is there."""

from typing import cast

from redis import Redis

from progress_app.backends.keys import Keys
from progress_app.backends.redis_errors import one_kind_of_error


class RedisShelf:
    """Safe to share between threads. Every method raises BackendUnavailable while Redis is away.

    Args:
        client: from `redis.connect`.
        prefix: first part of a roster's key; the other keys are given whole.

    """

    def __init__(self, client: Redis, *, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)

    def keep(self, key: str, value: bytes, seconds: int) -> None:
        """Keep a small value for so long."""
        with one_kind_of_error(self._client):
            self._client.set(key, value, ex=seconds)

    def kept(self, key: str) -> bytes | None:
        """What `keep` has kept under this key, None when it is no longer there."""
        with one_kind_of_error(self._client):
            return cast("bytes | None", self._client.get(key))

    def forget(self, key: str) -> None:
        """Drop what `keep` has kept."""
        with one_kind_of_error(self._client):
            self._client.delete(key)

    def count(self, key: str, seconds: int) -> int:
        """Count one more; the number so far, which is forgotten so long after the first."""
        with one_kind_of_error(self._client), self._client.pipeline() as pipe:
            pipe.incr(key)
            pipe.expire(key, seconds, nx=True)
            number, _ = pipe.execute()
        return int(number)

    def fields(self, key: str) -> dict[bytes, bytes]:
        """All fields of a hash; none if it is not there."""
        with one_kind_of_error(self._client):
            return cast("dict[bytes, bytes]", self._client.hgetall(key))

    def sign_in(self, roster: str, name: str, at: float) -> None:
        """Note on a roster that somebody was there at this Unix time (s)."""
        with one_kind_of_error(self._client):
            self._client.hset(self._keys.roster(roster), name, repr(at))

    def sign_out(self, roster: str, name: str) -> None:
        """Strike a name off a roster."""
        with one_kind_of_error(self._client):
            self._client.hdel(self._keys.roster(roster), name)

    def roster(self, roster: str) -> dict[str, float]:
        """Who is on a roster, and at which Unix time (s) each was last there."""
        return {name.decode(): float(at) for name, at in self.fields(self._keys.roster(roster)).items()}
