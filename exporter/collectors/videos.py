"""What is watched: videos of the org by day, and of each course (seeds 1 and 2)."""

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import read_daily
from exporter.collectors import days, tables
from exporter.collectors.visit import Findings, Visit

_COURSE_FIGURES = {
    "num_vids": catalog.COURSE_VIDEOS,
    "num_watched": catalog.COURSE_VIDEO_COMPLETIONS,
    "time_watched": catalog.COURSE_VIDEO_WATCH_SECONDS,
    "avg_percent_watched": catalog.COURSE_VIDEO_WATCHED_RATIO,
    "avg_time_watched": catalog.COURSE_VIDEO_WATCH_SECONDS_PER_LEARNER,
}


async def videos_today(visit: Visit) -> Findings:
    """Videos watched today."""
    return await days.today(visit, catalog.VIDEO_COMPLETIONS, read_daily)


async def videos(visit: Visit) -> Findings:
    """Videos watched on complete days."""
    return await days.complete(visit, catalog.VIDEO_COMPLETIONS, read_daily)


async def course_videos(visit: Visit) -> Findings:
    """Videos of each course: how many there are, and how much they are watched."""
    findings = Findings()
    table = await tables.courses(visit, endpoints.COURSE_VIDEOS, tuple(_COURSE_FIGURES))
    findings.courses.update(table.names)
    tables.put(visit, findings, table, _COURSE_FIGURES)
    return findings
