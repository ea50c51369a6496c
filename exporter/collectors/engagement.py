"""Time that learners spend, and courses that they complete."""

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import parse_daily, parse_values
from exporter.collectors import daily, tables
from exporter.collectors.run import NewItem, Result, Run
from exporter.samples import Samples
from exporter.windows import WINDOWS, window

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


async def time(run: Run) -> Result:
    """Time spent today and on complete days."""
    result = Result()
    await daily.collect(run, result, catalog.TIME_SPENT, parse_daily)
    return result


async def time_per_learner(run: Run) -> Result:
    """Mean time of a learner in a course. Means cannot be added up, so each window is requested."""
    result = Result()

    async def collect(name: str) -> None:
        response = await run.request(
            endpoints.TIME_PER_LEARNER,
            lambda body: parse_values(body, "average"),
            span=window(WINDOWS[name], run.day),
        )
        samples = Samples()
        samples.add(catalog.TIME_PER_LEARNER.at(name), response["average"])
        result.items[name] = NewItem(samples=samples, interval=run.interval)

    await run.each(result, catalog.TIME_PER_LEARNER.windows, collect)
    return result


async def course_time(run: Run) -> Result:
    """Time spent in each course, in total and per learner."""
    result = Result()

    async def collect(name: str) -> None:
        span = window(WINDOWS[name], run.day)
        table = await tables.courses(run, endpoints.TIME_PER_COURSE, tuple(_TIME), span=span)
        samples = table.samples({member: measure.at(name) for member, measure in _TIME.items()})
        result.items[name] = NewItem(samples=samples, interval=run.interval)

    await run.each(result, catalog.COURSE_TIME_SPENT.windows, collect)
    return result


async def completions(run: Run) -> Result:
    """Courses completed today and on complete days."""
    result = Result()
    await daily.collect(run, result, catalog.COMPLETIONS, parse_daily)
    return result


async def course_completions(run: Run) -> Result:
    """Users of each course: how many are enrolled, and how many completed it."""
    table = await tables.courses(run, endpoints.COMPLETIONS_PER_COURSE, tuple(_COMPLETION))
    return Result({"courses": NewItem(samples=table.samples(_COMPLETION), interval=run.interval)})


async def course_activity(run: Run) -> Result:
    """Days on which a learner is active in each course. The API does not state a unit of time."""
    table = await tables.courses(run, endpoints.COURSE_ACTIVITY, tuple(_ACTIVITY))
    return Result({"courses": NewItem(samples=table.samples(_ACTIVITY), interval=run.interval)})
