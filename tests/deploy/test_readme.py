"""What the README tells operators to type or to configure, with a real curl and a real nginx."""

import json
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.models import User

from tests.conftest import PASSWORD
from tests.documents import README
from tests.environment import free_port
from tests.integration.conftest import DEADLINE_S, Person
from tests.processes import Service, until
from tests.stack import Stack

pytestmark = pytest.mark.deploy

CURL_WITHIN_S = 60
FOUR_MB = 4 * 2**20


def installed(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert path, f"{name} is not installed: apt-get install {name}"
    return path


@pytest.fixture
def person(staff: User, live: Stack) -> Iterator[Person]:
    """Staff at the session's server."""
    person = Person(live.url, staff)
    yield person
    person.http.close()


def test_the_lines_for_curl_print_a_task_to_its_end(person: Person, live: Stack, staff: User, tmp_path: Path) -> None:
    (block,) = [block for block in README.blocks("sh") if "curl" in block.code]
    assert installed("curl")
    first, _, lines = block.code.partition("\n")
    assert re.findall(r"(\w+)=", first) == ["HEADWAY", "PASSWORD", "TASK"]
    shown = tmp_path / "shown"
    with live.worker.service.frozen(), shown.open("wb") as out:  # the task begins when one looks
        given = {"HEADWAY": live.url, "PASSWORD": PASSWORD, "TASK": person.start(seconds=1)}
        typed = ["sh", "-eu", "-c", lines.replace("username=admin", f"username={staff.get_username()}")]
        curl = subprocess.Popen(typed, env=os.environ | given, cwd=tmp_path, stdout=out)
        until(lambda: "event: stream-open" in shown.read_text(), what="curl's first event")
    assert curl.wait(CURL_WITHIN_S) == 0
    told = shown.read_text()
    events = re.findall(r"^event: (\S+)$", told, re.MULTILINE)
    assert (events[0], events[-1]) == ("stream-open", "complete")
    assert {"progress", "log"} <= set(events)


# nginx, configured as the README says


class Nginx:
    """The README's server block in front of a web server; TLS is left out."""

    def __init__(self, upstream: str, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        (block,) = README.blocks("nginx")
        server = re.sub(r"^ *ssl_\w+ .*\n", "", block.code, flags=re.MULTILINE)
        server = server.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port};")
        server = server.replace("http://127.0.0.1:8000", upstream)
        self.log = folder / "access.log"
        places = "".join(
            f"{name}_temp_path {folder / name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        me = pwd.getpwuid(os.geteuid()).pw_name  # its workers write into our folder
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"daemon off; user {me}; pid {folder / 'nginx.pid'}; error_log {folder / 'error.log'};\n"
            f"events {{}}\nhttp {{ gzip on; gzip_types *; access_log {self.log};\n{places}{server}}}\n"
        )
        self.service = Service("nginx", [installed("nginx"), "-p", str(folder), "-c", str(configuration)])

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/", timeout=DEADLINE_S).is_success
        except httpx.HTTPError:
            return False


@pytest.fixture
def nginx(live: Stack, tmp_path: Path) -> Iterator[Nginx]:
    """Start nginx in front of the session's server."""
    server = Nginx(live.url, tmp_path)
    server.service.start(server.answers)
    yield server
    server.service.stop()


@pytest.fixture
def visitor(staff: User, nginx: Nginx) -> Iterator[Person]:
    """Staff who come through nginx."""
    person = Person(nginx.url, staff)
    yield person
    person.http.close()


def test_events_come_through_the_proxy_as_they_happen(visitor: Person, live: Stack) -> None:
    with ExitStack() as opened:
        with live.worker.service.frozen():  # the task begins when one looks
            events = opened.enter_context(visitor.events(f"task-{visitor.start(seconds=2)}"))
            events.until("stream-open")
        percents = [json.loads(event["data"])["percent"] for event in events if event.get("event") == "progress"]
    assert len({percent for percent in percents if percent}) >= 3
    assert events.names[-1] == "complete"


def test_the_proxy_takes_uploads_over_its_own_default(visitor: Person) -> None:
    page = visitor.http.get("/jobs/profile_csv/").text
    csrf = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    answer = visitor.http.post(
        "/jobs/profile_csv/",
        data={"csrfmiddlewaretoken": csrf},
        files={"upload": ("a.csv", b"a,b\n1,2\n" * (FOUR_MB // 8))},
    )
    assert answer.status_code == httpx.codes.FOUND


def test_tokens_do_not_get_into_the_proxys_log(visitor: Person, nginx: Nginx) -> None:
    refused = httpx.get(f"{nginx.url}/events/?token=secret-token", timeout=DEADLINE_S)
    assert refused.status_code == httpx.codes.UNAUTHORIZED
    nginx.service.stop()  # then its log is written
    told = nginx.log.read_text()
    assert "/health/" in told
    assert "secret-token" not in told
