"""What learners do: the time they spend, and the courses they complete."""

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import read_daily, read_figures
from exporter.collectors import days, tables
from exporter.collectors.visit import Findings, Visit
from exporter.windows import WINDOWS, window

_COMPLETION = {
    "enrollments": catalog.COURSE_ENROLLED_USERS,
    "completions": catalog.COURSE_COMPLETED,
    "average": catalog.COURSE_COMPLETION_RATIO,
}
_ACTIVITY = {"average_days": catalog.COURSE_VISITS_PER_LEARNER}
_TIME = {
    "time_spent": catalog.COURSE_TIME_SPENT,
    "average_time": catalog.COURSE_TIME_PER_LEARNER,
}


async def time_today(visit: Visit) -> Findings:
    """Time spent today."""
    return await days.today(visit, catalog.TIME_SPENT, read_daily)


async def time(visit: Visit) -> Findings:
    """Time spent on complete days."""
    return await days.complete(visit, catalog.TIME_SPENT, read_daily)


async def time_per_learner(visit: Visit) -> Findings:
    """Mean time of a learner in a course. Means cannot be added up, so each window is asked for."""
    findings = Findings()
    for name in catalog.TIME_PER_LEARNER.windows:
        answer = await visit.ask(
            endpoints.TIME_PER_LEARNER,
            lambda body: read_figures(body, "average"),
            span=window(WINDOWS[name], visit.day),
        )
        findings.samples.add(catalog.TIME_PER_LEARNER.at(name), answer["average"])
    return findings


async def course_time(visit: Visit) -> Findings:
    """Time spent in each course, in all and by a learner."""
    findings = Findings()
    for name in catalog.COURSE_TIME_SPENT.windows:
        span = window(WINDOWS[name], visit.day)
        table = await tables.courses(visit, endpoints.TIME_PER_COURSE, tuple(_TIME), span=span)
        tables.put(visit, findings, table, {f: figure.at(name) for f, figure in _TIME.items()})
    return findings


async def completions_today(visit: Visit) -> Findings:
    """Courses completed today."""
    return await days.today(visit, catalog.COMPLETIONS, read_daily)


async def completions(visit: Visit) -> Findings:
    """Courses completed on complete days."""
    return await days.complete(visit, catalog.COMPLETIONS, read_daily)


async def course_completions(visit: Visit) -> Findings:
    """Users of each course: how many are enrolled, and how many completed it."""
    findings = Findings()
    table = await tables.courses(visit, endpoints.COMPLETIONS_PER_COURSE, tuple(_COMPLETION))
    tables.put(visit, findings, table, _COMPLETION)
    return findings


async def course_activity(visit: Visit) -> Findings:
    """Days on which a learner comes to each course. Of its time the API does not state the unit."""
    findings = Findings()
    table = await tables.courses(visit, endpoints.COURSE_ACTIVITY, tuple(_ACTIVITY))
    tables.put(visit, findings, table, _ACTIVITY)
    return findings
