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
from exporter.snapshots import Snapshot, SnapshotStore
from exporter.telemetry import Outcome
from exporter.web import charts
from exporter.windows import TODAY, WINDOWS

PER_PAGE = 100
"""Orgs on one page of the overview."""

_FIGURES = tuple(f for f in catalog.WINDOWED if f.labels == ("org",))
_AT_ONCE = 20
"""Orgs looked at before others get their turn."""

_ACTIVE = catalog.ACTIVE_USERS.at("7d")
_USUALLY = catalog.ACTIVE_USERS.baseline("7d")
_NEWS = 0.2
"""Change against what is usual that is worth a colour, as a share."""

_WORST_FIRST = ("failing", "partly", "waiting", "well")


class Watcher(Protocol):
    """Who knows which orgs there are, and whether all have been tried."""

    @property
    def ready(self) -> bool:
        """Whether every org has been tried once."""
        ...

    @property
    def orgs(self) -> Mapping[str, Mapping[str, str]]:
        """The orgs with their constant labels."""
        ...


class Witness(Protocol):
    """Who knows what came of each visit."""

    def outcomes(self, org: str) -> Mapping[str, Outcome]:
        """Return what came of the last attempts of an org, by collector."""
        ...


class Planner(Protocol):
    """Who knows when the next visit is."""

    def next_visit(self, org: str, collector: str) -> datetime | None:
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


@dataclass(frozen=True, slots=True)
class OrgRow:
    """One org, as the table shows it."""

    key: str
    state: str
    succeeding: int
    collectors: tuple[CollectorRow, ...]
    active: float | None
    usually: float | None

    @property
    def change(self) -> float | None:
        """How far active users are from what is usual, as a share of it."""
        if self.active is None or not self.usually:
            return None
        return (self.active - self.usually) / self.usually

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
        watcher: Watcher,
        store: SnapshotStore,
        witness: Witness,
        planner: Planner,
        clock: Clock,
    ) -> None:
        self._watcher = watcher
        self._store = store
        self._witness = witness
        self._planner = planner
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
            ready=self._watcher.ready,
            uptime=self._clock.monotonic() - self._began,
            base="./",
        )

    async def org(self, request: Request) -> Response:
        """Show one org: its collectors, its figures, and small charts of the last weeks."""
        key = request.path_params["org"]
        if key not in self._watcher.orgs:
            page = self._render("unknown.html", org=key, base=_up(key))
            page.status_code = 404
            return page
        snapshots = self._store.of(key)
        return self._render(
            "org.html",
            org=key,
            row=self._org_row(key),
            labels={k: v for k, v in self._watcher.orgs[key].items() if k != "org"},
            windows=(TODAY, *WINDOWS),
            figures=_figures(snapshots),
            charts=_charts(snapshots),
            courses=len(self._store.courses(key)),
            base=_up(key),
        )

    def _render(self, name: str, **context: Any) -> HTMLResponse:
        text = self._templates.get_template(name).render(version=__version__, **context)
        policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
        return HTMLResponse(text, headers={"content-security-policy": policy})

    async def _rows(self) -> list[OrgRow]:
        """Return every org; scrapes and visits go on meanwhile."""
        rows = []
        for count, key in enumerate(self._watcher.orgs):
            rows.append(self._org_row(key))
            if count % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        return rows

    def _org_row(self, key: str) -> OrgRow:
        rows = tuple(
            self._collector_row(key, name, outcome)
            for name, outcome in self._witness.outcomes(key).items()
        )
        succeeding = sum(row.state == "well" for row in rows)
        if any(row.state == "failing" for row in rows):
            state = "partly" if succeeding else "failing"
        else:
            state = "waiting" if any(row.state == "waiting" for row in rows) else "well"
        figures = _headline(self._store.of(key))
        return OrgRow(
            key, state, succeeding, rows, figures.get(_ACTIVE.name), figures.get(_USUALLY.name)
        )

    def _collector_row(self, org: str, name: str, outcome: Outcome) -> CollectorRow:
        now = self._clock.now()
        snapshot = self._store.get(org, name)
        due = self._planner.next_visit(org, name)
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
            series=snapshot.series if snapshot else 0,
            seconds=outcome.duration,
        )


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of an org in each window, with what it usually reads."""

    title: str
    values: Mapping[str, float]
    usual: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure of an org by day."""

    title: str
    svg: str
    first: date
    last: date
    latest: float | None


def _headline(snapshots: Mapping[str, Snapshot]) -> dict[str, float]:
    """Return the figures of an org itself, whoever brought them."""
    return {name: v for snapshot in snapshots.values() for name, v in snapshot.headline.items()}


def _figures(snapshots: Mapping[str, Snapshot]) -> list[FigureRow]:
    known = _headline(snapshots)
    rows = []
    for figure in _FIGURES:
        values = {w: known[m] for w in figure.windows if (m := figure.at(w).name) in known}
        usual = {w: known[m] for w in figure.baselines if (m := figure.baseline(w).name) in known}
        if values:
            rows.append(FigureRow(figure.title, values, usual))
    return rows


def _charts(snapshots: Mapping[str, Snapshot]) -> list[Chart]:
    daily = {name: days for s in snapshots.values() for name, days in s.daily.items()}
    return [
        Chart(
            title=figure.title,
            svg=charts.bars(figure.title, daily[figure.name]),
            first=min(daily[figure.name]),
            last=max(daily[figure.name]),
            latest=daily[figure.name][max(daily[figure.name])],
        )
        for figure in _FIGURES
        if daily.get(figure.name)
    ]


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


def _change(value: float | None, usual: float | None) -> str:
    """Return how far a value is from what it usually reads."""
    if value is None or not usual:
        return ""
    percent = round((value - usual) / usual * 100)
    return f"{percent:+d}%".replace("-", "−") if percent else "±0%"


def _tone(value: float | None, usual: float | None) -> str:
    """Return a class for a change: a small one is no news."""
    if value is None or not usual or abs(value - usual) < _NEWS * usual:
        return ""
    return "up" if value > usual else "down"
