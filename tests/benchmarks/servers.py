"""The servers that are measured side by side: ours and its peers, each started, published to and looked at alike."""

import http.client
import json
import os
import signal
import socket
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import redis
from django.contrib.auth.models import User
from django.test import Client

from progress_app import conf, connections, tokens
from progress_app.backends.base import Answer
from progress_app.channels import task_channel
from progress_app.events import Snapshot
from tasks_app.models import Task
from tests.environment import RUN, free_port
from tests.processes import Service
from tests.stack import Valkey

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
PYTHONPATH = f"{HERE / 'peers'}{os.pathsep}{HERE.parent.parent}"


def task_id(number: int) -> str:
    """The task of channel `number`."""
    return str(uuid.UUID(int=number + (1 << 100)))


class Server:
    """A server that streams channels, which are numbered from 0."""

    name: ClassVar[str]

    def __init__(self, valkey: Valkey) -> None:
        self.valkey = valkey
        self.port = free_port()
        self.redis = valkey.client()
        self.service = Service(f"benchmark-{self.name.split()[0]}", self.command(), self.environment())

    def command(self) -> list[str]:
        """How it is started."""
        options = ["--port", str(self.port), "--log-level", "error", "--no-access-log", "--backlog", "8192"]
        return [sys.executable, "-m", "uvicorn", self.application(), *options]

    def application(self) -> str:
        """The ASGI application."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What is laid over the suite's environment."""
        return {"PYTHONPATH": PYTHONPATH, "BENCHMARK_REDIS_PORT": str(self.valkey.port)}

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self.service.start(self._listens)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it."""
        self.service.stop(signal.SIGTERM, within_s=15)

    def paths(self, streams: int, channels: int) -> list[str]:
        """What a crowd asks for: stream i watches channel i modulo `channels`."""
        raise NotImplementedError

    def session_paths(self) -> list[str]:
        """What somebody with a session asks for: channel 0."""
        raise NotImplementedError

    def publish(self, channel: int, snapshot: Snapshot) -> Answer | None:
        """Send a snapshot on a channel as the server's users would."""
        raise NotImplementedError

    def cpu_s(self) -> float:
        """Processor time that it has used, in seconds."""
        return sum(_cpu_s(pid) for pid in _family(self.service.pid))

    def memory_kib(self) -> int:
        """Memory that it holds; what processes share is counted in parts."""
        return sum(_pss_kib(pid) for pid in _family(self.service.pid))

    def threads(self) -> int:
        """How many threads it has."""
        return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in _family(self.service.pid))


class Ours(Server):
    """The project as `up` starts it; a viewer has a token, or with `sessions` a session."""

    name = "headway"
    sessions = False

    def application(self) -> str:
        return "config.asgi:application"

    def environment(self) -> dict[str, str]:
        most = {"PROGRESS_MAX_STREAMS": "100000", "PROGRESS_MAX_STREAMS_PER_USER": "100000"}
        most["PROGRESS_ACCESS_RECHECK_S"] = "3600"  # the crowd's user does not exist, and would be sent away
        return {"LOG_LEVEL": "ERROR", "PROGRESS_TOKEN_TTL_S": "600", "PROGRESS_AUTHORIZE_QUEUE": "100000", **most}

    def paths(self, streams: int, channels: int) -> list[str]:
        """Tokens are single-use: a path a stream."""
        return [f"/events/?token={self.token([task_channel(task_id(i % channels))])}" for i in range(streams)]

    def session_paths(self) -> list[str]:
        return [f"/events/?channel={task_channel(shared_task())}"]

    def poll(self) -> tuple[str, dict[str, str]]:
        """What is polled, and the headers of who polls; the state is known to them."""
        headers = {"Cookie": logged_in().removeprefix("Cookie: "), "If-None-Match": "*"}
        return f"/tasks/{shared_task()}/snapshot/", headers

    def token(self, names: Sequence[str]) -> str:
        """A token for these channels."""
        store = connections.shelf().keep
        return tokens.issue(store, prefix=conf.get().key_prefix, user=1, channels=names, ttl_s=600)

    def publish(self, channel: int, snapshot: Snapshot) -> Answer | None:
        return connections.backend().publish(snapshot)


