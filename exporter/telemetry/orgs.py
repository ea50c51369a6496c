"""Metrics about each org: what was requested, with which result, and what is served.

They are stored as plain numbers and rendered when they changed, like all other values.
"""

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from exporter import catalog
from exporter.api.endpoints import Endpoint
from exporter.api.payloads import Reason
from exporter.catalog import Metric
from exporter.exposition import Constants, Format, LineRenderer
from exporter.exposition.rendered import RenderedLines
from exporter.exposition.text import Rows
from exporter.exposition.visible import MIN_GROUP_SIZE, SERIES_LIMIT
from exporter.sharding import Shard
from exporter.telemetry.process import ProcessMetrics

WRITER = "telemetry"
"""Name under which an org's own metrics are rendered."""

SEEDS, V2 = "seeds", "v2"
"""Generations of the API."""

_STATUSES = frozenset({"200", "400", "401", "403", "404", "410", "429", "500", "502", "503", "504"})
_CLASSES = ("2xx", "3xx", "4xx", "5xx")
_FAILURES = ("timeout", "connection", "tls", "proxy", "invalid", "cancelled")
CODES = (*sorted(_STATUSES), *_CLASSES, *_FAILURES)
"""Every value of the label `code`; each starts at 0."""


def code_label(code: str) -> str:
    """Return the value of the label `code` for a status or a kind of failure."""
    if code in _STATUSES or code in _FAILURES:
        return code
    if code[:1].isdigit():
        return f"{code[0]}xx" if f"{code[0]}xx" in _CLASSES else "invalid"
    return "invalid"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a collector's last attempt. Times are Unix seconds, 0 before the first.

    `absent` means that the deployment does not offer what the collector is for.
    """

    success: bool = False
    last_success: float = 0.0
    last_attempt: float = 0.0
    duration: float = 0.0
    error: str = ""
    absent: bool = False
    items_failed: int = 0


class Served(Protocol):
    """What is being served of an org."""

    def series(self, org: str, collector: str) -> int:
        """Return the series of a collector that are served."""
        ...

    def dropped(self, org: str) -> Mapping[str, int]:
        """Return the series that are not served, by the limit that they exceed."""
        ...

    def window_end(self, org: str, collector: str) -> float | None:
        """Return the end of the windows of complete days, in Unix seconds."""
        ...


@dataclass(slots=True)
class _Org:
    constants: Constants
    outcomes: dict[str, Outcome]
    showing_up: Collection[str]
    """Collectors whose success shows that the org is up."""
    generations: dict[str, str] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    payload_errors: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    rate_limited: int = 0
    counted: bool = True
    """Whether counters changed since they were rendered."""
    lines: Mapping[str, bytes] = field(default_factory=dict)


class Telemetry:
    """The exporter's own metrics, as reported by the client, the collectors and the scheduler.

    `process` has those of the process as a whole.
    """

    def __init__(self, rendered: RenderedLines, served: Served, shard: Shard | None = None) -> None:
        self._rendered = rendered
        self._served = served
        self._orgs: dict[str, _Org] = {}
        self._changed: set[str] = set()
        self.process = ProcessMetrics(shard)

    def register(
        self,
        org: str,
        constants: Constants,
        collectors: Iterable[tuple[str, Endpoint]],
        *,
        showing_up: Collection[str],
    ) -> None:
        """Start or go on to report an org: all its metrics exist from now on, counters at 0.

        `showing_up` are the collectors whose success shows that the org is up.
        """
        known = self._orgs.get(org)
        own = list(collectors)
        before = known.outcomes if known else {}
        outcomes = {name: before.get(name, Outcome()) for name, _ in own}
        entry = _Org(constants, outcomes, showing_up)
        if known:
            entry.codes, entry.payload_errors = known.codes, known.payload_errors
            entry.retries, entry.rate_limited = known.retries, known.rate_limited
            entry.generations = known.generations
        self._orgs[org] = entry
        self.process.begin(endpoint.name for _, endpoint in own)
        self._changed.add(org)

    def forget(self, org: str) -> None:
        """Stop reporting an org."""
        self._orgs.pop(org, None)
        self._changed.discard(org)

    # Reported by the API client.

    def requested(self, org: str, endpoint: str, code: str, seconds: float) -> None:
        """Count a request that was sent, and its result."""
        self.process.observe(endpoint, seconds)
        if entry := self._counting(org):
            entry.codes[code_label(code)] += 1

    def retried(self, org: str, endpoint: str) -> None:  # noqa: ARG002 - the client knows both
        """Count a request that was retried."""
        if entry := self._counting(org):
            entry.retries += 1

    def rate_limited(self, org: str, endpoint: str) -> None:  # noqa: ARG002 - see above
        """Count a response that asked to slow down."""
        if entry := self._counting(org):
            entry.rate_limited += 1

    # Reported by collections.

    def payload_error(self, org: str, reason: Reason, count: int) -> None:
        """Count what could not be read."""
        if entry := self._counting(org):
            entry.payload_errors[reason] += count

    def succeeded(
        self, org: str, collector: str, *, at: float, seconds: float, items_failed: int, error: str
    ) -> None:
        """Record a success; `error` is that of an item which failed, if any."""
        self._record(
            org, collector, Outcome(True, at, at, seconds, error, items_failed=items_failed)
        )

    def items_failed(self, org: str, collector: str, *, count: int, error: str) -> None:
        """Record how many items fail after some of them were retried."""
        before = self.outcome(org, collector)
        self._record(org, collector, replace(before, items_failed=count, error=error))

    def failed(
        self, org: str, collector: str, error: str, *, at: float, seconds: float, items: int
    ) -> None:
        """Record a failure, with a text for the status page."""
        before = self.outcome(org, collector)
        outcome = Outcome(False, before.last_success, at, seconds, error, items_failed=items)
        self._record(org, collector, outcome)

    def not_sent(self, org: str, collector: str, error: str) -> None:
        """Record that no request was sent, for example because the key cannot be read."""
        before = self.outcome(org, collector)
        self._record(org, collector, replace(before, success=False, error=error))

    def absent(self, org: str, collector: str, why: str, *, at: float) -> None:
        """Record that the deployment does not offer what the collector is for: no metrics then."""
        self._record(org, collector, Outcome(last_attempt=at, error=why, absent=True))

    def restored(
        self, org: str, collector: str, *, last_attempt: float, last_success: float
    ) -> None:
        """Record the last attempt of an earlier process, whose values are served."""
        success = last_attempt == last_success
        self._record(org, collector, Outcome(success, last_success, last_attempt))

    def source(self, org: str, collector: str, generation: str) -> None:
        """Record which generation of the API a collector's values come from."""
        entry = self._orgs.get(org)
        if entry is not None and entry.generations.get(collector) != generation:
            entry.generations[collector] = generation
            self._changed.add(org)

    def touch(self, org: str) -> None:
        """Have the metrics of an org rendered again, since what is served of it changed."""
        self._changed.add(org)

    # Used by pages.

    def outcome(self, org: str, collector: str) -> Outcome:
        """Return the result of the last attempt."""
        return self.outcomes(org).get(collector, Outcome())

    def outcomes(self, org: str) -> Mapping[str, Outcome]:
        """Return the results of the last attempts of an org, by collector."""
        entry = self._orgs.get(org)
        return entry.outcomes if entry else {}

    def generations(self, org: str) -> Mapping[str, str]:
        """Return the generation of the API that values come from, by collector."""
        entry = self._orgs.get(org)
        return entry.generations if entry else {}

    def up(self, org: str) -> bool:
        """Return whether any collector of an org succeeded at its last attempt."""
        entry = self._orgs.get(org)
        return entry is not None and any(entry.outcomes[name].success for name in entry.showing_up)

    @property
    def changed(self) -> bool:
        """Whether there is anything that `flush` would render."""
        return bool(self._changed)

    def flush(self, *, at_most: int = sys.maxsize) -> bool:
        """Render what changed, of `at_most` so many orgs; return whether nothing is left."""
        for _ in range(min(at_most, len(self._changed))):
            self.flush_org(next(iter(self._changed)))
        return not self._changed

    def flush_org(self, org: str) -> None:
        """Render what changed about one org."""
        if org in self._changed:
            self._changed.discard(org)
            if org in self._orgs:
                self._rendered.write((org, WRITER), self._lines(org))

    def process_text(self, form: Format) -> bytes:
        """Return the current metrics of the process as a whole."""
        return self.process.text(form)

    def _counting(self, org: str) -> _Org | None:
        entry = self._orgs.get(org)
        if entry is not None:
            entry.counted = True
            self._changed.add(org)
        return entry

    def _record(self, org: str, collector: str, outcome: Outcome) -> None:
        entry = self._orgs.get(org)
        if entry is not None and collector in entry.outcomes:
            entry.outcomes[collector] = outcome
            self._changed.add(org)

    def _lines(self, org: str) -> Mapping[str, bytes]:
        """Render one org; lines of counters that did not change are used again."""
        entry = self._orgs[org]
        families = [*self._gauges(org, entry)]
        if entry.counted:
            families += _counters(entry)
        renderer = LineRenderer(entry.constants)
        lines = {metric.name: renderer.lines(metric, rows) for metric, rows in families}
        entry.counted = False
        entry.lines = {name: text for name, text in {**entry.lines, **lines}.items() if text}
        return entry.lines

    def _gauges(self, org: str, entry: _Org) -> Iterable[tuple[Metric, Rows]]:
        of = {name: outcome for name, outcome in entry.outcomes.items() if not outcome.absent}
        ends = {name: self._served.window_end(org, name) for name in of}
        dropped = self._served.dropped(org)
        yield catalog.UP, {(): self.up(org)}
        yield catalog.COLLECTOR_SUCCESS, {(n,): o.success for n, o in of.items()}
        yield catalog.COLLECTOR_LAST_SUCCESS, {(n,): o.last_success for n, o in of.items()}
        yield catalog.COLLECTOR_LAST_ATTEMPT, {(n,): o.last_attempt for n, o in of.items()}
        yield catalog.COLLECTOR_DURATION, {(n,): o.duration for n, o in of.items()}
        yield catalog.COLLECTOR_ITEMS_FAILED, {(n,): o.items_failed for n, o in of.items()}
        yield catalog.COLLECTOR_SERIES, {(n,): self._served.series(org, n) for n in of}
        yield catalog.WINDOW_END, {(n,): end for n, end in ends.items() if end is not None}
        yield (
            catalog.COLLECTOR_SOURCE_INFO,
            {(n, generation): 1 for n, generation in entry.generations.items() if n in of},
        )
        yield (
            catalog.SERIES_DROPPED,
            {(reason,): dropped.get(reason, 0) for reason in (SERIES_LIMIT, MIN_GROUP_SIZE)},
        )


def _counters(entry: _Org) -> list[tuple[Metric, Rows]]:
    return [
        (catalog.API_REQUESTS, {(code,): entry.codes[code] for code in CODES}),
        (catalog.API_RETRIES, {(): entry.retries}),
        (catalog.API_RATE_LIMITED, {(): entry.rate_limited}),
        (
            catalog.PAYLOAD_ERRORS,
            {(str(reason),): entry.payload_errors[reason] for reason in Reason},
        ),
    ]
