"""The core values from the newer family `/api/analytics/`, for deployments without the seeds.

It has no videos, learners or unenrollments. Active users are those of the platform's Users screen.
"""

from collections.abc import Mapping
from functools import partial

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import parse_content, parse_headline, parse_points, parse_v2_users
from exporter.collectors import daily, windowed
from exporter.collectors.audience import UNIQUE_SERIES
from exporter.collectors.run import NewItem, Result, Run
from exporter.collectors.tables import Table
from exporter.samples import Samples
from exporter.windows import TODAY, WINDOWS, Span

_ENROLLMENTS = "totals.total_enrollments"
_OF_COURSE = "enrollments"
_AVERAGE = "avg_messages_per_session"
_BY_DAY = {"metric": "sessions", "granularity": "day"}
_COURSES = {"metric": "courses"}
_NAMES = "names"
"""The item with the names of courses, beside those of the windows."""


async def active_users_today(run: Run) -> Result:
    """Unique active users of today."""
    samples = Samples()
    value = await _active_users(run, run.span(TODAY))
    samples.add(catalog.ACTIVE_USERS.at(TODAY), value)
    return Result({TODAY: NewItem(samples=samples, interval=run.interval, of_day=True)})


async def active_users(run: Run) -> Result:
    """Unique active users of complete days, and the names of courses."""
    result = Result()

    async def collect(name: str) -> None:
        samples = Samples()
        if name == _NAMES:
            names = await _course_names(run)
            result.items[name] = NewItem(samples=samples, interval=run.interval, courses=names)
            return
        value = await _active_users(run, run.span(name))
        samples.add(catalog.ACTIVE_USERS.at(name), value)
        if name in UNIQUE_SERIES:
            run.history.update(run.org.key, UNIQUE_SERIES[name], days={run.yesterday: value})
        result.items[name] = NewItem(samples=samples, interval=run.interval)

    await run.each(result, [*WINDOWS, _NAMES], collect)
    return result


async def enrollments(run: Run) -> Result:
    """Enrollments of today and of complete days."""
    result = Result()
    measure = catalog.ENROLLMENTS
    older = run.is_older(measure.name, run.org.history_interval)
    complete = Samples()
    for name in (TODAY, *WINDOWS) if older else (TODAY,):
        span = run.span(name)
        read = partial(parse_content, summary=(_ENROLLMENTS,))
        query = {**_COURSES, "limit": "1"}
        response = await run.request(endpoints.V2_CONTENT, read, span=span, query=query)
        value = response.summary[_ENROLLMENTS]
        if name in {TODAY, "1d"}:
            run.history.update(run.org.key, measure.name, days={span.last: value})
        samples = Samples() if name == TODAY else complete
        samples.add(measure.at(name), value)
        key = f"{measure.name}/today" if name == TODAY else measure.name
        interval = run.interval if name == TODAY else run.org.history_interval
        result.items[key] = NewItem(samples=samples, interval=interval, of_day=name == TODAY)
    return result


async def course_enrollments(run: Run) -> Result:
    """Enrollments of each course."""

    async def request(name: str, span: Span) -> Samples:
        table = await _courses(run, span, (_OF_COURSE,))
        return table.samples({_OF_COURSE: catalog.COURSE_ENROLLMENTS.at(name)})

    result = await windowed.collect(run, WINDOWS, request)
    result.wanted = frozenset(WINDOWS).__contains__
    return result


async def course_videos(run: Run) -> Result:
    """Names of the courses; the newer family has no videos."""
    return run.result("courses", Samples(), courses=await _course_names(run))


async def chat(run: Run) -> Result:
    """Chat sessions, and messages per session, of today and of complete days."""
    result = Result()
    await run.each(result, ["org"], lambda key: _chat(run, result, key, mentor=""))
    return result


async def mentor_chat(run: Run) -> Result:
    """The same for each mentor with metrics of its own."""
    wanted = frozenset(run.mentors)
    result = Result(wanted=lambda key: key.partition("/")[0] in wanted)

    async def collect(mentor: str) -> None:
        await _chat(run, result, mentor, mentor=mentor)

    await run.each(result, run.mentors, collect)
    return result


async def _chat(run: Run, result: Result, key: str, *, mentor: str) -> None:
    count, mean = (
        (catalog.MENTOR_CHAT_SESSIONS, catalog.MENTOR_AVG_MESSAGES)
        if mentor
        else (catalog.CHAT_SESSIONS, catalog.AVG_MESSAGES)
    )
    query = {"mentor_unique_id": mentor} if mentor else {}
    labels = (mentor,) if mentor else ()
    days = daily.WINDOW_DAYS if mentor else daily.EXPECTED_DAYS
    values = await daily.request(
        run,
        endpoints.V2_SESSIONS,
        parse_points,
        span=run.unsettled(catalog.CHAT_SESSIONS.name, days=days, part=mentor),
        query={**_BY_DAY, **query},
        subject=mentor,
    )
    run.history.update(run.org.key, catalog.CHAT_SESSIONS.name, days=values, part=mentor)
    sessions = run.history.series(run.org.key, catalog.CHAT_SESSIONS.name, part=mentor)
    daily.add_windows(run, result, key, {count: sessions.total}, known=sessions, labels=labels)
    older = run.is_older(f"{key}/averages", run.org.history_interval)
    complete = Samples()
    for name in (TODAY, *WINDOWS) if older else (TODAY,):
        span = run.span(name)
        if not sessions.total(span):
            continue  # no sessions, no average
        response = await run.request(
            endpoints.V2_SESSIONS,
            lambda body: parse_headline(body, _AVERAGE),
            span=span,
            query={"metric": "headline", **query},
            subject=mentor,
        )
        samples = Samples() if name == TODAY else complete
        samples.add(mean.at(name), response[_AVERAGE], *labels)
        if name == TODAY:
            result.items[f"{key}/averages/today"] = NewItem(
                samples=samples, interval=run.interval, of_day=True
            )
    if older:
        result.items[f"{key}/averages"] = NewItem(
            samples=complete, interval=run.org.history_interval
        )


async def _active_users(run: Run, span: Span) -> float | None:
    query = {"metric": "active_users", "granularity": "day"}
    return (await run.request(endpoints.V2_USERS, parse_v2_users, span=span, query=query)).value


async def _course_names(run: Run) -> Mapping[str, str]:
    return (await _courses(run, run.span("28d"), ())).names


async def _courses(run: Run, span: Span, fields: tuple[str, ...]) -> Table:
    """Return the rows of the org's own courses."""
    table = Table()
    read = partial(parse_content, fields=fields)
    async for page in run.pages(endpoints.V2_CONTENT, read, span=span, query=_COURSES):
        own = {id_: name for id_, name in page.names.items() if id_ not in page.external}
        table.names.update(own)
        for member, column in page.columns.items():
            values = {id_: value for id_, value in column.items() if id_ in own}
            table.columns.setdefault(member, {}).update(values)
    return table
