"""Starts an emulator as a process of its own, gives it orders, and says which settings lead to it."""

import json
import sys
from typing import Any

import httpx

from tests.emulators import ably_keys, pusher
from tests.environment import free_port
from tests.processes import Service

ANSWER_WITHIN_S = 20.0
SETTINGS = {
    "pusher": {
        "PROGRESS_PUSHER_APP_ID": pusher.APP_ID,
        "PROGRESS_PUSHER_KEY": pusher.KEY,
        "PROGRESS_PUSHER_SECRET": pusher.SECRET,
    },
    "ably": {"PROGRESS_ABLY_KEY": ably_keys.KEY},
}


class Emulator:
    """A running emulator; `kind` is pusher or ably, `url` has no slash at its end."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning", "--lifespan", "off"]
        command = [sys.executable, "-m", "uvicorn", f"tests.emulators.{kind}:application", *options]
        self.service = Service(f"emulated-{kind}-{self.port}", command)

    @property
    def settings(self) -> dict[str, str]:
        """The settings, and the environment, that make the project use this emulator."""
        return {"PROGRESS_TRANSPORT": self.kind, f"PROGRESS_{self.kind.upper()}_URL": self.url} | SETTINGS[self.kind]

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.service.start(self._answers)

    def renew(self) -> None:
        """Make it as after its start, whatever was done to it."""
        if self.service.is_running:
            self._order("POST", "reset")
        else:
            self.start()

    def stop(self) -> None:
        """End it: connections are refused from then on."""
        self.service.kill()

    def received(self) -> list[dict[str, Any]]:
        """Every message that was accepted, in order: channel, name, data (parsed), call, at_s (monotonic)."""
        found = httpx.get(f"{self.url}/emulator/received", timeout=ANSWER_WITHIN_S).json()
        return [message | {"data": json.loads(message["data"])} for message in found]

    def calls(self) -> int:
        """How many requests to publish were made."""
        return int(httpx.get(f"{self.url}/emulator/calls", timeout=ANSWER_WITHIN_S).json())

    def fail(self, status: int, body: Any = "", headers: dict[str, str] | None = None) -> None:
        """Answer this to every request to publish from now on."""
        self._order("POST", "faults", {"status": status, "body": body, "headers": headers or {}})

    def hold(self) -> None:
        """Answer no request to publish until `recover`."""
        self._order("POST", "faults", {"hold": True})

    def delay(self, delay_s: float) -> None:
        """Answer every request to publish as the service does, so much later."""
        self._order("POST", "faults", {"delay_s": delay_s})

    def recover(self) -> None:
        """Answer as the service does."""
        self._order("DELETE", "faults")

    def cut(self) -> None:
        """Close all sockets and refuse everything until `mend`."""
        self._order("POST", "outage")

    def mend(self) -> None:
        """End the outage."""
        self._order("DELETE", "outage")

    def _order(self, method: str, name: str, body: Any = None) -> None:
        httpx.request(method, f"{self.url}/emulator/{name}", json=body, timeout=ANSWER_WITHIN_S).raise_for_status()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/emulator/calls", timeout=ANSWER_WITHIN_S).is_success
        except httpx.HTTPError:
            return False
