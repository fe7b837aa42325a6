"""The one timer of a process: heartbeats, stalled writes, old age, the drain. The clock is given."""

from typing import Any
from unittest.mock import Mock

import pytest

from progress_app.conf import Settings
from progress_app.sweeper import Sweeper

SETTINGS = Settings(heartbeat_s=15, write_timeout_s=5, max_age_s=100, drain_s=0.2)


def stream(**times: Any) -> Mock:
    return Mock(
        **{"opened_s": 0.0, "wrote_s": 0.0, "send_began_s": None, "draining": False, **times},
    )


@pytest.fixture
def sweeper() -> Sweeper:
    return Sweeper(SETTINGS)


def test_a_silent_stream_gets_a_heartbeat_when_it_is_due(sweeper: Sweeper) -> None:
    sweeper.add(silent := stream())
    sweeper.sweep(14.9)
    silent.heartbeat.assert_not_called()
    sweeper.sweep(15.0)
    silent.heartbeat.assert_called_once()


def test_a_write_that_blocks_for_too_long_is_cut_and_gets_no_heartbeat(sweeper: Sweeper) -> None:
    sweeper.add(slow := stream(send_began_s=10.0))
    sweeper.sweep(15.0)
    slow.cut.assert_not_called()
    sweeper.sweep(15.1)
    slow.cut.assert_called_once_with("stalled")
    slow.heartbeat.assert_not_called()


def test_streams_end_between_80_and_100_percent_of_their_age(sweeper: Sweeper) -> None:
    for old in (olds := [stream(wrote_s=99.0) for _ in range(50)]):
        sweeper.add(old)
    sweeper.sweep(79.9)
    assert not any(old.mailbox.end.called for old in olds)
    sweeper.sweep(90.0)
    assert 0 < sum(old.mailbox.end.called for old in olds) < 50
    sweeper.sweep(100.0)
    assert all(old.mailbox.end.called for old in olds)


def test_forgets_a_stream_that_has_ended_also_twice(sweeper: Sweeper) -> None:
    sweeper.add(ended := stream())
    sweeper.remove(ended)
    sweeper.remove(ended)
    sweeper.sweep(1000.0)
    ended.mailbox.end.assert_not_called()


async def test_a_stream_that_opens_during_the_drain_is_ended_too(sweeper: Sweeper) -> None:
    await sweeper.drain()
    sweeper.add(late := stream())
    assert late.draining
    late.mailbox.end.assert_called_once_with("drained")


async def test_the_drain_ends_every_stream(sweeper: Sweeper) -> None:
    for each in (streams := [stream() for _ in range(7)]):
        sweeper.add(each)
    await sweeper.drain()
    assert sweeper.draining
    assert all(each.draining for each in streams)
    for each in streams:
        each.mailbox.end.assert_called_once_with("drained")
