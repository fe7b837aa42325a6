"""What can happen to a stream on its way, with real servers: no end is lost, positions only rise, memory is bounded."""

import json
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User

from progress_app import conf, connections, tokens
from progress_app.channels import task_channel
from progress_app.events import Snapshot, State
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.integration.conftest import Person
from tests.processes import until
from tests.stack import Stack

pytestmark = pytest.mark.long

VIEWERS = 1_000
RACES = 100


@pytest.fixture
def task(staff: User) -> Task:
    return TaskFactory.create(owner=staff, running=True)


@pytest.fixture
def ops(staff: User, stack: Stack) -> Iterator[Person]:
    person = Person(stack.url, staff)
    yield person
    person.http.close()


def report(task: Task, state: State = State.RUNNING, **values: Any) -> int:
    shown = Snapshot(task=str(task.pk), job=task.job, attempt=1, state=state, ts=time.time(), **values)
    return connections.backend().publish(shown).pos


def token(*channels: str) -> str:
    made = tokens.issue(
        connections.shelf().keep, prefix=conf.get().key_prefix, user="crowd", channels=channels, ttl_s=60
    )
    return f"/events/?token={made}"


def memory_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_redis_that_lost_its_data_gives_higher_positions_and_the_end_arrives(
    ops: Person, stack: Stack, task: Task
) -> None:
    before = report(task, percent=10.0)
    with ops.events(f"task-{task.pk}") as events:
        events.until("progress")
        with stack.valkey.client() as client:
            client.flushall()
        time_has_passed(before)
        report(task, percent=20.0)
        report(task, State.SUCCEEDED, percent=100.0)
        events.until("complete")
    positions = [json.loads(e["data"])["pos"] for e in events.seen if e.get("event") in ("progress", "complete")]
    assert positions == sorted(set(positions))


def time_has_passed(position: int) -> None:
    """A position is made of the second: wait for one that is higher than any that was given."""
    until(lambda: int(time.time()) << 20 > position, what="the next second")


def test_redis_that_is_paused_ends_no_stream_and_loses_no_end(ops: Person, stack: Stack, task: Task) -> None:
    report(task)
    with ops.events(f"task-{task.pk}") as events:
        events.until("progress")
        stack.valkey.service.send(signal.SIGSTOP)
        threading.Timer(3.0, lambda: stack.valkey.service.send(signal.SIGCONT)).start()
        until(lambda: ends(task), what="the end taken by Redis")
        events.until("complete")


def ends(task: Task) -> bool:
    try:
        report(task, State.SUCCEEDED)
    except Exception:  # noqa: BLE001  (whatever a paused Redis makes of it, it is tried again)
        return False
    return True


