"""The exporter's own metrics: what it asked, what came of it, and how it fares itself.

What belongs to an org is kept as plain numbers and written as text when it changed, like the
figures; the few metrics of the process as a whole are prometheus-client's.
"""

import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client import Counter as CounterMetric
from prometheus_client import Gauge as GaugeMetric
from prometheus_client import Histogram as HistogramMetric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter import __version__, catalog
from exporter.api.endpoints import Endpoint
from exporter.api.payloads import Reason
from exporter.catalog import Metric
from exporter.exposition import Constants, Format, Pen, Rows
from exporter.sharding import Shard
from exporter.snapshots import SnapshotStore

WRITER = "telemetry"
"""Name under which an org's own metrics stand in the snapshot store."""

SERIES_LIMIT = "series_limit"
MIN_GROUP_SIZE = "min_group_size"

_CODES = ("200", "401", "403")
"""Codes counted from the start; others begin when they are first seen."""

_WAITS = frozenset({"timeout", "429"})
"""Codes of requests after which others to the same org may take long, too."""

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LAG_BUCKETS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a collector's last attempt. Times are Unix seconds, 0 before the first.

    `absent` tells that the org does not have what the collector is for, and no one has to act.
    """

    success: bool = False
    last_success: float = 0.0
    last_attempt: float = 0.0
    duration: float = 0.0
    error: str = ""
    absent: bool = False


@dataclass(slots=True)
class _Org:
    constants: Constants
    outcomes: dict[str, Outcome]
    counts: dict[str, tuple[Metric, Counter[tuple[str, ...]]]] = field(default_factory=dict)
    """By name, since hashing all that a metric is would take longer than the rest."""

    endpoints: frozenset[str] = frozenset()
    """Endpoints about which everything is counted, from 0 on."""

    counted: set[str] = field(default_factory=set)
    """Counters that have changed since they were written."""

    written: Mapping[str, bytes] = field(default_factory=dict)


class Telemetry:
    """The exporter's own metrics, as told by the client, the collectors and the scheduler."""

    def __init__(self, store: SnapshotStore, shard: Shard | None = None) -> None:
        self._store = store
        self._orgs: dict[str, _Org] = {}
        self._stale: set[str] = set()
        self._slow: set[str] = set()
        self._whole = _Whole(shard)

    def watch(
        self, org: str, constants: Constants, collectors: Iterable[tuple[str, Endpoint]]
    ) -> None:
        """Begin (or go on) to tell of an org: all its metrics exist from now on, counters at 0."""
        known = self._orgs.get(org)
        own = list(collectors)
        before = known.outcomes if known else {}
        entry = _Org(
            constants,
            {name: before.get(name, Outcome()) for name, _ in own},
            known.counts if known else {},
        )
        self._orgs[org] = entry
        self._begin(entry, frozenset(endpoint.name for _, endpoint in own))
        self._stale.add(org)

    def forget(self, org: str) -> None:
        """Tell no more of an org."""
        self._orgs.pop(org, None)
        self._stale.discard(org)
        self._slow.discard(org)

    # What the API client tells.

    def requested(self, org: str, endpoint: str, code: str, seconds: float) -> None:
        """Count a request that was sent, and what was answered."""
        entry = self._orgs.get(org)
        if entry is not None and endpoint not in entry.endpoints:
            # It is asked in the stead of one that is lacking.
            self._begin(entry, frozenset({endpoint}))
        self._count(org, catalog.API_REQUESTS, 1, endpoint, code)
        self._whole.took(endpoint, seconds)
        if code in _WAITS:
            self._slow.add(org)

    def retried(self, org: str, endpoint: str) -> None:
        """Count a request that was sent again."""
        self._count(org, catalog.API_RETRIES, 1, endpoint)

    def rate_limited(self, org: str, endpoint: str) -> None:
        """Count an answer that asked to slow down."""
        self._count(org, catalog.API_RATE_LIMITED, 1, endpoint)

    # What the poller tells.

    def flawed(self, org: str, endpoint: Endpoint, reason: Reason, count: int) -> None:
        """Count what could not be read."""
        self._count(org, catalog.PAYLOAD_ERRORS, count, endpoint.name, reason)

    def dropped(self, org: str, limit: str, count: int) -> None:
        """Count series that a limit cut."""
        self._count(org, catalog.SERIES_DROPPED, count, limit)

    def succeeded(self, org: str, collector: str, *, at: float, seconds: float) -> None:
        """Note a good answer."""
        self._note(org, collector, Outcome(True, at, at, seconds))

    def failed(self, org: str, collector: str, error: str, *, at: float, seconds: float) -> None:
        """Note a failure, in words for the status page."""
        before = self.outcome(org, collector)
        note = Outcome(False, before.last_success, at, seconds, error)
        self._note(org, collector, note)

    def held_back(self, org: str, collector: str, error: str) -> None:
        """Note that nothing was asked, since the API had refused or asked to wait."""
        before = self.outcome(org, collector)
        self._note(org, collector, replace(before, success=False, error=error))

    def absent(self, org: str, collector: str, why: str) -> None:
        """Note that the org does not have what the collector is for: it has no metrics then."""
        self._note(org, collector, Outcome(error=why, absent=True))

    def missed(self, runs: int = 1) -> None:
        """Count runs that did not happen when they were due."""
        self._whole.missed.inc(runs)

    def lagged(self, seconds: float) -> None:
        """Note by how much the event loop was late."""
        self._whole.lag.observe(seconds)

    def reloaded(self, *, at: float | None) -> None:
        """Note whether the configuration could be loaded, and when."""
        self._whole.reload_successful.set(at is not None)
        if at is not None:
            self._whole.reload_timestamp.set(at)

    def restart_required(self, *, required: bool) -> None:
        """Note whether settings were loaded that wait for the next start."""
        self._whole.restart_required.set(required)

    def web_reloaded(self, *, good: bool) -> None:
        """Note whether the web configuration file could be read. May come from any thread."""
        self._whole.web_reload_successful.set(good)

    def touch(self, org: str) -> None:
        """Have the metrics of an org written anew, since its snapshots changed."""
        self._stale.add(org)

    # What pages ask.

    def outcome(self, org: str, collector: str) -> Outcome:
        """Return what came of the last attempt."""
        entry = self._orgs.get(org)
        return entry.outcomes.get(collector, Outcome()) if entry else Outcome()

    def kept_waiting(self, org: str) -> bool:
        """Tell whether the org's API once did not answer in time, or asked to wait."""
        return org in self._slow

    def outcomes(self, org: str) -> Mapping[str, Outcome]:
        """Return what came of the last attempts of an org, by collector."""
        entry = self._orgs.get(org)
        return entry.outcomes if entry else {}

    @property
    def stale(self) -> bool:
        """Whether there is anything that `flush` would write."""
        return bool(self._stale)

    def flush(self, *, at_most: int = sys.maxsize) -> bool:
        """Write what changed since the last time to the snapshot store; return whether all is.

        `at_most` so many orgs are written, since each takes a fifth of a millisecond.
        """
        for _ in range(min(at_most, len(self._stale))):
            self.flush_org(next(iter(self._stale)))
        return not self._stale

    def flush_org(self, org: str) -> None:
        """Write what changed about one org."""
        if org in self._stale:
            self._stale.discard(org)
            if org in self._orgs:
                self._store.write((org, WRITER), self._lines(org))

    def process_text(self, form: Format) -> bytes:
        """Return the metrics of the process as a whole, read this moment."""
        return self._whole.text(form)

    def _lines(self, org: str) -> Mapping[str, bytes]:
        """Write what is known of an org; counters that stand still keep their lines."""
        entry = self._orgs[org]
        told = {name: outcome for name, outcome in entry.outcomes.items() if not outcome.absent}
        taken = self._store.of(org)
        families: list[tuple[Metric, Rows]] = [
            (catalog.UP, {(): any(o.success for o in told.values())}),
            (catalog.COLLECTOR_SUCCESS, {(n,): o.success for n, o in told.items()}),
            (catalog.COLLECTOR_LAST_SUCCESS, {(n,): o.last_success for n, o in told.items()}),
            (catalog.COLLECTOR_LAST_ATTEMPT, {(n,): o.last_attempt for n, o in told.items()}),
            (catalog.COLLECTOR_DURATION, {(n,): o.duration for n, o in told.items()}),
            (
                catalog.COLLECTOR_SERIES,
                {(n,): taken[n].series if n in taken else 0 for n in told},
            ),
            *(entry.counts[name] for name in entry.counted),
        ]
        pen = Pen(entry.constants)
        written = {metric.name: pen.lines(metric, rows) for metric, rows in families}
        lines = {name: text for name, text in {**entry.written, **written}.items() if text}
        entry.counted.clear()
        entry.written = lines
        return lines

    def _note(self, org: str, collector: str, outcome: Outcome) -> None:
        entry = self._orgs.get(org)
        if entry is not None and collector in entry.outcomes:
            entry.outcomes[collector] = outcome
            self._stale.add(org)

    def _begin(self, entry: _Org, endpoints: frozenset[str]) -> None:
        """Have all that is counted about endpoints start at 0."""
        for metric, zeros in _zeros(endpoints):
            _, counted = entry.counts.get(metric.name, (metric, Counter()))
            entry.counts[metric.name] = metric, Counter({**zeros, **counted})
        entry.counted.update(entry.counts)
        entry.endpoints |= endpoints
        self._whole.begin(endpoints)

    def _count(self, org: str, metric: Metric, count: int, *labels: str) -> None:
        entry = self._orgs.get(org)
        if entry is not None:
            _, counter = entry.counts[metric.name]
            counter[labels] += count
            entry.counted.add(metric.name)
            self._stale.add(org)


