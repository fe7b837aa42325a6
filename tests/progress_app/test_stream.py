"""One open stream over the memory feed: what it says first, how it goes on and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from progress_app.backends.memory import MemoryBackend
from progress_app.channels import parse
from progress_app.events import LogEntry, Snapshot, State
from progress_app.hub import Hub
from progress_app.stream import Stream
from progress_app.tokens import Grant
from tests.progress_app.doubles import WITHIN_S

TASK = "6f0c1111-2222-3333-4444-555566667777"
STATE, LOG = f"task-{TASK}", f"task-{TASK}.log"


@dataclass
class Browser:
    """The server's side of a viewer: keeps what is sent, and can disconnect or stop reading."""

    sent: list[bytes] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    stalled: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Any) -> None:
        if self.stalled:
            await asyncio.Event().wait()
        self.sent.append(message.get("body", b""))
        self.news.set()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def text(self) -> str:
        return b"".join(self.sent).decode()

    @property
    def events(self) -> list[str]:
        return [line.removeprefix("event: ") for line in self.text.splitlines() if line.startswith("event: ")]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self.news.clear()
                await self.news.wait()


async def no_record(_task: str) -> Snapshot | None:
    return None


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
async def hub(backend: MemoryBackend) -> AsyncIterator[Hub]:
    running = Hub(backend.feed(), no_record, recheck_s=60, tick_s=0.01)
    running.start()
    yield running
    await running.stop()


async def opened(hub: Hub, browser: Browser, *channels: str, seen: dict[str, int] | None = None) -> Any:
    mailbox = await hub.open([parse(name) for name in channels], seen or {})
    ready: asyncio.Future[Stream] = asyncio.get_running_loop().create_future()

    async def serve() -> str:
        stream = Stream(Grant(user="1", channels=channels), hub, mailbox, browser.send, heartbeat_s=15)
        ready.set_result(stream)
        return await stream.run(browser.receive)

    task = asyncio.create_task(serve())
    return await ready, task


def running(**values: Any) -> Snapshot:
    return Snapshot(task=TASK, job="j", attempt=1, state=State.RUNNING, **values)


def line(text: str) -> LogEntry:
    return LogEntry(task=TASK, text=text, ts=1.0)


async def test_opens_with_retry_and_stream_open_then_the_present_snapshot(hub: Hub, backend: MemoryBackend) -> None:
    backend.publish(running(percent=42.0))
    browser = Browser()
    _stream, task = await opened(hub, browser, STATE)
    await browser.until(lambda: "progress" in browser.events)
    assert browser.text.startswith("retry: ")
    assert browser.events == ["stream-open", "progress"]
    assert '"percent":42.0' in browser.text
    browser.gone.set()
    assert await task == "disconnected"


async def test_ends_by_itself_after_complete_and_names_the_end_in_its_id(hub: Hub, backend: MemoryBackend) -> None:
    browser = Browser()
    _stream, task = await opened(hub, browser, STATE, LOG)
    pos = backend.publish(Snapshot(task=TASK, attempt=1, state=State.SUCCEEDED), [line("done")]).pos
    assert await asyncio.wait_for(task, WITHIN_S) == "finished"
    assert browser.events[-1] == "complete"
    assert f"task-{TASK}:{pos}" in browser.text.rpartition("id: ")[2]


async def test_an_end_found_while_the_log_is_behind_carries_its_position_only_after_the_log(
    hub: Hub, backend: MemoryBackend
) -> None:
    backend.publish(Snapshot(task=TASK, attempt=1, state=State.FAILED), [line("one"), line("two")])
    browser = Browser()
    _stream, task = await opened(hub, browser, STATE, LOG)
    assert await asyncio.wait_for(task, WITHIN_S) == "finished"
    assert browser.events == ["stream-open", "complete", "log", "log", "complete"]
    before, _, _last = browser.text.rpartition("event: complete")
    assert f"{STATE}:" not in before.replace(f"{LOG}:", "")


async def test_goes_on_from_the_position_that_was_brought_back(hub: Hub, backend: MemoryBackend) -> None:
    backend.publish(running(), [line("one"), line("two"), line("three")])
    first = backend.replay(LOG, None, 10)[0].pos
    browser = Browser()
    await opened(hub, browser, LOG, seen={LOG: first})
    await browser.until(lambda: browser.events.count("log") == 2)
    assert "one" not in browser.text


async def test_a_position_that_is_not_kept_is_told_and_the_log_begins_again(hub: Hub, backend: MemoryBackend) -> None:
    backend.publish(running(), [line("one")])
    browser = Browser()
    await opened(hub, browser, LOG, seen={LOG: 5})
    await browser.until(lambda: "log" in browser.events)
    assert browser.events == ["stream-open", "stream-reset", "log"]
    told = next(part for part in browser.text.split("\n\n") if "stream-reset" in part)
    assert json.loads(told.rpartition("data: ")[2])["channels"] == [LOG]


async def test_a_reset_is_json_whatever_the_channel_is_called(hub: Hub, backend: MemoryBackend) -> None:
    name = 'a"\\b'
    backend.append(name, "item", b"{}")
    browser = Browser()
    await opened(hub, browser, name, seen={name: 5})
    await browser.until(lambda: "stream-reset" in browser.events)
    told = next(part for part in browser.text.split("\n\n") if "stream-reset" in part)
    assert json.loads(told.rpartition("data: ")[2])["channels"] == [name]


async def test_a_server_that_raises_on_a_write_to_nobody_ends_the_stream_quietly(hub: Hub) -> None:
    browser = Browser()
    stream, task = await opened(hub, browser, STATE)
    await browser.until(lambda: "stream-open" in browser.events)

    async def broken_pipe(_message: Any) -> None:
        raise BrokenPipeError

    stream._send = broken_pipe
    stream.heartbeat()
    assert await asyncio.wait_for(task, WITHIN_S) == "disconnected"


async def test_a_heartbeat_is_a_comment(hub: Hub) -> None:
    browser = Browser()
    stream, _task = await opened(hub, browser, STATE)
    await browser.until(lambda: "stream-open" in browser.events)
    stream.heartbeat()
    await browser.until(lambda: browser.text.endswith(": heartbeat\n\n"))


async def test_a_stream_that_takes_nothing_is_cut(hub: Hub, backend: MemoryBackend) -> None:
    browser = Browser()
    stream, task = await opened(hub, browser, STATE)
    await browser.until(lambda: "stream-open" in browser.events)
    browser.stalled = True
    backend.publish(running())
    async with asyncio.timeout(WITHIN_S):
        while stream.send_began_s is None:
            await asyncio.sleep(0)
    stream.cut("stalled")
    assert await task == "stalled"


async def test_while_draining_a_disconnect_of_the_server_does_not_end_it_and_the_last_word_is_a_retry(hub: Hub) -> None:
    browser = Browser()
    stream, task = await opened(hub, browser, STATE)
    await browser.until(lambda: "stream-open" in browser.events)
    stream.draining = True
    browser.gone.set()
    await asyncio.sleep(0)
    assert not task.done()
    stream.mailbox.end("drained")
    assert await task == "drained"
    assert browser.text.rstrip().rpartition("\n")[2].startswith("retry: ")
