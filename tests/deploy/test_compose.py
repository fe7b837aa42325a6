"""docker-compose.yml without an engine: each service's command and health check runs as a process.

What is read from the file is used word by word; only the addresses of Redis, PostgreSQL and the port are this
machine's. That images build and containers find each other is not shown here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from config.places import BASE
from config.valkey import find_server
from tests.environment import free_port
from tests.integration.conftest import DEADLINE_S
from tests.postgresql import program
from tests.processes import Service, until
from tests.stack import Valkey

pytestmark = pytest.mark.deploy

BIN = Path(sys.executable).parent
SECRETS = {"SECRET_KEY": "s" * 50, "POSTGRES_PASSWORD": "letters1", "HEADWAY_ADMIN_PASSWORD": "given by us"}
OURS = ("migrate", "web", "worker", "long", "urgent", "maintenance", "beat")
LONG_RUNNING = OURS[1:]


def read_compose() -> dict[str, Any]:
    """Return the file as Compose itself understands it, with variables and anchors resolved."""
    told = subprocess.run(
        [BIN / "docker-compose", "-f", BASE / "docker-compose.yml", "config", "--format", "json"],
        env=os.environ | SECRETS,
        check=True,
        capture_output=True,
    )
    services: dict[str, Any] = json.loads(told.stdout)["services"]
    return services


SERVICES = read_compose()


@dataclass(frozen=True)
class Machine:
    """What the containers' network would give: the services' environment with addresses of this machine."""

    places: dict[str, str]
    port: int

    def environment(self, service: str) -> dict[str, str]:
        given: dict[str, str] = SERVICES[service]["environment"]
        return given | self.places

    def run(self, service: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=os.environ | self.environment(service),
            cwd=BASE,
            check=False,
            capture_output=True,
            text=True,
        )

    def is_healthy(self, service: str) -> bool:
        kind, *command = SERVICES[service]["healthcheck"]["test"]
        assert kind == "CMD"
        return self.run(service, command).returncode == 0


@pytest.fixture(scope="module")
def machine(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Start a Redis of its own beside PostgreSQL, and do what the Dockerfile does with the static files."""
    var = tmp_path_factory.mktemp("var")
    redis_port, web_port = free_port(), free_port()
    own = Valkey(redis_port, var / "redis")
    own.start()
    places = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HEADWAY_VAR": str(var),
        "REDIS_URL": own.url,
        "DATABASE_URL": postgresql,
        "UVICORN_HOST": "127.0.0.1",
        "UVICORN_PORT": str(web_port),
    }
    machine = Machine(places, web_port)
    assert machine.run("web", ["python", "manage.py", "collectstatic", "--noinput"]).returncode == 0
    yield machine
    own.stop()


@pytest.fixture(scope="module")
def running(machine: Machine) -> Iterator[Machine]:
    """Run migrate to its end, then start the services that stay."""
    migrated = machine.run("migrate", SERVICES["migrate"]["command"])
    assert migrated.returncode == 0, migrated.stderr
    started = []
    for name in LONG_RUNNING:
        service = Service(f"compose-{name}", SERVICES[name]["command"], machine.environment(name))
        service.start(lambda: True)
        started.append(service)
    yield machine
    for service in started:
        service.stop()


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_a_started_service_becomes_healthy(running: Machine, service: str) -> None:
    until(lambda: running.is_healthy(service), what=f"health of {service}")


def test_the_admin_of_the_migrate_service_can_log_in(running: Machine) -> None:
    until(lambda: running.is_healthy("web"), what="health of web")
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", timeout=DEADLINE_S) as client:
        client.get("/login/")
        answer = client.post(
            "/login/",
            data={
                "username": "admin",
                "password": SECRETS["HEADWAY_ADMIN_PASSWORD"],
                "csrfmiddlewaretoken": client.cookies["csrftoken"],
            },
        )
    assert answer.status_code == httpx.codes.FOUND


def test_postgresqls_health_check_finds_the_database(machine: Machine, postgresql: str) -> None:
    address = urlsplit(postgresql)
    kind, name, *rest = SERVICES["postgres"]["healthcheck"]["test"]
    where = {"PGHOST": str(address.hostname), "PGPORT": str(address.port)}
    assert kind == "CMD"
    assert subprocess.run([program(name), *rest], env=os.environ | where, check=False).returncode == 0


def test_valkeys_command_is_understood(tmp_path: Path) -> None:
    name, *options = SERVICES["valkey"]["command"]
    assert name == "valkey-server"
    port = free_port()
    server = Valkey(port, tmp_path)
    server.service.command = [find_server().path, *options, "--port", str(port), "--dir", str(tmp_path)]
    server.start()
    with server.client() as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
    server.stop()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_healed_and_not_bound_to_one_container(service: str) -> None:
    about = SERVICES[service]
    assert about["restart"] == ("no" if service == "migrate" else "unless-stopped")
    assert "container_name" not in about
    assert "healthcheck" in about or service == "migrate"


def test_web_and_workers_share_the_media() -> None:
    targets = {name: [mount["target"] for mount in SERVICES[name]["volumes"]] for name in ("web", "worker")}
    assert targets["web"] == targets["worker"] == ["/var/lib/headway/media"]


def test_the_image_runs_as_nobody_special() -> None:
    lines = (BASE / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER headway"]
