"""What these tests are given."""

from types import SimpleNamespace

import pytest

from progress_app import ledger as ledger_module
from tests.progress_app.doubles import Clock


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(ledger_module, "time", SimpleNamespace(monotonic=clock, time=clock))
    return clock
