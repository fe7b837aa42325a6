"""Guessing passwords is bounded: a name rests for an address after five wrong ones, and nobody else is held up."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from progress_app import connections
from tasks_app.login import MOST_FAILURES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]
REST = "Too many wrong passwords"


@pytest.fixture
def carla(db: None) -> User:
    return User.objects.create_user("carla", password="right", is_staff=True)


def log_in(
    client: Client, password: str, *, name: str = "carla", door: str = "/login/", address: str = "192.0.2.1"
) -> str:
    response = client.post(door, {"username": name, "password": password}, REMOTE_ADDR=address)
    return "in" if response.status_code == 302 else response.content.decode()


@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_after_five_wrong_passwords_not_even_the_right_one_is_looked_at(client: Client, carla: User, door: str) -> None:
    for _ in range(MOST_FAILURES):
        assert REST not in log_in(client, "wrong", door=door)
    assert REST in log_in(client, "right", door=door)
    assert REST in log_in(client, "right", name="CARLA")


def test_another_name_and_another_address_are_not_held_up(client: Client, carla: User) -> None:
    User.objects.create_user("dora", password="right")
    for _ in range(MOST_FAILURES):
        log_in(client, "wrong")
    assert log_in(client, "right", name="dora") == "in"
    assert log_in(Client(), "right", address="192.0.2.2") == "in"


def test_the_rest_ends_by_itself(client: Client, carla: User) -> None:
    for _ in range(MOST_FAILURES):
        log_in(client, "wrong")
    redis = connections.backend().client
    (key,) = redis.scan_iter("*:login:*")
    assert 0 < redis.ttl(key) <= 600
    redis.delete(key)
    assert log_in(client, "right") == "in"


def test_names_are_not_kept_in_redis(client: Client, carla: User) -> None:
    log_in(client, "wrong")
    assert not any(b"carla" in key for key in connections.backend().client.scan_iter())


def test_while_redis_is_away_people_get_in(client: Client, carla: User, settings: object) -> None:
    settings.PROGRESS_REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    for _ in range(MOST_FAILURES + 1):
        log_in(client, "wrong")
    assert log_in(client, "right") == "in"
