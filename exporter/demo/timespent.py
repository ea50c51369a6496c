"""Time that learners spend, in seconds: of the org, of each course and of one course."""

from collections.abc import Mapping, Sequence
from datetime import date

from exporter.demo import shapes
from exporter.demo.asking import TERM, Answer, Ask, Json
from exporter.demo.courses import Course

_ROOT = "/api/ai-analytics/engagement/orgs/{org}"
_COURSE = f"{_ROOT}/courses/{{course_id}}/time"


def time_over_time(ask: Ask) -> Json:
    """Answer the time of each day."""
    return shapes.changing_series(ask.days(), ask.view.today, ask.view.seconds)


def time_per_course(ask: Ask) -> Json:
    """Answer the time spent in each course."""
    return ask.page(ask.view.courses, lambda course: _row(ask, course, ask.days()))


def most_active_courses(ask: Ask) -> Json:
    """Answer the same as `time/per-course`, most time first."""
    rows = [_row(ask, course, ask.days()) for course in ask.view.courses]
    rows.sort(key=lambda row: (-row["time_spent"], row["course_id"]))
    return ask.page(rows, lambda row: row)


def average_time(ask: Ask) -> Json:
    """Answer the mean time of each day's active users."""
    view, days = ask.view, ask.days()
    return _mean(days, view.seconds(days), [view.active((day,)) for day in days])


def average_time_in_a_course(ask: Ask) -> Json:
    """Answer the mean time of a learner in a course."""
    days = ask.days()
    return _mean(days, ask.view.seconds(days), ask.view.visits(days))


def course_average_time(ask: Ask) -> Json:
    """Answer the mean time of each day's active users of one course."""
    days, course = ask.days(), (ask.course,)
    return _mean(days, ask.view.seconds(days, course), ask.view.visits(days, course))


def course_time_over_time(ask: Ask) -> Json:
    """Answer the time of each day in one course."""
    days = ask.days()
    return shapes.series(days, ask.view.seconds(days, (ask.course,)))


def activity(ask: Ask) -> Json:
    """Answer the days and the time of a learner in each course within the term."""
    view = ask.view
    days = view.last(TERM)

    def row(course: Course) -> Json:
        users = view.users((course,), days) or 1
        return {
            "course_id": course.course_id,
            "name": course.name,
            **_begin_and_end(ask, course),
            "average_days": round(sum(view.visits(days, (course,))) / users),
            "average_time_spent": round(sum(view.seconds(days, (course,))) / users, 2),
        }

    return ask.page(view.courses, row)


def _row(ask: Ask, course: Course, days: range) -> dict[str, Json]:
    spent = sum(ask.view.seconds(days, (course,)))
    users = ask.view.users((course,), days)
    return {
        "name": course.name,
        "course_id": course.course_id,
        "time_spent": spent,
        **_begin_and_end(ask, course),
        "average_time": round(spent / users, 2) if users else 0.0,
    }


def _mean(days: range, seconds: Sequence[int], users: Sequence[int]) -> Json:
    means = [round(a / b, 2) if b else 0.0 for a, b in zip(seconds, users, strict=True)]
    whole = sum(users)
    return {
        "data": shapes.by_date(days, means),
        "average": round(sum(seconds) / whole, 2) if whole else 0.0,
    }


def _begin_and_end(ask: Ask, course: Course) -> dict[str, str]:
    """Return the dates of a course; every third one never ends."""
    year = date.fromordinal(ask.view.today).year
    end = "" if course.index % 3 == 0 else f"{year}-12-18"
    return {"course_start": f"{year}-01-12", "course_end": end}


ANSWERS: Mapping[str, Answer] = {
    f"{_ROOT}/activity": activity,
    f"{_ROOT}/time/over-time": time_over_time,
    f"{_ROOT}/time/per-course": time_per_course,
    f"{_ROOT}/time/average-with-over-time": average_time,
    f"{_ROOT}/time/average-perlearner-percourse": average_time_in_a_course,
    f"{_COURSE}/average": course_average_time,
    f"{_COURSE}/over-time": course_time_over_time,
    "/api/ai-analytics/overview/orgs/{org}/most-active-courses": most_active_courses,
}
