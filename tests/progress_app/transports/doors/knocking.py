"""Who knocks at the doors to a hosted service, and how."""

from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from tests.emulators.service import Emulator

SOCKET = "1234.5678"


def use(settings: Any, kind: str, **changes: str) -> None:
    """Choose a transport for the test."""
    given = Emulator(kind).settings | changes
    for name, value in given.items():
        setattr(settings, name, value)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def sign(client: Client, channel: str, socket_id: str = SOCKET) -> Any:
    return client.post("/events/pusher/auth/", {"socket_id": socket_id, "channel_name": channel})


def everything_but_tasks(_user: Any, channel: str) -> bool:
    return not channel.startswith("task-")
