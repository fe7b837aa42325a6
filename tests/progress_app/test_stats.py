"""What a process counts, and the page that Prometheus reads."""

import pytest

from progress_app.metrics import Metrics
from progress_app.stats import Stats
from tests.progress_app.doubles import snapshot


def test_the_lag_is_from_the_reporters_send_to_the_write() -> None:
    stats = Stats()
    stats.delivered(snapshot(ts=100.0).to_json(), 100.2)
    stats.delivered(snapshot(ts=100.0).to_json(), 101.5)
    assert stats.lag_sum_s == pytest.approx(1.7)
    assert stats.take_lag_ms() == 1_500.0
    assert stats.take_lag_ms() is None


@pytest.mark.parametrize("data", [b"", b"{}", b'{"ts":', b'{"ts":"x"}', b'{"ts":1,"more":2}', b'{"ts":0.0}'])
def test_what_no_reporter_has_sent_has_no_lag(data: bytes) -> None:
    stats = Stats()
    stats.delivered(data, 1.0)
    assert (stats.events, stats.lag_sum_s) == (1, 0.0)


def test_the_page_names_what_is_open_and_what_has_happened() -> None:
    stats = Stats()
    stats.opened, stats.resumed, stats.conflated, stats.resets, stats.kicked = 9, 5, 6, 7, 8
    stats.ended["stalled"] += 2
    stats.refused["overloaded"] += 1
    stats.reconnects["silent"] += 3
    stats.polls[304] += 4
    stats.delivered(snapshot(ts=100.0).to_json(), 100.15)
    page = Metrics(stats, streams=lambda: 3, channels=lambda: 4).page().decode()
    for line in (
        "headway_streams 3.0", "headway_channels 4.0", "headway_streams_opened_total 9.0",
        "headway_streams_resumed_total 5.0", 'headway_streams_ended_total{cause="stalled"} 2.0',
        'headway_streams_refused_total{reason="overloaded"} 1.0', "headway_events_total 1.0",
        "headway_conflated_total 6.0", "headway_resets_total 7.0", "headway_kicks_total 8.0",
        'headway_redis_reconnects_total{cause="silent"} 3.0', 'headway_polls_total{status="304"} 4.0',
        'headway_lag_seconds_bucket{le="0.2"} 1.0', "headway_lag_seconds_count 1.0",
    ):  # fmt: skip
        assert line in page.splitlines()
