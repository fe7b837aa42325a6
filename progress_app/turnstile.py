"""Takes single-use values out of Redis for many viewers who come at once, as after a restart of the server.

Who comes while a question is under way goes into the next one, together with all others: a thousand viewers cost a few
round trips on one connection, and nobody is sent away for want of one.
"""

import asyncio
from typing import Final, cast

from redis import RedisError
from redis import asyncio as redis

from progress_app.exceptions import BackendUnavailable

MOST_AT_ONCE: Final = 500  # keeps one question under 50 KB

Waiting = tuple[str, "asyncio.Future[bytes | None]"]


class Turnstile:
    """All on one event loop.

    Args:
        client: whose Redis.

    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._queue: list[Waiting] = []
        self._batch: list[Waiting] = []
        self._asking: asyncio.Task[None] | None = None

    async def take(self, key: str) -> bytes | None:
        """The value of a key, which is deleted; None for everybody but the first.

        Raises:
            BackendUnavailable: Redis did not answer; the value may be gone.

        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes | None] = loop.create_future()
        self._queue.append((key, answer))
        if self._asking is None or self._asking.done():
            self._asking = loop.create_task(self._ask())
        return await answer

    async def close(self) -> None:
        """Ask no more; who still waits is refused."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        _refuse([*self._batch, *self._queue], "The server stops.")

    async def _ask(self) -> None:
        while self._queue:
            self._batch, self._queue = self._queue[:MOST_AT_ONCE], self._queue[MOST_AT_ONCE:]
            await self._ask_for(self._batch)

    async def _ask_for(self, batch: list[Waiting]) -> None:
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for key, _ in batch:
                    pipe.getdel(key)
                values = cast("list[bytes | None]", await pipe.execute())
        except (RedisError, OSError) as error:
            _refuse(batch, f"Redis did not answer ({type(error).__name__}).")
            return
        for (_, answer), value in zip(batch, values, strict=True):
            if not answer.done():  # a viewer who went away meanwhile
                answer.set_result(value)


def _refuse(batch: list[Waiting], why: str) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(BackendUnavailable(why))
