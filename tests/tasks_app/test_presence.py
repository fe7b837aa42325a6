"""Workers that are there: listed while they say so, also with nothing to do."""

import pytest
from redis import Redis

from progress_app import connections
from progress_app.backends.redis_shelf import RedisShelf
from progress_app.exceptions import BackendUnavailable
from tasks_app.overview import overview
from tasks_app.presence import SILENT_AFTER_S, Presence
from tests.factories import TaskFactory


@pytest.fixture
def now() -> list[float]:
    return [1_790_000_000.0]


@pytest.fixture
def presence(redis_db: Redis, now: list[float]) -> Presence:
    return Presence(clock=lambda: now[0])


def test_who_has_been_silent_for_long_is_not_there_and_is_forgotten(presence: Presence, now: list[float]) -> None:
    presence.tell("worker@old")
    now[0] += SILENT_AFTER_S
    presence.tell("worker@new")
    assert presence.present() == ["worker@new", "worker@old"]
    now[0] += 0.1
    assert presence.present() == ["worker@new"]
    assert connections.shelf().roster("workers").keys() == {"worker@new"}


def test_who_leaves_is_gone_at_once(presence: Presence) -> None:
    presence.tell("worker@one")
    presence.end("worker@one")
    assert presence.present() == []


def test_redis_that_is_away_costs_nobody_anything(presence: Presence, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise BackendUnavailable("away")

    for name in ("sign_in", "sign_out", "roster"):
        monkeypatch.setattr(RedisShelf, name, away)
    presence.tell("worker@one")
    presence.end("worker@one")
    assert presence.present() == []


def test_the_overview_names_idle_workers_beside_the_busy(db: None, redis_db: Redis) -> None:
    for name in ("worker@idle", "worker@busy"):
        Presence().tell(name)
    TaskFactory.create(running=True, worker="worker@busy")
    running = {worker["name"]: len(worker["tasks"]) for worker in overview()["workers"]}
    assert (running["worker@busy"], running["worker@idle"]) == (1, 0)
