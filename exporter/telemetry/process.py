"""Metrics of the process as a whole, by prometheus-client."""

import os
import platform
from collections.abc import Callable, Iterable
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter import __version__, catalog
from exporter.catalog import Metric
from exporter.exposition import Format
from exporter.history.problems import Reason as StateReason
from exporter.sharding import Shard

REVISION = "IBLAI_EXPORTER_REVISION"
"""Environment variable that an image sets to the revision it was built from."""

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LAG_BUCKETS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5)


class ProcessMetrics:
    """Metrics of the process as a whole, in a registry of their own."""

    def __init__(self, shard: Shard | None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # bare upstream
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._duration = Histogram(
            *_about(catalog.API_REQUEST_DURATION), buckets=_BUCKETS, registry=self._registry
        )
        self._durations: dict[str, Histogram] = {}
        self._lag = Histogram(
            *_about(catalog.EVENT_LOOP_LAG), buckets=_LAG_BUCKETS, registry=self._registry
        )
        self._missed = Counter(*_about(catalog.MISSED_RUNS), registry=self._registry)
        self._state_errors = Counter(*_about(catalog.STATE_ERRORS), registry=self._registry)
        for reason in get_args(StateReason):
            self._state_errors.labels(reason)
        self._stretch = self._gauge(catalog.SCHEDULE_STRETCH, 1)
        self._reload_successful = self._gauge(catalog.RELOAD_SUCCESSFUL, 0)
        self._reload_timestamp = self._gauge(catalog.RELOAD_TIMESTAMP, 0)
        self._web_reload_successful = self._gauge(catalog.WEB_RELOAD_SUCCESSFUL, 1)
        self._restart_required = self._gauge(catalog.RESTART_REQUIRED, 0)
        if shard is not None:
            self._gauge(catalog.SHARD, shard.ordinal)
            self._gauge(catalog.SHARDS, shard.of)
        build = Gauge(*_about(catalog.BUILD_INFO), registry=self._registry)
        revision = os.environ.get(REVISION, "")
        build.labels(__version__, revision, platform.python_version()).set(1)

    def begin(self, endpoints: Iterable[str]) -> None:
        """Have the durations of endpoints exist before the first request."""
        for endpoint in endpoints:
            if endpoint not in self._durations:
                self._durations[endpoint] = self._duration.labels(endpoint)

    def observe(self, endpoint: str, seconds: float) -> None:
        """Record how long a request took."""
        self.begin((endpoint,))
        self._durations[endpoint].observe(seconds)

    def missed(self, runs: int = 1) -> None:
        """Count collections that started more than an interval late."""
        self._missed.inc(runs)

    def lagged(self, seconds: float) -> None:
        """Record the delay of the event loop."""
        self._lag.observe(seconds)

    def stretched(self, ratio: float) -> None:
        """Record the factor by which intervals are stretched."""
        self._stretch.set(ratio)

    def state_error(self, reason: StateReason) -> None:
        """Count a problem with the state file. May be called from any thread."""
        self._state_errors.labels(reason).inc()

    def reloaded(self, *, at: float | None) -> None:
        """Record when the configuration was loaded, or None for a failed attempt."""
        self._reload_successful.set(at is not None)
        if at is not None:
            self._reload_timestamp.set(at)

    def restart_required(self, *, required: bool) -> None:
        """Record whether settings were loaded that take effect at the next start."""
        self._restart_required.set(required)

    def web_reloaded(self, *, good: bool) -> None:
        """Record whether the web configuration file could be read. Any thread may call it."""
        self._web_reload_successful.set(good)

    def text(self, form: Format) -> bytes:
        """Return the current metrics."""
        write: Callable[[CollectorRegistry], bytes] = (
            generate_openmetrics if form is Format.OPENMETRICS else generate_latest
        )
        return write(self._registry)

    def _gauge(self, metric: Metric, value: float) -> Gauge:
        gauge = Gauge(*_about(metric), registry=self._registry)
        gauge.set(value)
        return gauge


def _about(metric: Metric) -> tuple[str, str, tuple[str, ...]]:
    return metric.name, metric.help, metric.labels
