"""Pages for people: how every org fares, and what is known of one. Plain HTML, no scripts."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from exporter import __version__, catalog
from exporter.clock import Clock
from exporter.history.ranges import ExpectedRanges
from exporter.history.store import History
from exporter.snapshots import Snapshots
from exporter.telemetry import Outcome
from exporter.web import charts
from exporter.windows import TODAY, WINDOWS

PER_PAGE = 100
"""Orgs on one page of the overview."""

CHART_DAYS = 35
"""Days that the small charts show."""

_MEASURES = tuple(measure for measure in catalog.WINDOWED if measure.labels == ("org",))
_AT_ONCE = 20
"""Orgs rendered before other tasks of the event loop run."""

_ACTIVE = catalog.ACTIVE_USERS.at("7d")
_EXPECTED = catalog.ACTIVE_USERS.expected_at("7d")
_NOTABLE = 0.2
"""Difference from the expected value that is colored, as a ratio."""

_WORST_FIRST = ("failing", "partly", "waiting", "well")


class Orgs(Protocol):
    """The configured orgs, and whether all were polled."""

    @property
    def ready(self) -> bool:
        """Whether every org was polled once."""
        ...

    @property
    def orgs(self) -> Mapping[str, Mapping[str, str]]:
        """The orgs with their constant labels."""
        ...


class Served(Protocol):
    """What is served of an org."""

    def values(self, org: str) -> Mapping[str, float]:
        """Return the values without labels, by metric."""
        ...

    def series(self, org: str, collector: str) -> int:
        """Return the series of a collector."""
        ...


class Outcomes(Protocol):
    """The results of the last attempts."""

    def outcomes(self, org: str) -> Mapping[str, Outcome]:
        """Return the results of the last attempts of an org, by collector."""
        ...


class Schedule(Protocol):
    """When collectors are due."""

    def next_run(self, org: str, collector: str) -> datetime | None:
        """Return when a collector is due next."""
        ...


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure of an org in each window, with its expected values."""

    title: str
    values: Mapping[str, float]
    expected: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Chart:
    """One measure of an org by day."""

    title: str
    svg: str
    first: date
    last: date
    latest: float | None


@dataclass(frozen=True, slots=True)
class CollectorRow:
    """One collector of one org, as the table shows it. Times are Unix seconds."""

    name: str
    state: str
    age: float | None
    error: str
    next_in: float | None
    series: int
    seconds: float


@dataclass(frozen=True, slots=True)
class OrgRow:
    """One org, as the table shows it."""

    key: str
    state: str
    succeeding: int
    collectors: tuple[CollectorRow, ...]
    active: float | None
    active_expected: float | None

    @property
    def change(self) -> float | None:
        """Difference of active users from the expected value, as a ratio."""
        if self.active is None or not self.active_expected:
            return None
        return (self.active - self.active_expected) / self.active_expected

    @property
    def age(self) -> float | None:
        """Seconds since the collector that is furthest behind succeeded."""
        return max((c.age for c in self.collectors if c.age is not None), default=None)

    @property
    def series(self) -> int:
        """Series being served."""
        return sum(c.series for c in self.collectors)

    @property
    def next_in(self) -> float | None:
        """Seconds until the next visit."""
        return min((c.next_in for c in self.collectors if c.next_in is not None), default=None)

    @property
    def error(self) -> str:
        """The first error, if any."""
        return next((c.error for c in self.collectors if c.error and c.state != "absent"), "")

    @property
    def expected(self) -> int:
        """Collectors that the org has anything for."""
        return sum(c.state != "absent" for c in self.collectors)


_SORTS = {
    "state": lambda row: (_WORST_FIRST.index(row.state), row.key),
    "org": lambda row: row.key,
    "age": lambda row: (-(row.age or 0), row.key),
    "series": lambda row: (-row.series, row.key),
    "active": lambda row: (row.change is None, row.change, row.key),
    "next": lambda row: (row.next_in is None, row.next_in, row.key),
}


