"""A ledger, and what a viewer would be shown of it."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from progress_app.events import Snapshot, State
from progress_app.ledger import Ledger
from tests.progress_app.doubles import snapshot

IDENTITY = snapshot(attempt=3, started_at=1.5)


def ledger_of(*stages: str) -> Ledger:
    return Ledger(IDENTITY, stages, [], lambda: None)


def shown(ledger: Ledger) -> Snapshot:
    """What a viewer would be shown now, by way of JSON."""
    return Snapshot.from_json(ledger.snapshot(State.RUNNING, None).to_json())


def go(items: Iterable[Any]) -> None:
    """Loop over all of them."""
    deque(items, 0)
