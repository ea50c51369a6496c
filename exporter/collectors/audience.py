"""Who is there: active and registered users, active learners, enrolments (seeds 4, 5, 6)."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from statistics import quantiles

from exporter import catalog
from exporter.api import endpoints
from exporter.api.errors import Refused
from exporter.api.payloads import (
    CoursePage,
    Daily,
    PayloadError,
    read_courses,
    read_daily,
    read_learners,
    read_size,
)
from exporter.collectors import days
from exporter.collectors.tables import Table
from exporter.collectors.visit import Findings, Visit
from exporter.windows import (
    BASELINES,
    TODAY,
    WINDOWS,
    Span,
    history,
    single,
    total,
    usual,
    window,
)

_ACTIVE = {catalog.ENROLLMENTS: "y", catalog.UNENROLLMENTS: "n"}
_COURSE_ACTIVE = {catalog.COURSE_ENROLLMENTS: "y", catalog.COURSE_UNENROLLMENTS: "n"}
_QUANTILES = {"0.1": 0, "0.5": 4, "0.9": 8}
_USERS = "user_count"
_NO_TOTAL = "`total` is missing or no number"


def _read_active(body: bytes) -> CoursePage:
    """Read seed 4, which must have figures of the org or of courses."""
    answer = read_courses(body, fields=(_USERS,))
    if answer.total is None and not answer.names:
        raise PayloadError(_NO_TOTAL)
    return answer


def _read_total(body: bytes) -> CoursePage:
    """Read seed 4 for its total alone."""
    answer = read_courses(body, fields=())
    if answer.total is None:
        raise PayloadError(_NO_TOTAL)
    return answer


async def active_users_today(visit: Visit) -> Findings:
    """Unique active users of today."""
    findings = Findings()
    answer = await _active_users(visit, single(visit.day), _read_total)
    findings.samples.add(catalog.ACTIVE_USERS.at(TODAY), answer.total)
    return findings


async def active_users(visit: Visit) -> Findings:
    """Unique active users of complete days, of the org and of its courses.

    Every window is asked for, since unique users cannot be added up.
    """
    findings = Findings()

    async def ask(name: str) -> None:
        answer = await _active_users(visit, window(WINDOWS[name], visit.day))
        findings.samples.add(catalog.ACTIVE_USERS.at(name), answer.total)
        table = Table()
        table.add(answer)
        wanted = table.only(visit.org.courses.wants)
        for course_id, title in wanted.names.items():
            findings.courses[course_id] = title or findings.courses.get(course_id, "")
        findings.samples.add_column(
            catalog.COURSE_ACTIVE_USERS.at(name), wanted.columns.get(_USERS, {})
        )

    past: dict[Span, float | None] = {}

    async def ask_past(span: Span) -> None:
        past[span] = await _active_users_then(visit, span)

    await visit.each(WINDOWS, ask)
    spans = {name: visit.baseline_spans(length) for name, length in BASELINES.items()}
    await visit.each([span for group in spans.values() for span in group], ask_past)
    for name, group in spans.items():
        baseline = catalog.ACTIVE_USERS.baseline(name)
        findings.samples.add(baseline, usual([past[span] for span in group]))
    return findings


async def active_learners(visit: Visit) -> Findings:
    """Number of active learners, and on request quantiles of their indexes."""
    findings = Findings()
    if not visit.org.learner_indexes:
        answer = await visit.ask(endpoints.ACTIVE_LEARNERS, read_learners, query={"length": "1"})
        findings.samples.add(catalog.ACTIVE_LEARNERS, answer.pagination.total_items)
        return findings
    indexes: dict[int, tuple[float | None, float | None]] = {}
    async for page in visit.pages(endpoints.ACTIVE_LEARNERS, read_learners):
        indexes.update(page.indexes)
        findings.samples.add(catalog.ACTIVE_LEARNERS, page.pagination.total_items)
    if len(indexes) >= visit.org.min_group_size:
        for position, metric in enumerate((catalog.ENGAGEMENT_INDEX, catalog.PERFORMANCE_INDEX)):
            known = [row[position] for row in indexes.values()]
            values = [value for value in known if value is not None]
            if values:
                deciles = quantiles(values * (1 + (len(values) == 1)), n=10, method="inclusive")
                for name, place in _QUANTILES.items():
                    findings.samples.add(metric, deciles[place], name)
    return findings


async def enrollments_today(visit: Visit) -> Findings:
    """Enrolments and unenrolments of today."""
    findings = Findings()
    today = single(visit.day)
    for figure, active in _ACTIVE.items():
        by_day = await _enrollments(visit, today, active)
        findings.samples.add(figure.at(TODAY), total(by_day, today))
    return findings


async def enrollments(visit: Visit) -> Findings:
    """Enrolments and unenrolments of complete days: one range serves all windows."""
    findings = Findings()
    for figure, active in _ACTIVE.items():
        by_day = await _enrollments(visit, history(visit.day), active)
        findings.daily[figure.name] = by_day
        visit.put_windows(findings.samples, figure, partial(total, by_day))
    return findings


async def course_enrollments(visit: Visit) -> Findings:
    """Enrolments and unenrolments of each known course.

    A course that the API lists and yet cannot address (404) is passed over.
    """
    findings = Findings()
    span = window(max(WINDOWS.values()), visit.day)
    refusals: list[Refused] = []

    async def ask(course_id: str) -> None:
        try:
            for figure, active in _COURSE_ACTIVE.items():
                answer = await visit.ask(
                    endpoints.COURSE_ENROLLMENTS_OVER_TIME,
                    read_daily,
                    span=span,
                    query={"active": active},
                    names={"course_id": course_id},
                    subject=course_id,
                )
                visit.put_windows(
                    findings.samples, figure, partial(total, answer.over(span)), course_id
                )
        except Refused as refused:
            if refused.kind != "not_found":
                raise
            refusals.append(refused)

    courses = [
        course_id for course_id in await visit.courses() if visit.org.courses.wants(course_id)
    ]
    await visit.each(courses, ask)
    if refusals and len(refusals) == len(courses):
        raise refusals[0]
    return findings


async def registered_users(visit: Visit) -> Findings:
    """Number of registered users. Only the length of their list is read."""
    findings = Findings()
    answer = await visit.ask(endpoints.REGISTERED_USERS, read_size, query={"length": "1"})
    findings.samples.add(catalog.REGISTERED_USERS, answer.pagination.total_items)
    return findings


async def registrations(visit: Visit) -> Findings:
    """New registrations on complete days."""
    return await days.complete(visit, catalog.REGISTRATIONS, read_daily)


async def _active_users(
    visit: Visit, span: Span, read: Callable[[bytes], CoursePage] = _read_active
) -> CoursePage:
    return await visit.ask(endpoints.ACTIVE_USERS_PER_COURSE, read, span=span)


async def _active_users_then(visit: Visit, span: Span) -> float | None:
    """Return the unique users of a span long gone."""

    async def ask() -> float | None:
        return (await _active_users(visit, span)).total

    return await visit.once_a_day((endpoints.ACTIVE_USERS_PER_COURSE, span), ask)


async def _enrollments(visit: Visit, span: Span, active: str) -> Mapping[date, float | None]:
    answer: Daily = await visit.ask(
        endpoints.ENROLLMENTS_OVER_TIME, read_daily, span=span, query={"active": active}
    )
    return answer.over(span)