@lru_cache(maxsize=32)
def _zeros(endpoints: frozenset[str]) -> list[tuple[Metric, dict[tuple[str, ...], int]]]:
    """Return the counters that exist from the start; orgs that are alike share their labels."""
    names = sorted(endpoints)
    return [
        (metric, dict.fromkeys(labels, 0))
        for metric, labels in (
            (catalog.API_REQUESTS, product(names, _CODES)),
            (catalog.API_RETRIES, product(names)),
            (catalog.API_RATE_LIMITED, product(names)),
            (catalog.PAYLOAD_ERRORS, product(names, Reason)),
            (catalog.SERIES_DROPPED, product((SERIES_LIMIT, MIN_GROUP_SIZE))),
        )
    ]


class _Whole:
    """Metrics of the process as a whole, in a registry of their own."""

    def __init__(self, shard: Shard | None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # bare upstream
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._duration = HistogramMetric(
            *_about(catalog.API_REQUEST_DURATION), buckets=_BUCKETS, registry=self._registry
        )
        self._durations: dict[str, HistogramMetric] = {}
        self.lag = HistogramMetric(
            *_about(catalog.EVENT_LOOP_LAG), buckets=_LAG_BUCKETS, registry=self._registry
        )
        self.missed = CounterMetric(*_about(catalog.MISSED_RUNS), registry=self._registry)
        self.reload_successful = GaugeMetric(
            *_about(catalog.RELOAD_SUCCESSFUL), registry=self._registry
        )
        self.reload_timestamp = GaugeMetric(
            *_about(catalog.RELOAD_TIMESTAMP), registry=self._registry
        )
        self.web_reload_successful = GaugeMetric(
            *_about(catalog.WEB_RELOAD_SUCCESSFUL), registry=self._registry
        )
        self.web_reload_successful.set(1)
        self.restart_required = GaugeMetric(
            *_about(catalog.RESTART_REQUIRED), registry=self._registry
        )
        if shard is not None:
            for metric, value in ((catalog.SHARD, shard.ordinal), (catalog.SHARDS, shard.of)):
                GaugeMetric(*_about(metric), registry=self._registry).set(value)
        build = GaugeMetric(*_about(catalog.BUILD_INFO), registry=self._registry)
        build.labels(__version__, platform.python_version()).set(1)

    def begin(self, endpoints: Iterable[str]) -> None:
        """Have the durations of endpoints exist before the first request."""
        for endpoint in endpoints:
            if endpoint not in self._durations:
                self._durations[endpoint] = self._duration.labels(endpoint)

    def took(self, endpoint: str, seconds: float) -> None:
        """Note how long a request took."""
        self.begin((endpoint,))
        self._durations[endpoint].observe(seconds)

    def text(self, form: Format) -> bytes:
        write: Callable[[CollectorRegistry], bytes] = (
            generate_openmetrics if form is Format.OPENMETRICS else generate_latest
        )
        return write(self._registry)


def _about(metric: Metric) -> tuple[str, str, tuple[str, ...]]:
    return metric.name, metric.help, metric.labels
