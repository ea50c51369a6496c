"""Courses, and programs made of them, under `/api/analytics/content/`.

Everything but names is of the period: new enrollments as in seed 6, learners as in seed 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.demo.data.courses import Course
from exporter.demo.data.org import Event
from exporter.demo.handlers import v2
from exporter.demo.handlers.series import mean, percent
from exporter.demo.request import ApiRequest, Json

_METRICS = ("courses", "course", "programs", "program")
_OTHERS = ("pathways", "pathway", "skills", "skill")
_PROGRAMS = 3


@dataclass(frozen=True, slots=True)
class _Item:
    """One course or program, and the courses it is made of."""

    id: str
    name: str
    courses: Sequence[Course]


def content(request: ApiRequest) -> Json:
    """Return totals and averages of one kind of content, and its items one by one."""
    request.query.required("metric")
    metric = request.query.choice("metric", *_METRICS, others=_OTHERS)
    days, items = v2.period(request), _items(request, metric)
    rows, pagination = v2.linked_page(request, items, lambda item: _row(request, item, days))
    sums = _sums(request, days, request.view.courses)
    kind = f"{metric.removesuffix('s')}s"
    summary: dict[str, Json] = {
        "totals": {
            "total_learners": sums["active_enrollments"],
            "total_enrollments": sums["enrollments"],
            "total_time_spent": sums["total_time_spent"],
            kind: len(items),
            f"active_{kind}": sum(request.view.users(i.courses, days) > 0 for i in items),
            f"platform_{kind}": len(items),
            f"external_{kind}": 0,
        },
        "averages": {
            "completion_rate": sums["completion_rate"],
            "time_per_learner": sums["avg_time_per_learner"],
        },
    }
    return {"metric": metric, "summary": summary, "pagination": pagination, "results": rows}


def _items(request: ApiRequest, metric: str) -> list[_Item]:
    courses = request.view.courses
    if metric.startswith("course"):
        return [_Item(course.course_id, course.name, (course,)) for course in courses]
    groups = [[c for c in courses if c.index % _PROGRAMS == place] for place in range(_PROGRAMS)]
    return [
        _Item(f"program-{place}", f"Program {place}", group)
        for place, group in enumerate(groups, start=1)
        if group
    ]


def _row(request: ApiRequest, item: _Item, days: range) -> Json:
    return {
        "id": item.id,
        "name": item.name,
        "slug": f"{item.courses[0].salt % 10**6}",
        "platform": request.org.key,
        "external": False,
        "analytics": _sums(request, days, item.courses),
    }


def _sums(request: ApiRequest, days: range, courses: Sequence[Course]) -> dict[str, float]:
    """Return what some courses add up to within the period, as the API names it."""
    view = request.view
    learners = view.users(courses, days)
    enrollments = sum(view.counts(Event.ENROLLMENT, days, courses))
    seconds = sum(view.seconds(days, courses))
    return {
        "enrollments": enrollments,
        "active_enrollments": learners,
        "completion_rate": percent(sum(view.counts(Event.COMPLETION, days, courses)), enrollments),
        "total_time_spent": seconds,
        "avg_time_per_learner": mean(seconds, learners),
    }
