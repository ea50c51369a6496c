"""What a configuration will cost, and whether the API goes along with it."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from math import ceil
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from exporter import catalog, collectors
from exporter.api import endpoints
from exporter.api.client import ApiClient, Call
from exporter.api.errors import ApiError
from exporter.api.payloads import PayloadError, read_daily
from exporter.clock import SystemClock
from exporter.collectors import Collector
from exporter.poller import Poller
from exporter.settings import Org, Settings
from exporter.snapshots import SnapshotStore
from exporter.telemetry import Outcome, Telemetry
from exporter.windows import Span, local_date

ASSUMED_COURSES = 50
"""Courses that an org is taken to have until it has been asked."""

MAX_ROWS = 50
"""Orgs listed one by one; a thousand are summed up."""

_HOUR = 3600.0
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Cost:
    """What an org costs: requests an hour, and series."""

    requests: float
    series: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.requests + other.requests, self.series + other.series)


def cost(org: Org, *, courses: int, page_size: int) -> Cost:
    """Return what `org` costs with so many courses that it wants."""
    own = collectors.of(org)
    requests = sum(_requests(c, org, courses=courses, page_size=page_size) for c in own)
    sources = {catalog.source(c.endpoint) for c in own}
    rows = {**catalog.MEMBERS, "course_id": courses, "mentor_id": len(org.mentors)}
    series = courses  # their names
    for metric in catalog.METRICS:
        if metric.source in sources:
            part = next((rows[label] for label in metric.labels if label in rows), 1)
            series += part if org.learner_indexes or "quantile" not in metric.labels else 0
    return Cost(requests, min(series, org.series_limit))


def _requests(collector: Collector, org: Org, *, courses: int, page_size: int) -> float:
    pages = max(ceil(courses / page_size), 1) if collector.paged else 1
    visits = _HOUR / collector.rhythm.seconds(org)
    return visits * pages * collector.requests(org, courses=courses) + collector.once_a_day / 24


def print_plan(settings: Settings, console: Console, *, courses: int = ASSUMED_COURSES) -> None:
    """Print orgs, collectors, requests per hour and series."""
    page_size = settings.api.page_size
    costs = {org: cost(org, courses=courses, page_size=page_size) for org in settings.orgs}
    table = Table("org", "time zone", title="Plan", title_justify="left")
    for heading in ("collectors", "requests/h", "series"):
        table.add_column(heading, justify="right")
    for org, each in islice(costs.items(), MAX_ROWS):
        table.add_row(
            org.key,
            org.timezone,
            str(len(collectors.of(org))),
            f"{each.requests:,.0f}",
            f"{each.series:,}",
        )
    if len(costs) > MAX_ROWS:
        table.add_row(f"… and {len(costs) - MAX_ROWS:,} more", "", "", "", "")
    whole = sum(costs.values(), Cost(0, 0))
    table.add_section()
    table.add_row(
        _count(len(costs), "org"),
        "",
        "",
        f"{whole.requests:,.0f}",
        f"{whole.series:,}",
        style="bold",
    )
    console.print(table)
    console.print(_collectors_table(settings, courses=courses))
    console.print(f"Reckoned with {courses} courses for each org; --live counts them.")
    for warning in settings.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    for host, requests in _by_host(costs).items():
        share = requests / _HOUR / settings.api.rate_limit
        if share > 1:
            console.print(
                f"warning: {host} would need {requests / _HOUR:.1f} requests a second, and "
                f"api.rate_limit allows {settings.api.rate_limit:g}: figures will come late. Raise "
                "it, lengthen history_interval, or turn courses.enrollments off.",
                style="yellow",
                markup=False,
            )
        else:
            console.print(f"{host}: {share:.0%} of api.rate_limit.", markup=False)


def print_missing_keys(orgs: int, console: Console) -> bool:
    """Print how many orgs have no key, if any; return whether all have one."""
    if orgs:
        have = "has" if orgs == 1 else "have"
        text = f"{_count(orgs, 'org')} {have} no API key that can be read."
        console.print(text, style="red", markup=False)
    return not orgs


def _collectors_table(settings: Settings, *, courses: int) -> Table:
    table = Table("collector", "what it brings", title="Collectors", title_justify="left")
    for heading in ("orgs", "requests/h"):
        table.add_column(heading, justify="right")
    for collector in collectors.COLLECTORS:
        orgs = [org for org in settings.orgs if collector.on(org)]
        requests = sum(
            _requests(collector, org, courses=courses, page_size=settings.api.page_size)
            for org in orgs
        )
        style = "" if orgs else "dim"
        row = (collector.name, collector.about, f"{len(orgs):,}", f"{requests:,.0f}")
        table.add_row(*row, style=style)
    return table


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _by_host(costs: dict[Org, Cost]) -> Counter[str]:
    hosts: Counter[str] = Counter()
    for org, each in costs.items():
        url = urlsplit(org.base_url)
        hosts[f"{url.scheme}://{url.netloc}"] += each.requests  # type: ignore[assignment]  # counts may be fractions
    return hosts


class _Observer:
    """Keeps the last status of each endpoint beside what telemetry keeps."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self.codes: dict[tuple[str, str], str] = {}

    def requested(self, org: str, endpoint: str, code: str, seconds: float) -> None:
        """Take note of a request."""
        if self.codes.get((org, endpoint), "200") == "200":
            self.codes[org, endpoint] = code
        self._telemetry.requested(org, endpoint, code, seconds)

    def retried(self, org: str, endpoint: str) -> None:
        """Take note of a request that was sent again."""
        self._telemetry.retried(org, endpoint)

    def rate_limited(self, org: str, endpoint: str) -> None:
        """Take note of an answer that asked to slow down."""
        self._telemetry.rate_limited(org, endpoint)


