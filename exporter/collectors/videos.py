"""What is watched: videos of the org by day, and of each course (seeds 1 and 2)."""

from functools import partial

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import CourseRow, read_courses, read_daily
from exporter.collectors.visit import Findings, Visit
from exporter.windows import TODAY, history, single, total

_COURSE_FIGURES = {
    "num_vids": catalog.COURSE_VIDEOS,
    "num_watched": catalog.COURSE_VIDEO_COMPLETIONS,
    "time_watched": catalog.COURSE_VIDEO_WATCH_SECONDS,
    "avg_percent_watched": catalog.COURSE_VIDEO_WATCHED_RATIO,
    "avg_time_watched": catalog.COURSE_VIDEO_WATCH_SECONDS_PER_LEARNER,
}
_PERCENT = "avg_percent_watched"
_read_videos = partial(read_courses, fields=tuple(_COURSE_FIGURES))


async def videos_today(visit: Visit) -> Findings:
    """Videos watched today."""
    findings = Findings()
    today = single(visit.day)
    answer = await visit.ask(endpoints.VIDEOS_OVER_TIME, read_daily, span=today)
    findings.samples.add(catalog.VIDEO_COMPLETIONS.at(TODAY), total(answer.over(today), today))
    return findings


async def videos(visit: Visit) -> Findings:
    """Videos watched on complete days: one range serves all windows."""
    findings = Findings()
    span = history(visit.day)
    answer = await visit.ask(endpoints.VIDEOS_OVER_TIME, read_daily, span=span)
    days = findings.daily[catalog.VIDEO_COMPLETIONS.name] = answer.over(span)
    visit.put_windows(findings.samples, catalog.VIDEO_COMPLETIONS, partial(total, days))
    return findings


async def course_videos(visit: Visit) -> Findings:
    """Videos of each course: how many there are, and how much they are watched."""
    findings = Findings()
    scale = 100 if visit.org.percentages == "percent" else 1
    rows: dict[str, CourseRow] = {}
    async for page in visit.pages(endpoints.COURSE_VIDEOS, _read_videos):
        rows.update(page.rows)
    for course_id, row in rows.items():
        if visit.org.courses.wants(course_id):
            findings.courses[course_id] = row.name
            for field, metric in _COURSE_FIGURES.items():
                value = row.figures[field]
                if field == _PERCENT and value is not None:
                    value /= scale
                findings.samples.add(metric, value, course_id)
    return findings
