"""What a backfill takes: requests, series, samples and bytes, before it starts."""

from dataclasses import astuple, dataclass

from exporter import catalog, collectors
from exporter.api import endpoints
from exporter.api.client import Call
from exporter.api.errors import ApiError
from exporter.api.payloads import PayloadError, parse_size
from exporter.backfill.collecting import (
    COURSES,
    LISTS,
    PAST_USERS,
    USERS,
    WEEKDAYS,
    is_per_day,
)
from exporter.check.series import ASSUMED_COURSES, Size, assumed_size
from exporter.collectors.run import Api
from exporter.exposition.text import LineRenderer
from exporter.history.expected import REACH
from exporter.scheduler import Collection
from exporter.settings import Org
from exporter.windows import TODAY, WINDOWS, Span

_DAY = 86400
_VALUE_AND_TIME = len("1234 1700000000") - len("1.0")
_EXAMPLE = "course-v1:University+Course101+2026"
_REQUESTS = {USERS: len(WINDOWS), "costs": len(WINDOWS) + 1, "enrollments": 2}
"""Requests of a run, where it sends more or fewer than a run of polling."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one org takes, or several; `size` is in bytes."""

    requests: int = 0
    courses: int = 0
    series: int = 0
    samples: int = 0
    size: int = 0

    def __add__(self, other: "Estimate") -> "Estimate":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Estimate(*(one + more for one, more in pairs))


async def size_of(api: Api, org: Org) -> Size:
    """Return how many courses and mentors an org has, with one request that counts courses."""
    call = Call(
        endpoint=endpoints.COURSE_VIDEOS,
        query={"length": "1", "include_main_platform": str(org.include_main_platform).lower()},
        queued=Collection(org=org.key, name=COURSES, due_at=0.0, interval=1.0),
    )
    try:
        found = parse_size(await api.get(org, call)).pagination.total_items
    except (ApiError, PayloadError):
        found = None
    return assumed_size(org, courses=ASSUMED_COURSES if found is None else int(found))


def estimate(org: Org, days: Span, size: Size, *, step: int) -> Estimate:
    """Return what an org of this size takes for the local days `days`."""
    renderer = LineRenderer(org.constants())
    rows = {**catalog.MEMBERS, "course_id": size.courses, "mentor_id": size.mentors}
    series = length = 0
    for metric in gauges(org):
        number = next((rows[label] for label in metric.labels if label in rows), 1)
        labels = tuple(_EXAMPLE for label in metric.labels if label != "org")
        series += number
        length += number * (len(renderer.lines(metric, {labels: 1.0})) + _VALUE_AND_TIME)
    points = len(days) * _DAY // step
    kept = min(series, org.series_limit)
    return Estimate(
        requests=requests(org, size, days=len(days)),
        courses=size.courses,
        series=kept,
        samples=kept * points,
        size=length * points * kept // max(series, 1),
    )


def requests(org: Org, size: Size, *, days: int) -> int:
    """Return how many requests an org takes, if every list fits on one page."""
    found = 0
    for collector in collectors.of(org):
        once = _REQUESTS.get(collector.name, int(collector.requests))
        once += collector.per_course * size.courses + collector.per_mentor * size.mentors
        if collector.daily or collector.name in LISTS:
            found += once
        elif collector.name == PAST_USERS:
            found += REACH + REACH // WEEKDAYS * min(days, WEEKDAYS)
        elif is_per_day(collector):
            found += once * days + (collector.name == "costs")
    return found


def gauges(org: Org) -> list[catalog.Metric]:
    """Return the metrics of an org that a backfill writes."""
    past = (c for c in collectors.of(org) if c.daily or is_per_day(c))
    sources = {catalog.source(collector.endpoint) for collector in past}
    found = [metric for metric in _WINDOWED if metric.source in sources]
    return [*found, catalog.COURSE_INFO, *([catalog.MENTOR_INFO] if org.mentors else [])]


def left_out(org: Org) -> set[str]:
    """Return the names of the gauges that the API returns only as they are now."""
    sources = {
        catalog.source(collector.endpoint)
        for collector in collectors.of(org)
        if not collector.windows and not collector.once and not collector.lists_mentors
    }
    found = {metric.name for metric in catalog.METRICS if metric.source in sources}
    return found - {metric.name for each in catalog.WINDOWED for metric in each.metrics()}


_WINDOWED = tuple(
    metric
    for measure in catalog.WINDOWED
    for metric in measure.metrics()
    if TODAY not in measure.windows or metric is not measure.at(TODAY)
)
"""The metrics of complete days."""
