"""Courses, and programs made of them, under `/api/analytics/content/`.

Everything but names is of the period: new enrollments as in seed 6, learners as in seed 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.demo.data.courses import Course
from exporter.demo.data.org import Event
from exporter.demo.handlers import v2
from exporter.demo.handlers.series import iso, mean, percent
from exporter.demo.request import WEEK, ApiRequest, Json

_METRICS = ("courses", "course", "programs", "program")
_OTHERS = ("pathways", "pathway", "skills", "skill")
_PROGRAMS = 3


@dataclass(frozen=True, slots=True)
class _Item:
    """One course or program, and the courses it is made of."""

    id: str
    name: str
    courses: Sequence[Course]


@dataclass(frozen=True, slots=True)
class _Sums:
    """What some courses add up to within the period."""

    learners: int
    enrollments: int
    completions: int
    seconds: int

    @classmethod
    def of(cls, request: ApiRequest, days: range, courses: Sequence[Course]) -> "_Sums":
        view = request.view
        return cls(
            learners=view.users(courses, days),
            enrollments=sum(view.counts(Event.ENROLLMENT, days, courses)),
            completions=sum(view.counts(Event.COMPLETION, days, courses)),
            seconds=sum(view.seconds(days, courses)),
        )


def content(request: ApiRequest) -> Json:
    """Return totals and averages of one kind of content, and its items one by one."""
    request.query.required("metric")
    metric = request.query.choice("metric", *_METRICS, others=_OTHERS)
    kind = metric if metric.endswith("s") else f"{metric}s"
    days = v2.period(request)
    items = _items(request, kind)
    rows, pagination = v2.linked_page(
        request, items, lambda item: _row(request, item, _Sums.of(request, days, item.courses))
    )
    return {
        "metric": metric,
        "summary": _summary(request, kind, items, days),
        "pagination": pagination,
        "results": rows,
    }


def _items(request: ApiRequest, kind: str) -> list[_Item]:
    courses = request.view.courses
    if kind == "courses":
        return [_Item(course.course_id, course.name, (course,)) for course in courses]
    groups = [[c for c in courses if c.index % _PROGRAMS == place] for place in range(_PROGRAMS)]
    return [
        _Item(f"program-{place}", f"Program {place}", group)
        for place, group in enumerate(groups, start=1)
        if group
    ]


def _summary(request: ApiRequest, kind: str, items: Sequence[_Item], days: range) -> Json:
    view = request.view
    sums = _Sums.of(request, days, view.courses)
    summary: dict[str, Json] = {
        "totals": {
            "total_learners": sums.learners,
            "total_enrollments": sums.enrollments,
            "total_time_spent": sums.seconds,
            kind: len(items),
            f"active_{kind}": sum(view.users(item.courses, days) > 0 for item in items),
            f"platform_{kind}": len(items),
            f"external_{kind}": 0,
        },
        "averages": {
            "completion_rate": percent(sums.completions, sums.enrollments),
            "time_per_learner": mean(sums.seconds, sums.learners),
        },
    }
    if kind == "courses" and request.query.flag("include_overtime", default=False):
        week = view.last(WEEK)
        summary["overtime"] = [
            {"date": iso(day), "value": seconds}
            for day, seconds in zip(week, view.seconds(week), strict=True)
        ]
    return summary


def _row(request: ApiRequest, item: _Item, sums: _Sums) -> Json:
    return {
        "id": item.id,
        "name": item.name,
        "slug": f"{item.courses[0].salt % 10**6}",
        "platform": request.org.key,
        "external": False,
        "analytics": {
            "enrollments": sums.enrollments,
            "active_enrollments": sums.learners,
            "completion_rate": percent(sums.completions, sums.enrollments),
            "avg_rating": None,
            "rating_count": 0,
            "total_time_spent": sums.seconds,
            "avg_time_per_learner": mean(sums.seconds, sums.learners),
        },
        "instructor": None,
        "enabled": True,
    }
