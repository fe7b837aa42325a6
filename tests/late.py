"""A TCP proxy that holds every answer back for a while, as a server that is out of breath would."""

import asyncio
from contextlib import suppress
from typing import Any

from tests.integration.half_open import CHUNK, HalfOpen


class Late(HalfOpen):
    """As `HalfOpen`; `delay_s` is by how much answers are late, in seconds, and may be changed at any time."""

    def __init__(self, target: int) -> None:
        self.delay_s = 0.0
        super().__init__(target)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: Any) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await asyncio.sleep(self.delay_s)
                writer.write(chunk)
                await writer.drain()
            writer.close()
