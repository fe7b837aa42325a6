"""The emulators as fixtures: `pusher` and `ably`, as after their start; a test may stop them."""

from collections.abc import Iterator

import pytest

from tests.emulators.service import Emulator


@pytest.fixture(scope="session")
def _emulators() -> Iterator[dict[str, Emulator]]:
    emulators = {kind: Emulator(kind) for kind in ("pusher", "ably")}
    yield emulators
    for emulator in emulators.values():
        emulator.stop()


@pytest.fixture
def pusher(_emulators: dict[str, Emulator]) -> Emulator:
    """Return a running Pusher."""
    _emulators["pusher"].renew()
    return _emulators["pusher"]


@pytest.fixture
def ably(_emulators: dict[str, Emulator]) -> Emulator:
    """Return a running Ably."""
    _emulators["ably"].renew()
    return _emulators["ably"]
