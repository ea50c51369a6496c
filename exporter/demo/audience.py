"""Who is there: active users, registered users and enrolments."""

from collections.abc import Mapping

from exporter.demo import shapes
from exporter.demo.asking import Answer, Ask, Json
from exporter.demo.campus import Figure

_ROOT = "/api/ai-analytics/audience/orgs/{org}"
_ENROLLED = ("y", "yes", "true", "True")
_UNENROLLED = ("n", "no", "false", "False")


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


def _enrollment_figure(ask: Ask) -> Figure:
    wanted = ask.query.choice("active", *_ENROLLED, *_UNENROLLED)
    return Figure.ENROLLMENTS if wanted in _ENROLLED else Figure.UNENROLLMENTS


ANSWERS: Mapping[str, Answer] = {
    f"{_ROOT}/active-users/per-course": active_users_per_course,
    f"{_ROOT}/enrollments/over-time": enrollments_over_time,
    f"{_ROOT}/enrollments/courses/{{course_id}}/over-time": course_enrollments_over_time,
}
