"""What comes of it: completions and grades."""

from collections.abc import Iterable, Mapping

from exporter.demo import shapes
from exporter.demo.asking import TERM, Answer, Ask, Json
from exporter.demo.campus import Figure
from exporter.demo.courses import Course

_COMPLETION = "/api/ai-analytics/engagement/orgs/{org}/course_completion"
_OVERVIEW = "/api/ai-analytics/overview/orgs/{org}"
_GRADING = "/api/ai-analytics/performance/orgs/{org}/grading"
_COURSE = "/api/ai-analytics/performance/orgs/{org}/courses/{course_id}/grading"
_CUTOFFS = {"A": 90, "B": 80, "C": 70, "Pass": 60}


def completions_over_time(ask: Ask) -> Json:
    """Answer the completions of each day."""
    return shapes.changing_series(ask.days(), ask.view.today, _completions(ask))


def completions_per_course(ask: Ask) -> Json:
    """Answer the completions of each course within the term, and their share in percent."""

    def row(course: Course) -> Json:
        enrolled, completed = ask.view.more(course.size), _completed(ask, course)
        return {
            "course_id": course.course_id,
            "name": course.name,
            "enrollments": enrolled,
            "completions": completed,
            "average": shapes.percent(completed, enrolled),
        }

    return ask.page(ask.view.courses, row)


def completions(ask: Ask) -> Json:
    """Answer the completions of the range, and their share among its active users."""
    answer = shapes.changing_series(ask.days(), ask.view.today, _completions(ask))
    users = ask.view.active(ask.days())
    return {
        "data": {
            "overtime": answer["data"],
            "total_user_count": users,
            "completed_count": answer["total"],
            "completed_percent": shapes.percent(answer["total"], users),
        },
        "meta": answer["meta"],
    }


def grades_per_course(ask: Ask) -> Json:
    """Answer the mean grade of each course."""

    def row(course: Course) -> Json:
        return {
            "name": course.name,
            "course_id": course.course_id,
            "num_enrollments": ask.view.more(course.size),
            "num_passed": _completed(ask, course),
            "avg_grade": _grade(ask, (course,)),
        }

    return ask.page(ask.view.courses, row)


def average_grade(ask: Ask) -> Json:
    """Answer the mean grade of the org."""
    return {"data": {"average": _grade(ask, ask.view.courses)}}


def course_average_grade(ask: Ask) -> Json:
    """Answer the mean grade of one course."""
    return {"data": {"average": _grade(ask, (ask.course,))}}


def course_grade_with_cutoffs(ask: Ask) -> Json:
    """Answer the mean grade of one course, and what each letter takes."""
    return {"data": {"grade_cutoffs": _CUTOFFS, "average_grade": _grade(ask, (ask.course,))}}


def _completions(ask: Ask) -> shapes.Counts:
    return lambda days: ask.view.counts(Figure.COMPLETIONS, days)


def _completed(ask: Ask, course: Course) -> int:
    done = sum(ask.view.counts(Figure.COMPLETIONS, ask.view.last(TERM), (course,)))
    return min(done, ask.view.more(course.size))


def _grade(ask: Ask, courses: Iterable[Course]) -> float:
    """Return the mean grade, 0 to 100, each course weighing as much as it has learners."""
    noise = ask.view.campus.noise
    graded = [(c.size, 62 + 25 * noise.unit(ask.org.key, c.course_id, "grade")) for c in courses]
    learners = sum(size for size, _ in graded)
    return round(sum(size * grade for size, grade in graded) / learners, 2) if learners else 0.0


ANSWERS: Mapping[str, Answer] = {
    f"{_COMPLETION}/over-time": completions_over_time,
    f"{_COMPLETION}/per-course": completions_per_course,
    f"{_OVERVIEW}/courses/completions": completions,
    f"{_OVERVIEW}/average-grade": average_grade,
    f"{_GRADING}/average": average_grade,
    f"{_GRADING}/per-course": grades_per_course,
    f"{_COURSE}/average": course_average_grade,
    f"{_COURSE}/average-with-cutoff": course_grade_with_cutoffs,
}
