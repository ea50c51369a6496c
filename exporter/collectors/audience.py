"""Active users, active learners and enrollments (seeds 4, 5, 6), and registrations."""

from collections.abc import Callable
from datetime import date, timedelta
from statistics import quantiles

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import (
    CoursePage,
    PayloadError,
    parse_courses,
    parse_daily,
    parse_learners,
    parse_size,
)
from exporter.collectors import daily
from exporter.collectors.run import NewItem, Result, Run
from exporter.collectors.tables import Table
from exporter.history.expected import REACH
from exporter.history.windows import ACTIVE_USERS_7D
from exporter.samples import Samples
from exporter.windows import TODAY, WINDOWS, Span

_ACTIVE = {catalog.ENROLLMENTS: "y", catalog.UNENROLLMENTS: "n"}
_COURSE_ACTIVE = {catalog.COURSE_ENROLLMENTS: "y", catalog.COURSE_UNENROLLMENTS: "n"}
_QUANTILES = {"0.1": 0, "0.5": 4, "0.9": 8}
_USERS = "user_count"
_NO_TOTAL = "`total` is missing or not a number"

LONG_WINDOWS_EVERY = 6
"""Runs after which the longer windows are requested again although yesterday did not change."""

PAST_PER_RUN = 28
"""Days of past unique users that one run requests."""

UNIQUE_SERIES = {"1d": catalog.ACTIVE_USERS.name, "7d": ACTIVE_USERS_7D}
"""Series of the history with unique users, by window."""


def _read_active(body: bytes) -> CoursePage:
    """Read seed 4, which must have values of the org or of courses."""
    response = parse_courses(body, fields=(_USERS,))
    if response.total is None and not response.names:
        raise PayloadError(_NO_TOTAL)
    return response


def _read_total(body: bytes) -> CoursePage:
    """Read only the total of seed 4."""
    response = parse_courses(body, fields=())
    if response.total is None:
        raise PayloadError(_NO_TOTAL)
    return response


async def active_users_today(run: Run) -> Result:
    """Unique active users of today."""
    response = await _active_users(run, run.span(TODAY), _read_total)
    samples = Samples()
    samples.add(catalog.ACTIVE_USERS.at(TODAY), response.total)
    return Result({TODAY: NewItem(samples=samples, interval=run.org.interval, of_day=True)})


async def active_users(run: Run) -> Result:
    """Unique active users of complete days, of the org and of its courses.

    Every window is requested, since unique users cannot be added up. Yesterday is requested every
    time; the longer windows on a new day, after a change, and rarely otherwise.
    """
    result = Result()
    before = run.history.series(run.org.key, catalog.ACTIVE_USERS.name).get(run.yesterday)

    async def collect(name: str) -> None:
        response = await _active_users(run, run.span(name))
        if name in UNIQUE_SERIES:
            run.history.update(
                run.org.key, UNIQUE_SERIES[name], days={run.yesterday: response.total}
            )
        table = Table()
        table.add(response)
        samples = Samples()
        samples.add(catalog.ACTIVE_USERS.at(name), response.total)
        samples.add_column(catalog.COURSE_ACTIVE_USERS.at(name), table.columns.get(_USERS, {}))
        every = 1 if name == "1d" else LONG_WINDOWS_EVERY
        result.items[name] = NewItem(
            samples=samples, interval=run.interval * every, courses=table.names
        )

    await run.each(result, ["1d"], collect)
    changed = before != run.history.series(run.org.key, catalog.ACTIVE_USERS.name).get(
        run.yesterday
    )
    rarely = LONG_WINDOWS_EVERY * run.interval
    due = [name for name in WINDOWS if name != "1d" and (changed or run.is_older(name, rarely))]
    await run.each(result, due, collect)
    return result


async def past_active_users(run: Run) -> Result:
    """Unique active users of past days, which the expected range of active users follows from.

    They no longer change, so each is requested once, the nearest first. The values go to the
    history; there is nothing to keep of the items.
    """
    result = Result(history_of=("active_users",), wanted=lambda key: key not in result.items)
    missing = {f"{name}/{end}": (name, end) for name, end in _missing_past(run)}
    due = [key for key in missing if run.is_due(key)]

    async def collect(key: str) -> None:
        name, end = missing[key]
        span = Span(end - timedelta(days=WINDOWS[name] - 1), end)
        response = await _active_users(run, span, _read_total)
        run.history.update(run.org.key, UNIQUE_SERIES[name], days={end: response.total})
        result.items[key] = NewItem(samples=Samples(), interval=run.interval)

    await run.each(result, due[:PAST_PER_RUN], collect)
    result.again = len(due) > PAST_PER_RUN
    return result


