"""Options and fixtures of the fault tests, and the table that they print.

python3 manage.py test tests/faults                 the main faults, one round each
python3 manage.py test tests/faults --rounds 20     every fault, so many rounds each
… --seed 7                                          the same again
… --real                                            with the real times: leases of 45 s, pauses of 60 s
"""

import importlib
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User

from tasks_app import registry
from tests.faults.faults import FAULTS, Fault
from tests.faults.plant import Plant, using_database
from tests.faults.round import Round, Score, table
from tests.stack import Valkey

if TYPE_CHECKING:
    from tests.postgresql import Postgresql

SCORES = pytest.StashKey[dict[str, Score]]()
SEED = pytest.StashKey[str]()
ROUND_WITHIN_S = 250


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--rounds", type=int, default=None, help="rounds of every fault; else one of the main faults")
    group.addoption("--seed", default=None, help="seed of what is random in the fault tests")
    group.addoption("--real", action="store_true", help="real leases and pauses in the fault tests")


def option(config: pytest.Config, name: str) -> Any:
    """The option's value; None where this file came too late to add it (a run of the whole suite)."""
    return config.getoption(name, default=None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault" in metafunc.fixturenames:
        every = option(metafunc.config, "--rounds")
        chosen = [fault for fault in FAULTS if every or fault.in_short]
        limit = pytest.mark.timeout(ROUND_WITHIN_S * (every or 1) * (4 if option(metafunc.config, "--real") else 1))
        metafunc.parametrize("fault", [pytest.param(fault, id=fault.name, marks=limit) for fault in chosen])


@pytest.fixture(scope="session")
def scores(pytestconfig: pytest.Config) -> dict[str, Score]:
    return pytestconfig.stash.setdefault(SCORES, {})


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> str:
    given = option(pytestconfig, "--seed") or f"{random.SystemRandom().randrange(10**6)}"
    return pytestconfig.stash.setdefault(SEED, given)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    scores = config.stash.get(SCORES, {})
    if scores:
        terminalreporter.section(f"faults, --seed {config.stash.get(SEED, '')}")
        for line in table(list(scores.items())):
            terminalreporter.write_line(line)


class Plants:
    """The installations: one on SQLite, one on PostgreSQL; one at a time runs."""

    def __init__(self, folder: Path, valkey: Valkey, *, real: bool) -> None:
        self._folder, self._valkey, self._real = folder, valkey, real
        self._running: tuple[str, Plant] | None = None
        self._leaving = ExitStack()

    def at(self, name: str, url: str) -> Plant:
        """The one of this name, on this database, running."""
        if self._running is None or self._running[0] != name:
            self.stop()
            folder = self._folder / name
            (folder / "var").mkdir(parents=True, exist_ok=True)
            self._leaving.enter_context(using_database(url))
            plant = Plant(folder, self._valkey, real=self._real)
            self._leaving.callback(plant.stop)
            plant.heal()
            self._running = name, plant
        return self._running[1]

    def stop(self) -> None:
        """End the running one."""
        self._leaving.close()
        self._running = None


@pytest.fixture(scope="module")
def plants(
    _session_stack: Any, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config,
    django_db_blocker: Any,
) -> Iterator[Plants]:  # fmt: skip
    found = Plants(tmp_path_factory.mktemp("faults"), valkey, real=bool(option(pytestconfig, "--real")))
    with django_db_blocker.unblock():
        yield found
        found.stop()


@pytest.fixture
def play(
    plants: Plants, _session_stack: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, seed: str
) -> Callable[[Fault, int], Score]:
    """Return a function that plays a round of a fault."""
    _session_stack.asleep()
    monkeypatch.setattr(registry, "_jobs", dict(registry._jobs))  # other tests do not know these
    importlib.reload(importlib.import_module("tests.faults.jobs"))

    def one(fault: Fault, number: int) -> Score:
        server: Postgresql | None = request.getfixturevalue("postgresql_server") if fault.on_postgresql else None
        name = "postgresql" if server else "sqlite"
        plant = plants.at(name, server.url if server else f"sqlite:///{plants._folder}/sqlite/db.sqlite3")
        staff, _ = User.objects.get_or_create(username="ops", is_staff=True, is_superuser=True)
        return Round(fault, plant, f"{seed} {fault.name} {number}", staff, server).play()

    return one
