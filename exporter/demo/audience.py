"""Who is there: active users, registered users and enrolments."""

from collections.abc import Mapping

from exporter.demo import shapes
from exporter.demo.asking import Answer, Ask, Json
from exporter.demo.campus import Figure
from exporter.demo.courses import Course

_AUDIENCE = "/api/ai-analytics/audience/orgs/{org}"
_OVERVIEW = "/api/ai-analytics/overview/orgs/{org}"
_ENROLLED = ("y", "yes", "true", "True")
_UNENROLLED = ("n", "no", "false", "False")
_ACTIVE_FOR = 30
"""Days after which somebody who was active no longer counts as such in a daily series."""


def active_users_per_course(ask: Ask) -> Json:
    """Answer seed 4: unique users of each course, and of the org."""
    view, days = ask.view, ask.days()
    return {
        "data": [
            {
                "course_id": course.course_id,
                "name": course.name,
                "user_count": view.users((course,), days),
            }
            for course in view.courses
        ],
        "total": view.active(days),
        "meta": shapes.meta(days, view.today, view.active),
    }


def active_users_over_time(ask: Ask) -> Json:
    """Answer for each day who was active on it or on the 29 before; in total, on any of them."""
    view, days = ask.view, ask.days()
    counts = [
        view.active(range(day - _ACTIVE_FOR + 1, day + 1)) for day in days if day <= view.today
    ]
    counts += [0] * (len(days) - len(counts))

    def total(span: range) -> int:
        return view.active(range(span.start - _ACTIVE_FOR + 1, span.stop)) if span else 0

    return {
        "data": shapes.by_date(days, counts),
        "total": total(days),
        "meta": shapes.meta(days, view.today, total),
    }


def registered_users_over_time(ask: Ask) -> Json:
    """Answer the registrations of each day."""
    return shapes.changing_series(ask.days(), ask.view.today, ask.view.registrations)


def enrollments_over_time(ask: Ask) -> Json:
    """Answer (un)enrolments of the org by day."""
    figure = _enrollment_figure(ask)
    return shapes.changing_series(
        ask.days(), ask.view.today, lambda days: ask.view.counts(figure, days)
    )


def course_enrollments_over_time(ask: Ask) -> Json:
    """Answer seed 6: (un)enrolments of one course by day."""
    figure, course = _enrollment_figure(ask), ask.course
    return shapes.changing_series(
        ask.days(), ask.view.today, lambda days: ask.view.counts(figure, days, (course,))
    )


def enrollments_per_course(ask: Ask) -> Json:
    """Answer (un)enrolments of each course, and its share in percent of those of the org."""
    view, days, figure = ask.view, ask.days(), _enrollment_figure(ask)
    whole = sum(view.counts(figure, days))

    def row(course: Course) -> Json:
        users = sum(view.counts(figure, days, (course,)))
        return {
            "course_id": course.course_id,
            "name": course.name,
            "users": users,
            "percentage": shapes.percent(users, whole),
        }

    def total(span: range) -> int:
        return sum(view.counts(figure, span))

    return {**ask.page(view.courses, row), "meta": shapes.meta(days, view.today, total)}


def _enrollment_figure(ask: Ask) -> Figure:
    wanted = ask.query.choice("active", *_ENROLLED, *_UNENROLLED)
    return Figure.ENROLLMENTS if wanted in _ENROLLED else Figure.UNENROLLMENTS


ANSWERS: Mapping[str, Answer] = {
    f"{_AUDIENCE}/active-users/per-course": active_users_per_course,
    f"{_AUDIENCE}/active-users/over-time": active_users_over_time,
    f"{_AUDIENCE}/registered-users/over-time": registered_users_over_time,
    f"{_AUDIENCE}/registered-users/per-course": enrollments_per_course,
    f"{_AUDIENCE}/enrollments/over-time": enrollments_over_time,
    f"{_AUDIENCE}/enrollments/per-course": enrollments_per_course,
    f"{_AUDIENCE}/enrollments/courses/{{course_id}}/over-time": course_enrollments_over_time,
    f"{_OVERVIEW}/active-users": active_users_over_time,
    f"{_OVERVIEW}/registered-users": registered_users_over_time,
}
