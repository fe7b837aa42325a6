"""Settings as a fresh process reads them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.places import BASE


def read(expression: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"from config import settings as s; print({expression})"],
        env=os.environ | environment,
        cwd=BASE,
        check=False,
        capture_output=True,
        text=True,
    )


def test_an_apps_tunable_comes_from_the_variable_of_its_name() -> None:
    assert read("s.PROGRESS_DRAIN_S", PROGRESS_DRAIN_S="2.5").stdout == "2.5\n"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PROGRESS_DRAIN_S", "-1", "PROGRESS_DRAIN_S=-1: expected seconds ≥ 0; leave it unset for the default 10.0."),
        ("TASKS_PAGE_SIZE", "0", "TASKS_PAGE_SIZE=0: expected a whole number ≥ 1; leave it unset for the default 25."),
        ("DEBUG", "perhaps", "DEBUG=perhaps: expected one of"),
        ("DATABASE_URL", "oracle-thing://x", "DATABASE_URL: expected postgres://"),
    ],
)
def test_a_bad_value_is_one_line(name: str, value: str, line: str) -> None:
    ended = read("1", **{name: value})
    assert ended.returncode == 1
    assert ended.stderr.startswith(line)
    assert len(ended.stderr.splitlines()) == 1


def test_sqlite_has_the_options_that_many_writers_need() -> None:
    told = read("s.DATABASES['default']").stdout
    assert "'transaction_mode': 'IMMEDIATE', 'timeout': 20" in told
    assert "journal_mode=WAL" in told


def test_postgresql_is_pooled_and_keeps_no_connection_of_its_own() -> None:
    told = read("s.DATABASES['default']", DATABASE_URL="postgres://me:pw@db:5432/name").stdout
    assert "'CONN_MAX_AGE': 0" in told
    assert "'pool': {" in told


def test_redis_is_where_the_running_up_says(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "redis.url").write_text("redis://127.0.0.1:7777/0\n")
    told = read("s.PROGRESS_REDIS_URL", REDIS_URL="", HEADWAY_VAR=str(tmp_path)).stdout
    assert told == "redis://127.0.0.1:7777/0\n"


def test_the_live_progress_may_have_a_redis_of_its_own() -> None:
    own = "redis://127.0.0.1:7778/0"
    told = read(
        "s.PROGRESS_REDIS_URL, s.REDIS_URL", PROGRESS_REDIS_URL=own, REDIS_URL="redis://127.0.0.1:7777/0"
    ).stdout
    assert told == f"{own} redis://127.0.0.1:7777/0\n"