def _missing_past(run: Run) -> list[tuple[str, date]]:
    """Return the windows that are missing: each day, and the weeks that end on this weekday."""
    missing = []
    for ago in range(1, REACH + 1):
        end = run.yesterday - timedelta(days=ago)
        for name, every in (("1d", 1), ("7d", 7)):
            known = run.history.series(run.org.key, UNIQUE_SERIES[name])
            if ago % every == 0 and not known.covers(Span(end, end)):
                missing.append((name, end))
    return missing


def past_requests(history_days: int = REACH) -> int:
    """Return how many requests the past of a new org takes, once."""
    return history_days + history_days // 7


async def active_learners(run: Run) -> Result:
    """Number of active learners, and if configured quantiles of their indexes."""
    samples = Samples()
    if not run.org.learner_indexes:
        response = await run.request(
            endpoints.ACTIVE_LEARNERS, parse_learners, query={"length": "1"}
        )
        samples.add(catalog.ACTIVE_LEARNERS, response.pagination.total_items)
        return run.result("learners", samples)
    indexes: dict[int, tuple[float | None, float | None]] = {}
    async for page in run.pages(endpoints.ACTIVE_LEARNERS, parse_learners):
        indexes.update(page.indexes)
        samples.add(catalog.ACTIVE_LEARNERS, page.pagination.total_items)
    for metric, position in ((catalog.ENGAGEMENT_INDEX, 0), (catalog.PERFORMANCE_INDEX, 1)):
        values = [v for pair in indexes.values() if (v := pair[position]) is not None]
        for name, value in _quantiles(values).items():
            samples.add(metric, value, name)
    return run.result("learners", samples)


def _quantiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    cuts = quantiles(values, n=10, method="inclusive") if len(values) > 1 else values * 9
    return {name: cuts[place] for name, place in _QUANTILES.items()}


async def enrollments(run: Run) -> Result:
    """Enrollments and unenrollments of today and of complete days."""
    result = Result()

    async def collect(name: str) -> None:
        measure = measures[name]
        await daily.add(run, result, measure, parse_daily, {"active": _ACTIVE[measure]})

    measures = {measure.name: measure for measure in _ACTIVE}
    await run.each(result, list(measures), collect)
    return result


async def course_enrollments(run: Run) -> Result:
    """Enrollments and unenrollments of each known course."""
    result = Result(wanted=frozenset(run.courses).__contains__)

    async def collect(course_id: str) -> None:
        samples = Samples()
        for measure, active in _COURSE_ACTIVE.items():
            span = run.unsettled(measure.name, days=daily.WINDOW_DAYS, part=course_id)
            values = await daily.request(
                run,
                endpoints.COURSE_ENROLLMENTS_OVER_TIME,
                parse_daily,
                span=span,
                query={"active": active},
                path_params={"course_id": course_id},
                subject=course_id,
            )
            run.history.update(run.org.key, measure.name, days=values, part=course_id)
            known = run.history.series(run.org.key, measure.name, part=course_id)
            for name in measure.windows:
                samples.add(measure.at(name), known.total(run.span(name)), course_id)
        result.items[course_id] = NewItem(samples=samples, interval=run.interval)

    await run.each(result, run.courses, collect)
    for measure in _COURSE_ACTIVE:
        run.history.keep_parts(run.org.key, measure.name, parts=run.courses)
    return result


async def registered_users(run: Run) -> Result:
    """Number of registered users. Only the length of their list is read."""
    samples = Samples()
    response = await run.request(endpoints.REGISTERED_USERS, parse_size, query={"length": "1"})
    samples.add(catalog.REGISTERED_USERS, response.pagination.total_items)
    return run.result("users", samples)


async def _active_users(
    run: Run, span: Span, read: Callable[[bytes], CoursePage] = _read_active
) -> CoursePage:
    return await run.request(endpoints.ACTIVE_USERS_PER_COURSE, read, span=span)
