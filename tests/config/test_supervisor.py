"""`up` with its real processes: what it starts, says, heals and ends."""

import fcntl
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from config import broker, outside, places, supervisor
from config.places import BASE
from tasks_app import registry
from tests.environment import free_port
from tests.processes import until

PROMISED_END_S = 5.0
READY_WITHIN_S = 60.0


class Up:
    """One `up` with a var/ of its own, by which its processes are known."""

    def __init__(self, var: Path, **environment: str) -> None:
        self.var = var
        self.port = free_port()
        self.log = var.with_suffix(".log")
        clean = {name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "SECRET_KEY"}}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.supervisor", "--port", str(self.port), "--concurrency", "1"],
                env=clean | {"HEADWAY_VAR": str(var)} | environment,
                cwd=BASE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def text(self) -> str:
        return self.log.read_text()

    def wait_for(self, pattern: str) -> re.Match[str]:
        until(lambda: re.search(pattern, self.text) or self.process.poll() is not None, READY_WITHIN_S, pattern)
        found = re.search(pattern, self.text)
        assert found, self.text
        return found

    def processes(self) -> dict[int, str]:
        """Return every living process of this `up`: pid and command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self._owns(folder):
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue  # it ended while we looked
        return {pid: line for pid, line in found.items() if line}

    def _owns(self, folder: Path) -> bool:
        """Say whether a process is of this `up`: by its environment, or (Valkey wipes it) an open file."""
        if f"HEADWAY_VAR={self.var}".encode() in (folder / "environ").read_bytes().split(b"\0"):
            return True
        return any(str(file.readlink()).startswith(f"{self.var}/") for file in (folder / "fd").iterdir())

    def pid_of(self, part: str) -> int:
        return min(pid for pid, line in self.processes().items() if part in line)

    def end(self, number: signal.Signals) -> None:
        """Send the signal, and wait until no process is left."""
        self.process.send_signal(number)
        self.process.wait(READY_WITHIN_S)
        until(lambda: not self.processes(), READY_WITHIN_S, "the end of every process")


@pytest.fixture
def up(tmp_path: Path, static_files: None) -> Iterator[Up]:
    """Start `up` and wait until it is ready; the static files are those that the suite has collected."""
    shutil.copytree(places.VAR / "static", tmp_path / "var" / "static")
    started = Up(tmp_path / "var")
    try:
        started.wait_for(r"ready after [\d.]+ s")
        yield started
    finally:
        if started.process.poll() is None:
            started.end(signal.SIGTERM)


def test_the_printed_password_logs_in_and_is_printed_once(up: Up) -> None:
    password = up.wait_for(r"log in as admin with the password (\S+) \(shown only this once\)")[1]
    with httpx.Client(base_url=up.url, timeout=READY_WITHIN_S) as client:
        client.get("/login/")
        form = {"username": "admin", "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        assert client.post("/login/", data=form).status_code == httpx.codes.FOUND
    up.end(signal.SIGINT)
    again = Up(up.var, HEADWAY_ADMIN_PASSWORD="not this time")
    again.wait_for("log in as admin; if you forgot the password")
    again.end(signal.SIGTERM)
    assert again.text.count(password) == 1
    assert again.process.returncode == 0


def test_a_killed_child_is_started_again_and_said(up: Up) -> None:
    for name, part in (("web", "uvicorn"), ("valkey", "valkey-server"), ("worker", "-n worker@")):
        os.kill(up.pid_of(part), signal.SIGKILL)
        up.wait_for(rf"headway: {name} was ended by SIGKILL; it is started again in [\d.]+ s")
        up.wait_for(rf"headway: {name} runs again \(pid \d+\)")
    until(lambda: _answers(up), what="the health page after all that")


def test_a_killed_supervisor_leaves_nothing(up: Up) -> None:
    up.end(signal.SIGKILL)


def test_the_time_for_the_end_is_within_the_promise() -> None:
    """A child that does not end is killed, so that these two are all that an end can take."""
    assert supervisor.END_WITHIN_S + supervisor.REDIS_END_WITHIN_S < PROMISED_END_S


def test_what_is_secret_is_for_its_owner_alone(up: Up) -> None:
    for name in ("secret_key", "run/up.lock"):
        assert stat.S_IMODE((up.var / name).stat().st_mode) == 0o600


def test_commands_beside_it_find_its_redis(up: Up) -> None:
    url = (up.var / "run" / "redis.url").read_text()
    assert outside.refuse_redis(url) is None  # type: ignore[func-returns-value]


def test_a_taken_port_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = _up_fails("--port", str(port))
    assert ended == (
        f"Port {port} on 127.0.0.1 is taken: stop what listens there, or choose another with --port {port + 1}.\n"
    )


def test_an_unreachable_redis_is_one_line(tmp_path: Path) -> None:
    url = f"redis://:hush@127.0.0.1:{free_port()}/0"
    ended = _up_fails(REDIS_URL=url, HEADWAY_VAR=str(tmp_path))
    assert ended.startswith(f"REDIS_URL={url.replace('hush', '***')} does not answer (")
    assert ended.endswith("Start it, correct REDIS_URL, or unset it: then Headway starts its own.\n")
    assert len(ended.splitlines()) == 1


def test_an_unreachable_database_is_one_line(tmp_path: Path) -> None:
    url = f"postgres://me:hush@127.0.0.1:{free_port()}/name"
    ended = _up_fails(DATABASE_URL=url, HEADWAY_VAR=str(tmp_path), REDIS_URL="")
    assert ended.startswith(f"DATABASE_URL={url.replace('hush', '***')} cannot be opened (")
    assert "hush" not in ended
    assert ended.endswith("Start the server or correct DATABASE_URL.\n")
    assert len(ended.splitlines()) == 1


def test_a_second_up_on_the_same_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "VAR", tmp_path)
    monkeypatch.setattr(supervisor, "LOCK_WITHIN_S", 0.0)
    held = supervisor.lock()
    with pytest.raises(SystemExit, match=rf"already runs with {tmp_path}: stop that one first"):
        supervisor.lock()
    fcntl.flock(held, fcntl.LOCK_UN)
    os.close(held)
    os.close(supervisor.lock())


@pytest.mark.parametrize(
    ("version", "remedy"),
    [("Redis server v=6.2.14 sha=0", "redis 6: 7.0 or newer is needed"), ("no idea", "no version in it")],
)
def test_a_server_that_cannot_be_used_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, remedy: str
) -> None:
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SystemExit, match=remedy):
        broker.own(0, lambda _child: None)


def _answers(up: Up) -> bool:
    try:
        return httpx.get(f"{up.url}/health/", timeout=READY_WITHIN_S).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _up_fails(*arguments: str, **environment: str) -> str:
    """Run `up` on something that cannot work; return what it said."""
    ended = subprocess.run(
        [sys.executable, "manage.py", "up", *(arguments or ("--port", str(free_port())))],
        env=os.environ | environment,
        cwd=BASE,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    return ended.stdout + ended.stderr


def test_every_queue_that_a_job_names_has_a_worker_in_up_and_in_the_containers() -> None:
    named = {job.queue for job in registry.all_jobs()} | {"maintenance"}
    commands = [child.command for child in supervisor._workers(1)]
    assert {command[command.index("-Q") + 1] for command in commands if "-Q" in command} == named
    containers = (BASE / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r'"-Q", "([^"]+)"', containers)) == named
