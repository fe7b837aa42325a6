"""Families of tasks on PostgreSQL: the tests that run them on the suite's database, once more there."""

import os
import subprocess
import sys

import pytest

FAMILIES = "tests/integration/test_children.py"
CORE = "two_hundred or killed or cancel"


@pytest.mark.deploy
@pytest.mark.timeout(400)
def test_families_run_on_postgresql_as_on_sqlite(postgresql: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "", FAMILIES, "-k", CORE]
    on_postgresql = os.environ | {"HEADWAY_TEST_DATABASE_URL": postgresql}
    ended = subprocess.run(command, env=on_postgresql, capture_output=True, text=True, check=False, timeout=360)
    assert ended.returncode == 0, ended.stdout
    assert "4 passed" in ended.stdout
