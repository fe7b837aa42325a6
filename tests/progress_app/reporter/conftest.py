"""What these tests are given."""

from collections.abc import Iterator

import pytest

from progress_app.events import State
from progress_app.reporter import Reporter
from tests.progress_app.doubles import FakeHost
from tests.progress_app.reporter.recording import Recorder, reporter_of


@pytest.fixture
def backend() -> Recorder:
    return Recorder()


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def progress(backend: Recorder, host: FakeHost) -> Reporter:
    """A reporter whose threads do not run: the test sends."""
    return reporter_of(backend, host)


@pytest.fixture
def started(backend: Recorder, host: FakeHost) -> Iterator[Reporter]:
    reporter = reporter_of(backend, host, interval_s=0.001)
    reporter.start()
    yield reporter
    if reporter._settled is None:
        reporter.settle(State.FAILED)
