"""Videos, the time that learners spend, and the courses that they complete (seeds 1 and 2)."""

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import parse_values
from exporter.collectors import tables, windowed
from exporter.collectors.run import Result, Run
from exporter.samples import Samples
from exporter.windows import Span

_VIDEOS = {
    "num_vids": catalog.COURSE_VIDEOS,
    "num_watched": catalog.COURSE_VIDEO_COMPLETIONS,
    "time_watched": catalog.COURSE_VIDEO_WATCH_SECONDS,
    "avg_percent_watched": catalog.COURSE_VIDEO_WATCHED_RATIO,
    "avg_time_watched": catalog.COURSE_VIDEO_WATCH_SECONDS_PER_LEARNER,
}
_COMPLETION = {
    "enrollments": catalog.COURSE_ENROLLED_USERS,
    "completions": catalog.COURSE_COMPLETED,
    "average": catalog.COURSE_COMPLETION_RATIO,
}
_ACTIVITY = {"average_days": catalog.COURSE_ACTIVITY_PER_LEARNER}
_TIME = {
    "time_spent": catalog.COURSE_TIME_SPENT,
    "average_time": catalog.COURSE_TIME_PER_LEARNER,
}


async def course_videos(run: Run) -> Result:
    """Videos of each course: how many there are, and how much they are watched."""
    table = await tables.courses(run, endpoints.COURSE_VIDEOS, tuple(_VIDEOS))
    return run.result("courses", table.samples(_VIDEOS), courses=table.names)


async def time_per_learner(run: Run) -> Result:
    """Mean time of a learner in a course. Means cannot be added up, so each window is requested."""
    measures = {"average": catalog.TIME_PER_LEARNER}
    return await windowed.collect_values(run, endpoints.TIME_PER_LEARNER, parse_values, measures)


async def course_time(run: Run) -> Result:
    """Time spent in each course, in total and per learner."""

    async def request(name: str, span: Span) -> Samples:
        table = await tables.courses(run, endpoints.TIME_PER_COURSE, tuple(_TIME), span=span)
        return table.samples({member: measure.at(name) for member, measure in _TIME.items()})

    return await windowed.collect(run, catalog.COURSE_TIME_SPENT.windows, request)


async def course_completions(run: Run) -> Result:
    """Users of each course: how many are enrolled, and how many completed it."""
    table = await tables.courses(run, endpoints.COMPLETIONS_PER_COURSE, tuple(_COMPLETION))
    return run.result("courses", table.samples(_COMPLETION))


async def course_activity(run: Run) -> Result:
    """Days on which a learner is active in each course. The API does not state a unit of time."""
    table = await tables.courses(run, endpoints.COURSE_ACTIVITY, tuple(_ACTIVITY))
    return run.result("courses", table.samples(_ACTIVITY))