class StatusPages:
    """The overview of all orgs, and the page of each."""

    def __init__(
        self,
        orgs: Orgs,
        *,
        values: Served,
        history: History,
        ranges: ExpectedRanges,
        outcomes: Outcomes,
        schedule: Schedule,
        snapshots: Snapshots,
        clock: Clock,
    ) -> None:
        self._orgs = orgs
        self._values = values
        self._history = history
        self._ranges = ranges
        self._outcomes = outcomes
        self._schedule = schedule
        self._snapshots = snapshots
        self._clock = clock
        self._began = clock.monotonic()
        self._templates = Environment(
            loader=PackageLoader("exporter.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "age": _age,
            "figure": _figure,
            "change": _change,
            "tone": _tone,
        }

    async def overview(self, request: Request) -> Response:
        """Show every org: filtered by `q` and `state`, sorted by `sort`, page by page."""
        query = request.query_params
        rows = await self._rows()
        counts = {state: sum(r.state == state for r in rows) for state in _WORST_FIRST}
        text, state = query.get("q", "").strip(), query.get("state", "")
        sort = query.get("sort", "state") if query.get("sort") in _SORTS else "state"
        shown = [
            row
            for row in rows
            if text.lower() in row.key.lower() and (not state or row.state == state)
        ]
        shown.sort(key=_SORTS[sort])
        pages = max(ceil(len(shown) / PER_PAGE), 1)
        page = min(max(_whole(query.get("page", "1")), 1), pages)
        return self._render(
            "overview.html",
            rows=shown[(page - 1) * PER_PAGE : page * PER_PAGE],
            found=len(shown),
            total=len(rows),
            counts=counts,
            series=sum(row.series for row in rows),
            q=text,
            state=state,
            sort=sort,
            page=page,
            pages=pages,
            ready=self._orgs.ready,
            uptime=self._clock.monotonic() - self._began,
            base="./",
        )

    async def org(self, request: Request) -> Response:
        """Show one org: its collectors, its figures, and small charts of the last weeks."""
        key = request.path_params["org"]
        if key not in self._orgs.orgs:
            page = self._render("unknown.html", org=key, base=_up(key))
            page.status_code = 404
            return page
        known = self._values.values(key)
        return self._render(
            "org.html",
            org=key,
            row=self._org_row(key),
            labels={k: v for k, v in self._orgs.orgs[key].items() if k != "org"},
            windows=(TODAY, *WINDOWS),
            figures=_measures(known),
            charts=self._charts(key),
            courses=len(self._snapshots.courses(key)),
            base=_up(key),
        )

    def _render(self, name: str, **context: Any) -> HTMLResponse:
        text = self._templates.get_template(name).render(version=__version__, **context)
        policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
        return HTMLResponse(text, headers={"content-security-policy": policy})

    async def _rows(self) -> list[OrgRow]:
        """Return every org; scrapes and visits go on meanwhile."""
        rows = []
        for count, key in enumerate(self._orgs.orgs):
            rows.append(self._org_row(key))
            if count % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        return rows

    def _org_row(self, key: str) -> OrgRow:
        rows = tuple(
            self._collector_row(key, name, outcome)
            for name, outcome in self._outcomes.outcomes(key).items()
        )
        succeeding = sum(row.state == "well" for row in rows)
        if any(row.state == "failing" for row in rows):
            state = "partly" if succeeding else "failing"
        else:
            state = "waiting" if any(row.state == "waiting" for row in rows) else "well"
        known = self._values.values(key)
        return OrgRow(
            key, state, succeeding, rows, known.get(_ACTIVE.name), known.get(_EXPECTED.name)
        )

    def _charts(self, org: str) -> list[Chart]:
        """Return a chart of the last days of each measure that has daily values."""
        charted = []
        for measure in _MEASURES:
            days = dict(list(self._history.series(org, measure.name).items())[-CHART_DAYS:])
            if days:
                last = max(days)
                svg = charts.bars(measure.title, days)
                charted.append(Chart(measure.title, svg, min(days), last, days[last]))
        return charted

    def _collector_row(self, org: str, name: str, outcome: Outcome) -> CollectorRow:
        now = self._clock.now()
        due = self._schedule.next_run(org, name)
        if outcome.absent:
            state = "absent"
        else:
            state = "well" if outcome.success else "failing" if outcome.error else "waiting"
        return CollectorRow(
            name=name,
            state=state,
            age=now.timestamp() - outcome.last_success if outcome.last_success else None,
            error=outcome.error,
            next_in=max((due - now).total_seconds(), 0) if due else None,
            series=self._values.series(org, name),
            seconds=outcome.duration,
        )


def _measures(known: Mapping[str, float]) -> list[MeasureRow]:
    rows = []
    for measure in _MEASURES:
        values = {w: known[m] for w in measure.windows if (m := measure.at(w).name) in known}
        expected = {
            w: known[m] for w in measure.expected if (m := measure.expected_at(w).name) in known
        }
        if values:
            rows.append(MeasureRow(measure.title, values, expected))
    return rows


def _up(key: str) -> str:
    """Return the way from an org's page to the overview, whatever prefix a proxy adds."""
    return "../" * (1 + key.count("/"))


def _whole(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,8}", text) else 1


_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def _age(seconds: float | None) -> str:
    """Return a duration in its largest unit."""
    if seconds is None:
        return "–"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "0 s"


def _figure(value: float | None) -> str:
    """Return a number as people read it."""
    if value is None:
        return "–"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _change(value: float | None, expected: float | None) -> str:
    """Return how far a value is from the expected value."""
    if value is None or not expected:
        return ""
    percent = round((value - expected) / expected * 100)
    return f"{percent:+d}%".replace("-", "−") if percent else "±0%"


def _tone(value: float | None, expected: float | None) -> str:
    """Return a class for a change: a small one is no news."""
    if value is None or not expected or abs(value - expected) < _NOTABLE * expected:
        return ""
    return "up" if value > expected else "down"