async def live(settings: Settings, console: Console) -> bool:
    """Call each collector of each org once, print what came of it; return whether all is well."""
    clock = SystemClock()
    store = SnapshotStore()
    telemetry = Telemetry(store)
    observer = _Observer(telemetry)
    api = settings.api
    client = ApiClient(replace(api, retries=min(api.retries, 1)), observer, clock)
    poller = Poller(api=client, store=store, telemetry=telemetry, limits=api, clock=clock)
    poller.set_orgs(settings.orgs)
    turns = asyncio.Semaphore(_AT_ONCE)
    ends: dict[str, str] = {}
    visits = [(org, collector) for org in settings.orgs for collector in collectors.of(org)]
    with Progress(
        TextColumn("asking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task("asking", total=len(visits))

        async def visit(org: Org, collector: Collector) -> None:
            if not collector.per_course:
                async with turns:
                    await poller.run(org.key, collector)
            else:  # waits for the others of its org
                await poller.run(org.key, collector)
            progress.advance(bar)

        async with asyncio.TaskGroup() as group:
            for org, collector in visits:
                group.create_task(visit(org, collector))
        for org in settings.orgs:
            ends[org.key] = await _end_of_range(client, org, local_date(clock.now(), org.zone))
    await poller.close()
    await client.aclose()
    outcomes = {(o.key, c.name): telemetry.outcome(o.key, c.name) for o, c in visits}
    console.print(_table(visits, outcomes, observer, store))
    return _conclude(settings, outcomes, ends, store, console)


def _table(
    visits: list[tuple[Org, Collector]],
    outcomes: dict[tuple[str, str], Outcome],
    observer: _Observer,
    store: SnapshotStore,
) -> Table:
    table = Table(title="Live", title_justify="left")
    for heading in ("org", "collector"):
        table.add_column(heading, overflow="fold")
    for heading in ("status", "time", "series"):
        table.add_column(heading, justify="right")
    table.add_column("error", overflow="fold")
    for org, collector in visits:
        outcome = outcomes[org.key, collector.name]
        snapshot = store.get(org.key, collector.name)
        table.add_row(
            org.key,
            collector.name,
            observer.codes.get((org.key, collector.endpoint.name), "–"),
            f"{outcome.duration:.2f} s",
            f"{snapshot.series:,}" if snapshot else "0",
            outcome.error,
            style="" if outcome.success else "dim" if outcome.absent else "red",
        )
    return table


def _conclude(
    settings: Settings,
    outcomes: dict[tuple[str, str], Outcome],
    ends: dict[str, str],
    store: SnapshotStore,
    console: Console,
) -> bool:
    absent = sum(outcome.absent for outcome in outcomes.values())
    failed = sum(not outcome.success for outcome in outcomes.values()) - absent
    wrong = [org for org in settings.orgs if ends[org.key] not in {"", org.range_end}]
    for org in wrong:
        console.print(
            f"{org.key}: this API counts end_date as {ends[org.key]}; set "
            f"range_end: {ends[org.key]} (it is {org.range_end}).",
            style="red",
            markup=False,
        )
    courses = sum(len(store.courses(org.key)) for org in settings.orgs)
    series = sum(store.series(org.key) for org in settings.orgs)
    console.print(
        f"{_count(len(settings.orgs), 'org')}, {courses:,} courses, {series:,} series; "
        f"{len(outcomes) - absent - failed:,} of {len(outcomes) - absent:,} collectors succeeded"
        f"{f', and {absent:,} are not offered there' if absent else ''}."
    )
    return not failed and not wrong


async def _end_of_range(client: ApiClient, org: Org, today: date) -> str:
    """Return whether the org's API counts the end of a range in; "" if it does not show."""
    span = Span(today - timedelta(days=8), today - timedelta(days=2))
    call = Call(
        endpoint=endpoints.VIDEOS_OVER_TIME,
        names={},
        query={
            "start_date": span.first.isoformat(),
            "end_date": span.last.isoformat(),
            "include_main_platform": str(org.include_main_platform).lower(),
        },
    )
    try:
        days = read_daily(await client.get(org, call)).days
    except (ApiError, PayloadError):
        return ""
    if span.last in days:
        return "inclusive"
    return "exclusive" if span.last - timedelta(days=1) in days else ""
