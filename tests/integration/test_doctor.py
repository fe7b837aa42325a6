"""The doctor with the real things: all is well, a proxy that holds events back is named, and so is who is away."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tasks_app import doctor
from tests.environment import free_port
from tests.integration.nginx import nginx
from tests.processes import until
from tests.stack import Stack, Valkey

pytestmark = pytest.mark.long


def stubborn(upstream: int) -> str:
    """What it takes to defeat the stream's own headers, as lines of an nginx that buffers and compresses."""
    defeated = "proxy_ignore_headers X-Accel-Buffering; proxy_hide_header Content-Encoding;"
    return f"location /events/ {{ proxy_pass http://127.0.0.1:{upstream}; {defeated} }}"


@pytest.fixture
def beat(transactional_db: None) -> None:
    """Beat has just sent a round of maintenance."""
    often, _ = IntervalSchedule.objects.get_or_create(every=15, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.create(name="maintain", task="tasks_app.maintain", interval=often, last_run_at=timezone.now())


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, list[str]]:
    """The exit status of the command, and its lines."""
    with pytest.raises(SystemExit) as left:
        call_command("doctor", *arguments)
    return left.value.code, capsys.readouterr().out.splitlines()


def failed(lines: list[str]) -> set[str]:
    return {line.split()[1].rstrip(":") for line in lines if line.startswith("fail")}


@pytest.mark.usefixtures("beat")
def test_where_all_is_well_every_check_says_so(live: Stack, staff: User, capsys: pytest.CaptureFixture[str]) -> None:
    reports: list[list[str]] = []

    def is_well() -> bool:
        # Another test may have restarted Redis a moment ago, and the worker may not be back yet.
        status, lines = told(capsys, "--url", live.url)
        reports.append(lines)
        return status == 0

    until(is_well, what="a report without a fault")
    lines = reports[-1]
    assert {line[:4].strip() for line in lines if not line.startswith(" ")} == {"ok"}, lines
    assert any(line.startswith("ok    buffering: Events arrive one by one") for line in lines)


@pytest.mark.parametrize(
    ("ago", "told"),
    [
        (timedelta(seconds=3), "the first round of maintenance is due within"),
        (timedelta(minutes=5), "Maintenance was never asked for."),
    ],
)
def test_before_the_first_round_of_maintenance_the_doctor_says_when_it_is_due(
    transactional_db: None, ago: timedelta, told: str
) -> None:
    often = IntervalSchedule.objects.create(every=15, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.create(name="maintain", task="tasks_app.maintain", interval=often)
    PeriodicTask.objects.update(date_changed=timezone.now() - ago)
    found = {finding.check: finding.text for finding in doctor.installation()}
    assert told in found["maintenance"]


@pytest.mark.deploy
def test_a_proxy_that_buffers_and_compresses_is_named(
    live: Stack, staff: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with nginx(tmp_path, live.web.port, stubborn(live.web.port)) as url:

        def is_named() -> bool:
            status, lines = told(capsys, "--url", url, "--user", staff.username)
            return status == 1 and "buffering" in failed(lines)

        until(is_named, what="the buffering proxy, named")


@pytest.mark.deploy
def test_a_proxy_that_cuts_quiet_streams_is_named(
    live: Stack, staff: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports: list[list[str]] = []

    def is_named_alone() -> bool:
        status, lines = told(capsys, "--url", url, "--user", staff.username, "--long")
        reports.append(lines)
        return status == 1 and failed(lines) & {"idle", "buffering"} == {"idle"}

    with nginx(tmp_path, live.web.port, "proxy_read_timeout 3s;") as url:
        until(is_named_alone, what="the proxy that cuts, named")
    assert any("proxy_read_timeout" in line for line in reports[-1]), "the remedy"


def test_a_server_that_is_not_there_is_named(live: Stack, staff: User, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = told(capsys, "--url", f"http://127.0.0.1:{free_port()}")
    assert (status, failed(lines)) == (1, {"stream"}), lines


def test_without_redis_and_worker_both_are_named(
    stack: Stack, valkey: Valkey, staff: User, capsys: pytest.CaptureFixture[str]
) -> None:
    valkey.stop()
    try:
        status, lines = told(capsys, "--url", stack.url)
    finally:
        valkey.start()
    assert (status, failed(lines)) == (1, {"redis", "worker"}), lines


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize("arguments", [("--url", "localhost:8000"), ("--user", "nobody")])
def test_what_cannot_be_examined_says_what_is_expected(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="expected"):
        call_command("doctor", *arguments)
