"""Completed videos: of the org by day, and of each course (seeds 1 and 2)."""

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import parse_daily
from exporter.collectors import daily, tables
from exporter.collectors.run import NewItem, Result, Run

_OF_COURSE = {
    "num_vids": catalog.COURSE_VIDEOS,
    "num_watched": catalog.COURSE_VIDEO_COMPLETIONS,
    "time_watched": catalog.COURSE_VIDEO_WATCH_SECONDS,
    "avg_percent_watched": catalog.COURSE_VIDEO_WATCHED_RATIO,
    "avg_time_watched": catalog.COURSE_VIDEO_WATCH_SECONDS_PER_LEARNER,
}


async def videos(run: Run) -> Result:
    """Videos completed today and on complete days."""
    result = Result()
    await daily.collect(run, result, catalog.VIDEO_COMPLETIONS, parse_daily)
    return result


async def course_videos(run: Run) -> Result:
    """Videos of each course: how many there are, and how much they are watched."""
    table = await tables.courses(run, endpoints.COURSE_VIDEOS, tuple(_OF_COURSE))
    samples = table.samples(_OF_COURSE)
    return Result({"courses": NewItem(samples=samples, interval=run.interval, courses=table.names)})
