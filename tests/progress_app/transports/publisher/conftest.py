"""No secret may be in a log."""

from collections.abc import Iterator

import pytest

from tests.progress_app.transports.publisher.arrivals import SECRETS


@pytest.fixture(autouse=True)
def _no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    logged = "\n".join(record.getMessage() + str(record.exc_text or "") for record in caplog.get_records("call"))
    assert not any(secret in logged for secret in SECRETS)
