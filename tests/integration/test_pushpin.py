"""Debian's Pushpin in front of the real server: it holds the streams, the same addresses work."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User

from progress_app import connections
from progress_app.kick import kick
from tests.environment import free_port
from tests.integration.conftest import DEADLINE_S, Person
from tests.processes import Service, until
from tests.stack import Stack, Valkey, new_stack

pytestmark = pytest.mark.deploy

KEY = "only-for-tests-" + "x" * 30
SOONER_THAN_A_RENEWAL_S = 15
SECTION = "[{}]\n{}\n"


def installed(name: str) -> str:
    path = shutil.which(name)
    assert path, f"{name} is not installed: apt-get install {name}"
    return path


class Pushpin:
    """The proxy with the daemon that it fetches through, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url, self.control = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.services: list[Service] = []

    @property
    def grip_url(self) -> str:
        return f"{self.control}?iss=pushpin&key={KEY}"

    def start(self, origin: str) -> None:
        pipes = {name: f"ipc://{self.folder}/zurl-{name}" for name in ("in", "in-stream", "out", "req")}
        fetcher = self.write(
            "zurl.conf",
            General=f"in_spec={pipes['in']}\nin_stream_spec={pipes['in-stream']}\nout_spec={pipes['out']}\n"
            f"in_req_spec={pipes['req']}\ndefpolicy=allow",
        )
        self.write("routes", text=f"* {origin.removeprefix('http://')}\n")
        proxy = self.write(
            "pushpin.conf",
            **{"global": f"include={{libdir}}/internal.conf\nrundir={self.folder}\nipc_prefix=p-"},
            runner=f"services=condure,pushpin-proxy,pushpin-handler\nhttp_port={self.url[7:]}\nlogdir={self.folder}",
            proxy=f"routesfile=routes\nsig_iss=pushpin\nsig_key={KEY}\nzurl_out_specs={pipes['in']}\n"
            f"zurl_out_stream_specs={pipes['in-stream']}\nzurl_in_specs={pipes['out']}",
            handler=f"push_in_http_addr=127.0.0.1\npush_in_http_port={self.control.rpartition(':')[2]}\n"
            + "".join(f"{name}=ipc://{self.folder}/{name}\n" for name in ("push_in_spec", "command_spec"))
            + f"push_in_sub_specs=ipc://{self.folder}/push_in_sub",
        )
        self.run("zurl", f"--config={fetcher}", ready=(self.folder / "zurl-in").exists)
        self.run("pushpin", f"--config={proxy}", ready=self.answers)

    def write(self, name: str, *, text: str = "", **sections: str) -> Path:
        path = self.folder / name
        path.write_text(text + "".join(SECTION.format(*section) for section in sections.items()))
        return path

    def run(self, name: str, option: str, ready: object) -> None:
        self.services.append(service := Service(name, [installed(name), option]))
        service.start(ready)  # type: ignore[arg-type]

    def answers(self) -> bool:
        try:
            httpx.get(f"{self.url}/health/", timeout=5)
        except httpx.HTTPError:
            return False
        return True

    def stop(self) -> None:
        for service in reversed(self.services):
            service.stop()


def holds(pushpin: Pushpin, user: User) -> bool:
    """Whether the part of the proxy that holds streams is there; requests get through before it is."""
    try:
        person = Person(pushpin.url, user)
        with person.http, person.events(f"user-{user.pk}") as events:
            return events.response.is_success
    except httpx.HTTPError:
        return False


def renewals(pushpin: Pushpin) -> int:
    return pushpin.services[0].text().count("link=next")


@pytest.fixture
def proxied(
    transactional_db: None, valkey: Valkey, _session_stack: Any, tmp_path: Path, staff: User
) -> Iterator[tuple[Stack, Pushpin]]:
    """Start a worker and a web that know the proxy, and the proxy; the session's worker, which does not, sleeps."""
    _session_stack.asleep()
    valkey.empty()
    folder = Path(os.path.realpath(tmp_path))
    pushpin = Pushpin(folder)
    stack = new_stack(valkey, "grip", {"GRIP_URL": pushpin.grip_url})
    try:
        # A worker that finds no proxy to publish to would pause, and the longer the later the proxy comes.
        pushpin.start(stack.url)
        stack.start()
        until(lambda: holds(pushpin, staff), what="the proxy to hold a stream")
        yield stack, pushpin
    finally:
        pushpin.stop()
        stack.stop()


def test_a_viewer_through_the_proxy_sees_the_present_state_the_progress_and_the_end(
    proxied: tuple[Stack, Pushpin], staff: User
) -> None:
    _, pushpin = proxied
    person = Person(pushpin.url, staff)
    task = person.start(seconds=8, steps=80)
    until(lambda: person.http.get(f"/tasks/{task}/snapshot/").json()["percent"], what="some progress")
    with person.events(f"task-{task}", f"task-{task}.log") as events:
        assert events.response.status_code == 200
        assert json.loads(events.until("progress")["data"])["percent"] > 0
        assert json.loads(events.until("complete")["data"])["state"] == "succeeded"
    positions = [json.loads(e["data"])["pos"] for e in events.seen if e.get("event") in {"progress", "complete"}]
    assert max(positions) == positions[-1]
    assert len(positions) > 3
    assert "log" in events.names
    assert renewals(pushpin) < len(positions) / 2, "the proxy asked again instead of passing on what was published"
    with person.events(f"task-{task}") as late:
        assert json.loads(late.until("complete")["data"])["state"] == "succeeded"
    person.http.close()


def test_a_forged_signature_gets_an_ordinary_stream_and_who_may_not_read_the_refusal(
    proxied: tuple[Stack, Pushpin], staff: User, stranger: User
) -> None:
    stack, pushpin = proxied
    person, other = Person(stack.url, staff), Person(pushpin.url, stranger)
    task = person.start(seconds=0.2)
    person.http.headers["Grip-Sig"] = "forged"
    with person.events(f"task-{task}") as events:
        assert "grip-hold" not in events.response.headers
        events.until("complete")
    assert other.http.get("/events/", params={"channel": f"task-{task}"}).status_code == 403
    anybody = httpx.get(f"{pushpin.url}/events/", params={"channel": f"task-{task}"}, timeout=DEADLINE_S)
    assert anybody.status_code == 401
    person.http.close()
    other.http.close()


@pytest.mark.parametrize("everybody", [False, True])
def test_a_kick_ends_what_the_proxy_holds_and_who_may_no_longer_watch_is_refused(
    proxied: tuple[Stack, Pushpin], staff: User, stranger: User, everybody: bool, settings: Any
) -> None:
    _, pushpin = proxied
    settings.PROGRESS_GRIP_URL = pushpin.grip_url
    person, other = Person(pushpin.url, staff), Person(pushpin.url, stranger)
    person.http.timeout = other.http.timeout = httpx.Timeout(SOONER_THAN_A_RENEWAL_S)
    names = (f"user-{staff.pk}", f"user-{stranger.pk}")
    with person.events(names[0]) as events, other.events(names[1]) as others:
        events.until("stream-open")
        others.until("stream-open")
        staff.is_active = False
        staff.save()
        if everybody:
            kick(None)
        list(events if not everybody else others)
    assert person.http.get("/events/", params={"channel": names[0]}).status_code == 401
    with other.events(names[1]) as again:
        assert again.response.status_code == 200
    connections.close()
    person.http.close()
    other.http.close()
