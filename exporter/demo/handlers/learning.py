"""Learning analytics of the seeds' generation: users, enrollments, time, videos, grades."""

from collections.abc import Sequence
from math import exp

from exporter.demo.data.courses import Course
from exporter.demo.data.org import Event
from exporter.demo.handlers.shapes import Handler, by_date, iso, list_page, mean, percent, series
from exporter.demo.request import TERM, WEEK, ApiRequest, Json
from exporter.demo.university import LEARNER_NAME_PREFIX, LEARNER_USERNAME_PREFIX

_ENROLLED = ("y", "yes", "true", "True")
_UNENROLLED = ("n", "no", "false", "False")
_SECONDS_WATCHED = 290
_SECONDS_A_DAY = 1500


def active_users_per_course(request: ApiRequest) -> Json:
    """Return seed 4: unique users of each course, and of the org."""
    view, days = request.view, request.days()
    total = view.active(days)
    rows = [
        {"course_id": c.course_id, "name": c.name, "user_count": view.users((c,), days)}
        for c in view.courses
    ]
    return {"data": rows, "total": total, "meta": {"total": total}}


def counts(event: Event, *, meta: bool = True) -> Handler:
    """Return a handler of an event in all courses by day."""
    return series(lambda request, days: request.view.counts(event, days), meta=meta)


def enrollments(request: ApiRequest, days: range) -> Sequence[int]:
    """Return the (un)enrollments of the org by day."""
    return request.view.counts(_enrollment(request), days)


def course_enrollments(request: ApiRequest, days: range) -> Sequence[int]:
    """Return the (un)enrollments of one course by day."""
    return request.view.counts(_enrollment(request), days, (request.course,))


def time_per_course(request: ApiRequest, course: Course) -> dict[str, Json]:
    """Return the time spent in a course."""
    view, days = request.view, request.days()
    spent = sum(view.seconds(days, (course,)))
    average = mean(spent, view.users((course,), days))
    return {**_dates(course), "time_spent": spent, "average_time": average}


def average_time_in_a_course(request: ApiRequest) -> Json:
    """Return the mean time of a learner in a course."""
    days = request.days()
    seconds, users = request.view.seconds(days), request.view.course_days(days)
    means = [mean(spent, n) for spent, n in zip(seconds, users, strict=True)]
    return {"data": by_date(request, days, means), "average": mean(sum(seconds), sum(users))}


def activity(request: ApiRequest, course: Course) -> dict[str, Json]:
    """Return the days and the time of a learner in a course within the term."""
    view, days = request.view, request.view.last(TERM)
    users, attended = view.users((course,), days), sum(view.users_by_day(course, days))
    return {
        **_dates(course),
        "average_days": int(mean(attended, users, digits=0)),
        "average_time_spent": mean(attended * course.seconds, users),
    }


def videos(request: ApiRequest, course: Course) -> dict[str, Json]:
    """Return the videos of a course, completed within the term."""
    view = request.view
    watched = sum(view.counts(Event.VIDEO, view.last(TERM), (course,)))
    seconds = watched * (_SECONDS_WATCHED + course.salt % 200)
    learners = view.plus_main(course.size)
    return {
        "num_vids": course.videos,
        "num_watched": watched,
        "time_watched": seconds,
        "avg_percent_watched": round(100 - 100 * exp(-watched / (learners * course.videos)), 2),
        "avg_time_watched": mean(seconds, learners),
    }


def completions(request: ApiRequest, course: Course) -> dict[str, Json]:
    """Return the completions of a course within the term, and their share in percent."""
    enrolled, completed = request.view.plus_main(course.size), _completed(request, course)
    return {
        "enrollments": enrolled,
        "completions": completed,
        "average": percent(completed, enrolled),
    }


def grades(request: ApiRequest, course: Course) -> dict[str, Json]:
    """Return the grades of a course, and who passed within the term."""
    return {
        "num_enrollments": request.view.plus_main(course.size),
        "num_passed": _completed(request, course),
        "avg_grade": _grade(request, (course,)),
    }


def average_grade(request: ApiRequest) -> Json:
    """Return the mean grade of the org."""
    return {"data": {"average": _grade(request, request.view.courses)}}


def active_learners(request: ApiRequest) -> Json:
    """Return seed 5: the learners active within the last 7 days, one row each."""
    present = request.view.present(request.view.courses, request.view.last(WEEK))
    there = reversed(f"{present:b}")
    return _learners(request, [place for place, bit in enumerate(there) if bit == "1"])


def registered_learners(request: ApiRequest) -> Json:
    """Return everybody who ever registered."""
    return _learners(request, range(request.view.registered(request.view.today)))


def names(request: ApiRequest, place: int) -> dict[str, str]:
    """Return the names of the made-up learner at one of the org's places."""
    return {
        "username": f"{LEARNER_USERNAME_PREFIX}{request.org.key}-{place:05}",
        "name": f"{LEARNER_NAME_PREFIX}{request.org.key.title()} {place:05}",
    }


def _learners(request: ApiRequest, places: Sequence[int]) -> Json:
    """Return a page of learners: how often each came, and a grade that depends on it a little."""
    view = request.view
    by_day = [(day, view.present(view.courses, (day,))) for day in view.last(WEEK)]

    def row(place: int) -> Json:
        days = [day for day, there in by_day if there >> place & 1]
        coming = len(days) / WEEK
        talent = view.data.chance.unit(request.org.key, "learner", place)
        return {
            **names(request, place),
            "full_name": names(request, place)["name"],
            "enrollments": sum(c.offset <= place < c.offset + c.size for c in view.courses),
            "completions": 0,
            "last_active": iso(days[-1]) if days else "",
            "time_spent": str(_SECONDS_A_DAY * len(days)),
            "engagement_index": round(coming, 3),
            "performance_index": round(0.4 * coming + 0.6 * talent, 3),
        }

    return list_page(request, places, row)


def _dates(course: Course) -> dict[str, Json]:
    """Return the dates of a course; every third one never ends."""
    return {
        "course_start": "2026-01-12",
        "course_end": "" if course.index % 3 == 0 else "2026-12-18",
    }


def _enrollment(request: ApiRequest) -> Event:
    wanted = request.query.choice("active", *_ENROLLED, *_UNENROLLED)
    return Event.ENROLLMENT if wanted in _ENROLLED else Event.UNENROLLMENT


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
