"""Shapes that payloads share: values by date, rows of lists, pages. All buckets are days."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from exporter.demo.data.agents import Chats
from exporter.demo.data.courses import Course
from exporter.demo.request import ApiRequest, Json

T = TypeVar("T")

Handler = Callable[[ApiRequest], Json]
"""Returns the payload of one endpoint; raises ApiError for any status but 200."""


def iso(day: int) -> str:
    """Return the date of an ordinal."""
    return date.fromordinal(day).isoformat()


def stamp(day: int, hour: int = 0) -> str:
    """Return the start of a day or of one of its hours."""
    return f"{iso(day)}T{hour:02}:00:00Z"


def percent(part: float, whole: float) -> float:
    """Return the share of `part` in `whole` in percent, 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def mean(whole: float, number: int, *, digits: int = 2) -> float:
    """Return the rounded mean, 0 of nothing."""
    return round(whole / number, digits) if number else 0.0


def by_date(request: ApiRequest, days: range, values: Sequence[float]) -> dict[str, float]:
    """Return `values` by `YYYY-MM-DD`, idle days as 0, up to the newest day that has data."""
    newest = request.view.newest
    return {iso(day): value for day, value in zip(days, values, strict=True) if day <= newest}


def series(counts: Callable[[ApiRequest, range], Sequence[int]], *, meta: bool = True) -> Handler:
    """Return a handler of a `Series`, or with its total in `meta`, too, of a `Series+`."""

    def handler(request: ApiRequest) -> Json:
        days = request.days()
        values = counts(request, days)
        total = {"total": sum(values)}
        data = by_date(request, days, values)
        return {"data": data, **total, **({"meta": total} if meta else {})}

    return handler


def events(time: str, value: str, counts: Callable[[Chats], Sequence[int]]) -> Handler:
    """Return a handler of a list with a row for each day on which anything happened.

    `time` and `value` are the names of the two members of a row.
    """

    def handler(request: ApiRequest) -> Json:
        days = request.days(required=True)
        request.query.choice("aggregation", "daily")
        request.query.choice("group_by", "day")
        found = zip(days, counts(request.view.chats(days)), strict=True)
        return [{time: stamp(day), value: count} for day, count in found if count]

    return handler


def per_course(row: Callable[[ApiRequest, Course], dict[str, Json]]) -> Handler:
    """Return a handler of a list (P1) of all courses; `row` adds to their ids and names."""

    def handler(request: ApiRequest) -> Json:
        def named(course: Course) -> Json:
            return {"course_id": course.course_id, "name": course.name, **row(request, course)}

        return list_page(request, request.view.courses, named)

    return handler


def list_page(request: ApiRequest, things: Sequence[T], row: Callable[[T], Json]) -> Json:
    """Return the page (P1) of `things` that the query names, each made into a row."""
    base = request.behavior.page_base
    shown, page = request.page(things, size="length", default=10, base=base)
    return {
        "data": [row(thing) for thing in shown],
        "pagination": {
            "totalItems": page.rows,
            "currentPage": page.number,
            "perPage": page.size,
            "totalPages": page.pages,
        },
    }
