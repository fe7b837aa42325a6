"""A TCP proxy whose connections can break, or go dead without being closed, as behind a firewall that forgot them."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

CHUNK = 65_536


class HalfOpen:
    """Forwards to a port of this machine, in a thread of its own; `port` is where it listens."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._dead: set[asyncio.Task[Any]] = set()
        self._alive: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._alive.add(task := asyncio.current_task())  # type: ignore[arg-type]
        ends = [writer]
        try:
            with suppress(OSError):  # the target is away, and so are we
                there, back = await asyncio.open_connection("127.0.0.1", self._target)
                ends.append(back)
                await asyncio.gather(self._forward(reader, back, task), self._answer(there, writer, task))
        finally:
            self._alive.discard(task)
            for end in ends:
                end.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: Any) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if task not in self._dead:
                    writer.write(chunk)
                    await writer.drain()
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: Any) -> None:
        await self._forward(reader, writer, task)

    def go_dead(self) -> int:
        """Forward nothing more on the connections that are open; new ones work. Gives how many they are."""

        async def mark() -> int:
            self._dead |= self._alive
            return len(self._alive)

        return int(self._do(mark()))

    def cut(self) -> None:
        """Break the connections that are open, wherever they are; new ones work."""

        async def end() -> None:
            for task in self._alive:
                task.cancel()

        self._do(end())

    def stop(self) -> None:
        """End everything."""

        async def end() -> None:
            self._server.close()
            for task in self._alive:
                task.cancel()
            await asyncio.gather(*self._alive, return_exceptions=True)

        self._do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
