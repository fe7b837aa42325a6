"""The least that a Python ASGI server can do: one Redis subscription, a queue a stream, events encoded once."""

import asyncio
import os
from collections import defaultdict
from typing import Any

from redis import asyncio as redis

TOPIC = b"bare:"
queues: dict[bytes, set[asyncio.Queue[bytes]]] = defaultdict(set)
tasks: set[asyncio.Task[None]] = set()


async def listen() -> None:
    """Hand every event to the queues of its channel."""
    client = redis.Redis(host="127.0.0.1", port=int(os.environ["BENCHMARK_REDIS_PORT"]))
    async with client.pubsub() as subscription:
        await subscription.psubscribe(TOPIC + b"*")
        async for message in subscription.listen():
            if message["type"] == "pmessage":
                event = b"event: progress\ndata: %b\n\n" % message["data"]
                for queue in queues.get(message["channel"], ()):
                    queue.put_nowait(event)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one connection."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            tasks.add(asyncio.create_task(listen()))
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    channel, queue = TOPIC + scope["path"].strip("/").encode(), asyncio.Queue[bytes]()
    queues[channel].add(queue)
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b": open\n\n", "more_body": True})
    try:
        while True:
            await send({"type": "http.response.body", "body": await queue.get(), "more_body": True})
    finally:
        queues[channel].discard(queue)
