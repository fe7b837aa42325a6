"""What has arrived at an emulated service."""

from collections.abc import Callable
from typing import Any

from progress_app.publisher import Publisher
from tests.emulators.service import Emulator
from tests.processes import until

SECRETS = ("the-secret", "auth_signature")
Publish = Callable[..., Publisher]


def arrived(service: Emulator, count: int) -> list[dict[str, Any]]:
    until(lambda: len(service.received()) >= count, what=f"{count} messages at {service.kind}")
    return service.received()
