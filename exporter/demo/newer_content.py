"""Courses and what is made of them, as `/api/analytics/content/` tells them.

Programs, pathways and skills are made up of the org's courses, dealt out among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.demo import newer, shapes
from exporter.demo.asking import WEEK, Answer, Ask, Json
from exporter.demo.campus import Figure
from exporter.demo.courses import Course

_NUMBER = {"programs": 3, "pathways": 2, "skills": 5}
_METRICS = ("courses", "course", "programs", "program", "pathways", "pathway", "skills", "skill")


@dataclass(frozen=True, slots=True)
class _Item:
    """One course, program, pathway or skill, and the courses it is made of."""

    id: str
    name: str
    courses: Sequence[Course]


def content(ask: Ask) -> Json:
    """Answer totals and averages of one kind of content, and its items one by one."""
    ask.query.required("metric")
    metric = ask.query.choice("metric", *_METRICS)
    kind = metric if metric.endswith("s") else f"{metric}s"
    days = newer.period(ask)
    items = _items(ask, kind)
    rows, says = newer.strict_page_of(ask, items, lambda item: _row(ask, item, days, kind))
    return {
        "metric": metric,
        "summary": _summary(ask, kind, items, days),
        "pagination": says,
        "results": rows,
    }


def _items(ask: Ask, kind: str) -> list[_Item]:
    courses = ask.view.courses
    if kind == "courses":
        return [_Item(course.course_id, course.name, (course,)) for course in courses]
    number = _NUMBER[kind]
    title = kind.removesuffix("s").title()
    dealt = [[c for c in courses if c.index % number == place] for place in range(number)]
    return [
        _Item(f"{kind}-{place + 1}", f"{title} {place + 1}", group)
        for place, group in enumerate(dealt)
        if group
    ]


def _summary(ask: Ask, kind: str, items: Sequence[_Item], days: range) -> Json:
    view = ask.view
    users, spent = view.active(days), sum(view.seconds(days))
    enrolled = sum(course.size for course in view.courses)
    completed = sum(view.counts(Figure.COMPLETIONS, days))
    totals = {
        "total_learners": users,
        "total_enrollments": enrolled,
        kind: len(items),
        f"active_{kind}": sum(view.users(item.courses, days) > 0 for item in items),
        f"platform_{kind}": len(items),
        f"external_{kind}": 0,
    }
    averages: dict[str, float] = {"completion_rate": shapes.percent(completed, enrolled)}
    if kind != "skills":
        averages[f"enrollments_per_{kind.removesuffix('s')}"] = round(enrolled / len(items), 2)
    summary: dict[str, Json] = {"totals": totals, "averages": averages}
    if kind == "courses":
        totals["total_time_spent"] = spent
        averages["time_per_learner"] = round(spent / users, 2) if users else 0.0
        if ask.query.flag("include_overtime", default=False):
            week = view.last(WEEK)
            summary["overtime"] = [
                {"date": shapes.iso(day), "value": seconds}
                for day, seconds in zip(week, view.seconds(week), strict=True)
            ]
    return summary


def _row(ask: Ask, item: _Item, days: range, kind: str) -> Json:
    view = ask.view
    users, spent = view.users(item.courses, days), sum(view.seconds(days, item.courses))
    enrolled = sum(course.size for course in item.courses)
    completed = sum(view.counts(Figure.COMPLETIONS, days, item.courses))
    analytics: dict[str, Json] = {
        "enrollments": enrolled,
        "active_enrollments": users,
        "completion_rate": shapes.percent(completed, enrolled),
        "avg_rating": None,
        "rating_count": 0,
    }
    if kind == "courses":
        analytics["total_time_spent"] = spent
        analytics["avg_time_per_learner"] = round(spent / users, 2) if users else 0.0
    if kind == "skills":
        analytics["associated_courses"] = len(item.courses)
        analytics["learners_count"] = users
    return {
        "id": item.id,
        "name": item.name,
        "slug": f"{kind}-{item.courses[0].salt % 10**6}",
        "platform": ask.org.key,
        "external": False,
        "analytics": analytics,
        "instructor": None,
        "enabled": True,
    }


ANSWERS: Mapping[str, Answer] = {f"{newer.ROOT}/content/": content}
