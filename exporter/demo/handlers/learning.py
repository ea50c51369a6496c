"""Learning analytics of the seeds' generation, by day: users, enrollments, time, videos."""

from collections.abc import Sequence
from functools import partial
from math import exp

from exporter.demo.data.courses import Course
from exporter.demo.data.org import Event
from exporter.demo.handlers.series import (
    by_date,
    mean,
    percent,
    rows_of_page,
    series,
    series_with_meta,
)
from exporter.demo.request import TERM, ApiRequest, Json

_ENROLLED = ("y", "yes", "true", "True")
_UNENROLLED = ("n", "no", "false", "False")
_ACTIVE_FOR = 30
"""Days that somebody who was active counts as such in `active-users/over-time`."""

_SECONDS_WATCHED = 290


def active_users_per_course(request: ApiRequest) -> Json:
    """Return seed 4: unique users of each course, and of the org."""
    view, days = request.view, request.days()
    total = view.active(days)
    rows = [{**_named(c), "user_count": view.users((c,), days)} for c in view.courses]
    return {"data": rows, "total": total, "meta": {"total": total}}


def active_users_over_time(request: ApiRequest) -> Json:
    """Return for each day who was active on it or on the 29 before; in total, on any of them."""
    view, days = request.view, request.days()

    def active(span: range) -> int:
        return view.active(range(span.start - _ACTIVE_FOR + 1, span.stop)) if span else 0

    data = by_date(request, days, [active(range(day, day + 1)) for day in days])
    return {"data": data, "total": active(days), "meta": {"total": active(days)}}


def registered_users_over_time(request: ApiRequest) -> Json:
    """Return the registrations of each day."""
    return series_with_meta(request, request.view.registrations)


def enrollments_over_time(request: ApiRequest) -> Json:
    """Return the (un)enrollments of the org by day."""
    return series_with_meta(request, partial(request.view.counts, _enrollment(request)))


def course_enrollments_over_time(request: ApiRequest) -> Json:
    """Return seed 6: the (un)enrollments of one course by day."""
    event, courses = _enrollment(request), (request.course,)
    return series_with_meta(request, lambda days: request.view.counts(event, days, courses))


def time_over_time(request: ApiRequest) -> Json:
    """Return the time of each day."""
    return series_with_meta(request, request.view.seconds)


def time_per_course(request: ApiRequest) -> Json:
    """Return the time spent in each course."""
    view, days = request.view, request.days()

    def row(course: Course) -> Json:
        spent = sum(view.seconds(days, (course,)))
        return {
            **_named(course),
            **_dates(course),
            "time_spent": spent,
            "average_time": mean(spent, view.users((course,), days)),
        }

    return rows_of_page(request, view.courses, row)


def average_time(request: ApiRequest) -> Json:
    """Return the mean time of each day's active users."""
    days = request.days()
    return _means(request, days, [request.view.active((day,)) for day in days])


def average_time_in_a_course(request: ApiRequest) -> Json:
    """Return the mean time of a learner in a course."""
    days = request.days()
    return _means(request, days, request.view.course_days(days))


def activity(request: ApiRequest) -> Json:
    """Return the days and the time of a learner in each course within the term."""
    view = request.view
    days = view.last(TERM)

    def row(course: Course) -> Json:
        users = view.users((course,), days)
        attended = sum(view.users_by_day(course, days))
        return {
            **_named(course),
            **_dates(course),
            "average_days": int(mean(attended, users, digits=0)),
            "average_time_spent": mean(attended * course.seconds, users),
        }

    return rows_of_page(request, view.courses, row)


def videos_per_course(request: ApiRequest) -> Json:
    """Return seed 1: the videos of each course, completed within the term."""
    view = request.view

    def row(course: Course) -> Json:
        watched = sum(view.counts(Event.VIDEO, view.last(TERM), (course,)))
        seconds = watched * (_SECONDS_WATCHED + course.salt % 200)
        learners = view.plus_main(course.size)
        return {
            **_named(course),
            "num_vids": course.videos,
            "num_watched": watched,
            "time_watched": seconds,
            "avg_percent_watched": round(100 - 100 * exp(-watched / (learners * course.videos)), 2),
            "avg_time_watched": mean(seconds, learners),
        }

    return rows_of_page(request, view.courses, row)


def videos_over_time(request: ApiRequest) -> Json:
    """Return seed 2: videos completed in the org by day."""
    days = request.days()
    return series(request, days, request.view.counts(Event.VIDEO, days))


def completions_over_time(request: ApiRequest) -> Json:
    """Return the completions of courses by day."""
    return series_with_meta(request, partial(request.view.counts, Event.COMPLETION))


def completions_per_course(request: ApiRequest) -> Json:
    """Return the completions of each course within the term, and their share in percent."""

    def row(course: Course) -> Json:
        enrolled, completed = request.view.plus_main(course.size), _completed(request, course)
        return {
            **_named(course),
            "enrollments": enrolled,
            "completions": completed,
            "average": percent(completed, enrolled),
        }

    return rows_of_page(request, request.view.courses, row)


def grades_per_course(request: ApiRequest) -> Json:
    """Return the mean grade of each course."""

    def row(course: Course) -> Json:
        return {
            **_named(course),
            "num_enrollments": request.view.plus_main(course.size),
            "num_passed": _completed(request, course),
            "avg_grade": _grade(request, (course,)),
        }

    return rows_of_page(request, request.view.courses, row)


def average_grade(request: ApiRequest) -> Json:
    """Return the mean grade of the org."""
    return {"data": {"average": _grade(request, request.view.courses)}}


def _named(course: Course) -> dict[str, Json]:
    return {"course_id": course.course_id, "name": course.name}


def _dates(course: Course) -> dict[str, Json]:
    """Return the dates of a course; every third one never ends."""
    return {
        "course_start": "2026-01-12",
        "course_end": "" if course.index % 3 == 0 else "2026-12-18",
    }


def _enrollment(request: ApiRequest) -> Event:
    wanted = request.query.choice("active", *_ENROLLED, *_UNENROLLED)
    return Event.ENROLLMENT if wanted in _ENROLLED else Event.UNENROLLMENT


def _means(request: ApiRequest, days: range, users: Sequence[int]) -> Json:
    seconds = request.view.seconds(days)
    means = [mean(spent, n) for spent, n in zip(seconds, users, strict=True)]
    return {"data": by_date(request, days, means), "average": mean(sum(seconds), sum(users))}


def _completed(request: ApiRequest, course: Course) -> int:
    view = request.view
    done = sum(view.counts(Event.COMPLETION, view.last(TERM), (course,)))
    return min(done, view.plus_main(course.size))


def _grade(request: ApiRequest, courses: Sequence[Course]) -> float:
    """Return the mean grade, 0 to 100, each course weighted with its learners."""
    chance = request.view.data.chance
    graded = [
        (c.size, 62 + 25 * chance.unit(request.org.key, c.course_id, "grade")) for c in courses
    ]
    learners = sum(size for size, _ in graded)
    return mean(sum(size * grade for size, grade in graded), learners)