def test_a_viewer_that_reads_nothing_is_let_go_and_costs_little(ops: Person, stack: Stack, task: Task) -> None:
    report(task)
    deaf = socket.create_connection(("127.0.0.1", stack.web.port))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    deaf.sendall(f"GET {token(f'task-{task.pk}')} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    before = memory_kib(stack.web.service.pid)
    said = "cause stalled"

    def is_let_go() -> bool:
        for _ in range(20):
            report(task, message="x" * 400)
        return said in stack.web.service.text()

    until(is_let_go, what="the stalled viewer's end")
    assert memory_kib(stack.web.service.pid) - before < 16_384
    deaf.close()


def test_one_user_cannot_open_a_thousand_streams(ops: Person, stack: Stack, task: Task) -> None:
    report(task)
    before_kib = memory_kib(stack.web.service.pid)
    opened = [open_stream(stack.web.port, token(f"task-{task.pk}")) for _ in range(1_000)]
    statuses = [int(stream.recv(15).split()[1]) for stream in opened]
    assert statuses.count(200) == conf.get().max_streams_per_user
    assert set(statuses) == {200, 503}
    assert memory_kib(stack.web.service.pid) - before_kib < 16_384
    report(task, State.SUCCEEDED)
    read_until(opened[statuses.index(200)], b"event: complete")
    for stream in opened:
        stream.close()


def open_stream(port: int, path: str) -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", port), timeout=20)
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return stream


def test_a_web_server_that_is_killed_under_its_viewers_has_them_back(ops: Person, stack: Stack, staff: User) -> None:
    tasks = TaskFactory.create_batch(10, owner=staff, running=True)
    for each in tasks:
        report(each)
    for _ in range(2):
        names = [task_channel(tasks[i % 10].pk) for i in range(VIEWERS)]
        streams = arrived(stack.web.port, names)
        stack.web.service.kill()
        for stream in streams:
            stream.close()
        stack.web.start()
    streams = arrived(stack.web.port, names)
    for each in tasks:
        report(each, State.SUCCEEDED)
    for stream in streams:
        read_until(stream, b"event: complete")
        stream.close()


def arrived(port: int, names: list[str]) -> list[socket.socket]:
    """Everybody's stream, with its first snapshot; all come at once, and who is told to come later does."""
    streams = [open_stream(port, url) for url in crowd(names)]
    for number, name in enumerate(names):
        while int(streams[number].recv(15).split()[1]) == httpx.codes.SERVICE_UNAVAILABLE:
            streams[number].close()
            streams[number] = open_stream(port, crowd([name], f"again-{number}")[0])
        read_until(streams[number], b"event: progress")
    return streams


def crowd(names: list[str], who: str = "crowd") -> list[str]:
    """A token a viewer, of as many users as the limit asks for."""
    keep, prefix = connections.shelf().keep, conf.get().key_prefix
    made = [
        tokens.issue(keep, prefix=prefix, user=f"{who}-{i // 10}", channels=[name], ttl_s=60)
        for i, name in enumerate(names)
    ]
    return [f"/events/?token={each}" for each in made]


def read_until(stream: socket.socket, wanted: bytes) -> None:
    seen = b""
    while wanted not in seen:
        chunk = stream.recv(65_536)
        assert chunk, seen[-300:]
        seen = seen[-100:] + chunk


def test_of_two_clients_that_race_with_a_token_one_wins_each_time_also_under_load(stack: Stack, task: Task) -> None:
    names = [task_channel(task.pk)] * VIEWERS
    report(task)
    crowd_of = [open_stream(stack.web.port, url) for url in crowd(names[:100])]
    with busy(task), ThreadPoolExecutor(2) as pool:
        for url in crowd(names[:RACES], "racer"):
            racers = list(pool.map(partial(open_stream, stack.web.port), [url, url]))
            statuses = sorted(int(racer.recv(15).split()[1]) for racer in racers)
            for racer in racers:
                racer.close()
            assert statuses == [200, 401]
    report(task, State.SUCCEEDED)
    for stream in crowd_of:
        read_until(stream, b"event: complete")
        stream.close()


@contextmanager
def busy(task: Task) -> Iterator[None]:
    """Report 200 times a second at most."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(0.005):
            report(task)

    reporter = threading.Thread(target=go_on)
    reporter.start()
    try:
        yield
    finally:
        over.set()
        reporter.join()


@pytest.mark.parametrize("count", [51, 1_000])
def test_too_many_channels_in_one_request_are_400(ops: Person, count: int) -> None:
    query = "&".join(f"channel=task-6f0c1111-2222-3333-4444-{i:012d}" for i in range(count))
    assert ops.http.get(f"/events/?{query}").status_code == 400


def test_line_breaks_and_garbage_in_a_request_forge_no_line_of_the_log(ops: Person, stack: Stack, task: Task) -> None:
    chance = random.Random(4)  # noqa: S311  (the same garbage each time)
    for name in ("channel", "token", "lastEventId", "transport"):
        for value in ("%0AFORGED", "%0D%0AFORGED", "%E2%80%A8FORGED", "%C2%85FORGED", "%00", "%FF%FE"):
            send_raw(stack.web.port, f"GET /events/?{name}={value}".encode())
    for _ in range(200):
        send_raw(stack.web.port, b"GET /events/?" + visible(chance, 80), b"Last-Event-ID: " + visible(chance, 80))
        send_raw(stack.web.port, chance.randbytes(100))
    report(task)
    with ops.events(f"task-{task.pk}") as events:
        events.until("progress")
        report(task, State.SUCCEEDED)
        events.until("complete")
    text = stack.web.service.text()
    assert not [line for line in text.splitlines() if line.lstrip().startswith("FORGED")]
    assert "Traceback" not in text


def visible(chance: random.Random, length: int) -> bytes:
    """Bytes that a server lets through in a target or a header, at random."""
    return bytes(byte for byte in chance.randbytes(length) if byte > ord(" ") and byte != 0x7F)


def send_raw(port: int, *lines: bytes) -> None:
    """Send a request as it is, and read the beginning of whatever comes back."""
    first, *more = lines
    head = [first + b" HTTP/1.1", b"Host: 127.0.0.1", *more, b"", b""]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, suppress(ConnectionError):
        connection.sendall(b"\r\n".join(head))
        connection.recv(4_096)
