"""Status pages: the state of every org, and the values of one. Plain HTML, no scripts."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, Protocol
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from exporter import __version__, catalog
from exporter.clock import Clock
from exporter.history.ranges import ExpectedRanges
from exporter.history.store import History
from exporter.settings import Org
from exporter.settings.schema import EXTRAS
from exporter.snapshots import Snapshots
from exporter.telemetry import Outcome
from exporter.web import measures, texts
from exporter.windows import TODAY, WINDOWS

PER_PAGE = 100
"""Orgs on one page of the overview."""

_AT_ONCE = 20
"""Orgs rendered before other tasks of the event loop run."""

_ACTIVE = catalog.ACTIVE_USERS.at("7d")
_EXPECTED = catalog.ACTIVE_USERS.expected_at("7d")
_WORST_FIRST = ("failing", "partly", "waiting", "ok")


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

    @property
    def grafana_url(self) -> str | None:
        """The address of Grafana, for links to dashboards."""
        ...

    def org(self, key: str) -> Org:
        """Return the settings of an org."""
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

    def generations(self, org: str) -> Mapping[str, str]:
        """Return the generation of the API that values come from, by collector."""
        ...


class Schedule(Protocol):
    """When collectors are due."""

    def next_run(self, org: str, collector: str) -> datetime | None:
        """Return when a collector is due next."""
        ...


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
    items_failed: int
    generation: str


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
        """Seconds until the next run."""
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
            "age": texts.age,
            "number": texts.number,
            "change": texts.change,
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
            tone=lambda row: texts.tone(row.active, row.active_expected, catalog.ACTIVE_USERS),
            base="./",
        )

    async def org(self, request: Request) -> Response:
        """Show one org: its values, small charts of the last weeks, and its collectors."""
        key = request.path_params["org"]
        if key not in self._orgs.orgs:
            page = self._render("unknown.html", org=key, base=_up(key))
            page.status_code = 404
            return page
        org = self._orgs.org(key)
        rows = measures.rows(org, self._values.values(key), self._ranges, now=self._clock.now())
        charts = list(measures.daily_charts(org, self._history, now=self._clock.now()))
        return self._render(
            "org.html",
            org=key,
            row=self._org_row(key),
            labels={k: v for k, v in self._orgs.orgs[key].items() if k != "org"},
            windows=(TODAY, *WINDOWS),
            measures=[row for row in rows if row.core],
            more_measures=[row for row in rows if not row.core],
            charts=[chart for chart in charts if chart.core],
            more_charts=[chart for chart in charts if not chart.core],
            extras_off=[extra for extra in EXTRAS if extra not in org.extras],
            dashboard=_dashboard(self._orgs.grafana_url, key),
            courses=len(self._snapshots.courses(key)),
            base=_up(key),
        )

    def _render(self, name: str, **context: Any) -> HTMLResponse:
        text = self._templates.get_template(name).render(version=__version__, **context)
        policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
        return HTMLResponse(text, headers={"content-security-policy": policy})

    async def _rows(self) -> list[OrgRow]:
        """Return every org; scrapes and polls go on meanwhile."""
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
        succeeding = sum(row.state == "ok" for row in rows)
        if any(row.state == "failing" for row in rows):
            state = "partly" if succeeding else "failing"
        else:
            state = "waiting" if any(row.state == "waiting" for row in rows) else "ok"
        known = self._values.values(key)
        return OrgRow(
            key, state, succeeding, rows, known.get(_ACTIVE.name), known.get(_EXPECTED.name)
        )

    def _collector_row(self, org: str, name: str, outcome: Outcome) -> CollectorRow:
        now = self._clock.now()
        due = self._schedule.next_run(org, name)
        if outcome.absent:
            state = "absent"
        else:
            state = "ok" if outcome.success else "failing" if outcome.error else "waiting"
        return CollectorRow(
            name=name,
            state=state,
            age=now.timestamp() - outcome.last_success if outcome.last_success else None,
            error=outcome.error,
            next_in=max((due - now).total_seconds(), 0) if due else None,
            series=self._values.series(org, name),
            seconds=outcome.duration,
            items_failed=outcome.items_failed,
            generation=self._outcomes.generations(org).get(name, ""),
        )


def _dashboard(grafana: str | None, key: str) -> str:
    """Return the address of an org's dashboard, empty without a Grafana."""
    return f"{grafana.rstrip('/')}/d/iblai-org?{urlencode({'var-org': key})}" if grafana else ""


def _up(key: str) -> str:
    """Return the way from an org's page to the overview, whatever prefix a proxy adds."""
    return "../" * (1 + key.count("/"))


def _whole(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,8}", text) else 1
