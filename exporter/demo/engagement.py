"""What is done: videos, time and completions."""

from collections.abc import Mapping
from math import exp

from exporter.demo import shapes
from exporter.demo.asking import Answer, Ask, Json
from exporter.demo.campus import Figure
from exporter.demo.courses import Course

_ROOT = "/api/ai-analytics/engagement/orgs/{org}"

TERM = 120
"""Days that figures without dates cover, today included."""

_SECONDS_A_VIDEO = 290


def videos(ask: Ask) -> Json:
    """Answer seed 1: the videos of each course, watched within the term."""
    view = ask.view
    days = term(ask)

    def row(course: Course) -> Json:
        watched = sum(view.counts(Figure.VIDEOS, days, (course,)))
        seconds = watched * (_SECONDS_A_VIDEO + course.salt % 200)
        learners = view.more(course.size)
        share = 1 - exp(-watched / (learners * course.videos))
        return {
            "name": course.name,
            "course_id": course.course_id,
            "num_vids": course.videos,
            "num_watched": watched,
            "time_watched": seconds,
            "avg_percent_watched": round(100 * share, 2),
            "avg_time_watched": round(seconds / learners, 2),
        }

    return ask.page(view.courses, row)


def videos_over_time(ask: Ask) -> Json:
    """Answer seed 2: videos watched in the org by day."""
    days = ask.days()
    return shapes.series(days, ask.view.counts(Figure.VIDEOS, days))


def term(ask: Ask) -> range:
    """Return the days that figures without dates cover."""
    return range(ask.view.today - TERM + 1, ask.view.today + 1)


ANSWERS: Mapping[str, Answer] = {
    f"{_ROOT}/videos/": videos,
    f"{_ROOT}/videos/over-time": videos_over_time,
}
