"""The Celery application's settings hold what they are there for."""

import pytest

from config.celery import app


@pytest.mark.usefixtures("redis_db")
def test_an_acknowledgement_that_redis_did_not_answer_costs_a_worker_no_slot() -> None:
    with app.connection_for_read() as connection:
        held = connection.default_channel.qos  # type: ignore[attr-defined]
        held.prefetch_count = 1 * app.conf.worker_prefetch_multiplier  # as a worker of one process sets it
        held._delivered["unanswered"] = object()
        try:
            assert held.can_consume()
        finally:
            held._delivered.clear()