class Stock(Server):
    """django-eventstream with its own view and listener."""

    name = "stock django-eventstream"

    def application(self) -> str:
        return "stock:application"

    def paths(self, streams: int, channels: int) -> list[str]:
        return [f"/events/{task_channel(task_id(i))}/" for i in range(channels)]

    def publish(self, channel: int, snapshot: Snapshot) -> Answer | None:
        """What its `send_event` publishes."""
        told = {"event_type": snapshot.event, "data": snapshot.to_json().decode(), "pub_id": None}
        self.redis.publish("events_channel", json.dumps({"channel": task_channel(task_id(channel)), **told}))
        return None


class StockWithSessions(Stock):
    """The same view in our project: its middleware, its sessions, its question who may read."""

    def application(self) -> str:
        return "stock_sessions:application"

    def session_paths(self) -> list[str]:
        return [f"/stock/?channel={task_channel(shared_task())}"]


class Bare(Server):
    """A hub of forty lines under the same server."""

    name = "bare uvicorn"

    def application(self) -> str:
        return "bare:application"

    def paths(self, streams: int, channels: int) -> list[str]:
        return [f"/{i}" for i in range(channels)]

    def publish(self, channel: int, snapshot: Snapshot) -> Answer | None:
        self.redis.publish(f"bare:{channel}", snapshot.to_json())
        return None


class Nchan(Server):
    """nginx with nchan, all in C."""

    name = "nchan (C, in nginx)"

    def command(self) -> list[str]:
        folder = RUN / "nchan"
        folder.mkdir(exist_ok=True)
        file = folder / "nginx.conf"
        file.write_text((HERE / "peers" / "nchan.conf").read_text().replace("@port@", str(self.port)))
        self._http: http.client.HTTPConnection | None = None
        return ["nginx", "-p", str(folder), "-c", str(file)]

    def paths(self, streams: int, channels: int) -> list[str]:
        return [f"/{i}" for i in range(channels)]

    def publish(self, channel: int, snapshot: Snapshot) -> Answer | None:
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = {"X-EventSource-Event": snapshot.event}
        self._http.request("POST", f"/publish/{channel}", snapshot.to_json(), headers)
        self._http.getresponse().read()
        return None


class Polled(Server):
    """celery-progress, which is polled."""

    name = "celery-progress"

    def application(self) -> str:
        return "polled:application"

    def poll(self) -> tuple[str, dict[str, str]]:
        """What is polled."""
        return f"/progress/{task_id(0)}/", {}

    def publish(self, channel: int, snapshot: Snapshot) -> Answer | None:
        """The result that a Celery worker leaves."""
        result: dict[str, Any] = {
            "status": "SUCCESS",
            "result": None,
            "traceback": None,
            "children": [],
            "task_id": snapshot.task,
        }
        with redis.Redis(port=self.valkey.port, db=1) as client:
            client.set(f"celery-task-meta-{snapshot.task}", json.dumps(result))
        return None


def shared_task() -> str:
    """The task of channel 0, in the database too."""
    owner, _ = User.objects.get_or_create(username="owner")
    task, _ = Task.objects.get_or_create(pk=task_id(0), defaults={"job": "import_csv", "owner": owner})
    return str(task.pk)


def member() -> User:
    """A member of staff."""
    person, _ = User.objects.get_or_create(username="benchmark", defaults={"is_staff": True, "is_superuser": True})
    return person


def logged_in() -> str:
    """A Cookie header of theirs."""
    session = Client()
    session.force_login(member())
    return f"Cookie: sessionid={session.cookies['sessionid'].value}"


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in _family(int(child)))]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
