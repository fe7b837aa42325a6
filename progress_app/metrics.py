"""The process in numbers, in the form that Prometheus reads. Each process answers for itself."""

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from progress_app.stats import LAG_BOUNDS_S, Stats

PATH: Final = "/metrics"
CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"


class StreamCollector(Collector):
    """Shows the counts of a process as they are when they are asked for.

    Args:
        stats: the counts.
        streams, channels: how many are open or watched now.

    """

    def __init__(self, stats: Stats, *, streams: Callable[[], int], channels: Callable[[], int]) -> None:
        self._stats = stats
        self._streams = streams
        self._channels = channels

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client's Collector."""
        stats = self._stats
        yield GaugeMetricFamily("headway_streams", "Streams that are open.", value=self._streams())
        yield GaugeMetricFamily("headway_channels", "Channels that somebody watches.", value=self._channels())
        for name, text, value in (
            ("opened", "Streams opened.", stats.opened),
            ("resumed", "Streams opened by a viewer who brought a position back.", stats.resumed),
        ):
            yield CounterMetricFamily(f"headway_streams_{name}", text, value=value)
        yield _by_label("headway_streams_ended", "Streams ended.", "cause", stats.ended)
        yield _by_label("headway_streams_refused", "Requests for a stream that got none.", "reason", stats.refused)
        yield _by_label("headway_polls", "Answers to polling.", "status", stats.polls)
        for name, text, value in (
            ("events", "Events handed to viewers, counted once a channel.", stats.events),
            ("conflated", "Snapshots and rows replaced by newer ones before a slow viewer took them.", stats.conflated),
            ("resets", "Log channels that could not be continued.", stats.resets),
            ("kicks", "Streams ended because their viewer may not read any more.", stats.kicked),
        ):
            yield CounterMetricFamily(f"headway_{name}", text, value=value)
        lost = "Subscriptions to Redis that were lost or could not be made."
        yield _by_label("headway_redis_reconnects", lost, "cause", stats.reconnects)
        yield self._lag()

    def _lag(self) -> Metric:
        bounds = [*map(str, LAG_BOUNDS_S), "+Inf"]
        buckets = list(zip(bounds, map(float, accumulate(self._stats.lags)), strict=True))
        text = "Seconds from a reporter's send to the write to its viewers."
        return HistogramMetricFamily("headway_lag_seconds", text, buckets=buckets, sum_value=self._stats.lag_sum_s)


def _by_label(name: str, text: str, label: str, counts: dict[str, int] | dict[int, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in counts.items():
        family.add_metric([str(value)], count)
    return family


class Metrics:
    """The metrics page of a process; arguments as StreamCollector."""

    def __init__(self, stats: Stats, *, streams: Callable[[], int], channels: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(StreamCollector(stats, streams=streams, channels=channels))

    def page(self) -> bytes:
        """The page's text."""
        return generate_latest(self._registry)
