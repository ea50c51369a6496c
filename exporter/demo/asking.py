"""One request, read: who asks, for which days, which page, through which filters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

from exporter.demo.campus import Mentor
from exporter.demo.courses import Course
from exporter.demo.university import DemoOrg
from exporter.demo.view import View

RangeEnd = Literal["inclusive", "exclusive"]
Json = Any
"""What `json.dumps` takes."""

WEEK = 7
MONTH = 30
TERM = 120
"""Days, today included, that figures without dates cover."""

YEAR = 365
"""Days, today included, that chats are kept."""

_LONGEST_RANGE = 3660
_PAGE = 10
_LARGEST_PAGE = 100
_TRUE = {"true", "True", "1", "yes", "y"}
_FALSE = {"false", "False", "0", "no", "n"}
_REQUIRED = "This field is required."

T = TypeVar("T")


class Refusal(Exception):  # noqa: N818  # an answer, as good as any other
    """An answer that is not 200, with its body."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def not_found(what: str) -> Refusal:
    """Return the 404 for something that does not exist."""
    return Refusal(404, {"detail": f"No {what} matches the given query."})


def invalid(field: str, why: str) -> Refusal:
    """Return the 400 for one query parameter."""
    return Refusal(400, {field: [why]})


@dataclass(frozen=True, slots=True)
class Query:
    """The query string, read strictly: what cannot be read is refused with 400."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Return the value, or None where it is left out or empty."""
        return self.values.get(name) or None

    def required(self, name: str) -> str:
        """Return the value, or refuse."""
        value = self.text(name)
        if value is None:
            raise invalid(name, _REQUIRED)
        return value

    def choice(self, name: str, *choices: str) -> str:
        """Return one of `choices`, by default the first."""
        value = self.text(name) or choices[0]
        if value not in choices:
            raise invalid(name, f'"{value}" is not a valid choice.')
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole number, or None where it is left out."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise invalid(name, "A valid integer is required.") from None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self.text(name)
        if value is None:
            return default
        if value not in _TRUE | _FALSE:
            raise invalid(name, "Must be a valid boolean.")
        return value in _TRUE

    def day(self, name: str) -> int | None:
        """Return the ordinal of a date, `YYYY-MM-DD` or the start of an ISO timestamp."""
        value = self.text(name)
        if value is None:
            return None
        head, mark, _ = value.partition("T")
        try:
            return date.fromisoformat(head if mark else value).toordinal()
        except ValueError:
            raise invalid(
                name, "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
            ) from None


@dataclass(frozen=True, slots=True)
class Ask:
    """One authenticated request, as the answering functions get it; `url` without the query."""

    org: DemoOrg
    view: View
    query: Query
    names: Mapping[str, str]
    url: str
    page_base: int
    range_end: RangeEnd

    @property
    def course(self) -> Course:
        """Return the course that the path names."""
        wanted = self.names["course_id"]
        for course in self.view.courses:
            if course.course_id == wanted:
                return course
        raise not_found("Course")

    @property
    def mentor(self) -> Mentor:
        """Return the mentor that the path names."""
        wanted = self.names["mentor_unique_id"]
        for mentor in self.view.mentors:
            if mentor.mentor_id == wanted:
                return mentor
        raise not_found("Mentor")

    def link(self, page: int) -> str:
        """Return the address of another page of the same list."""
        return f"{self.url}?{urlencode({**self.query.values, 'page': page})}"

    def days(self, *, default: int = WEEK, required: bool = False) -> range:
        """Return the ordinals of the days asked for: `default` days up to today if none are."""
        if required:
            self.query.required("start_date")
            self.query.required("end_date")
        first, last = self.query.day("start_date"), self.query.day("end_date")
        stop = self.view.today + 1
        if last is not None:
            stop = last + (self.range_end == "inclusive")
        start = stop - default if first is None else first
        if start > (stop if last is None else last):
            raise Refusal(400, {"error": "start_date must not be after end_date"})
        if stop - start > _LONGEST_RANGE:
            raise Refusal(400, {"error": "the range of dates is too long"})
        return range(max(start, 1), stop)

    def page(self, things: Sequence[T], row: Callable[[T], Json]) -> Json:
        """Return the page (P1) of `things` that is asked for, each made into a row."""
        length = self.query.integer("length")
        length = _PAGE if length is None else min(length, _LARGEST_PAGE)
        page = self.query.integer("page")
        page = self.page_base if page is None else page
        if length < 1:
            raise invalid("length", "Ensure this value is greater than or equal to 1.")
        if page < self.page_base:
            raise invalid(
                "page", f"Ensure this value is greater than or equal to {self.page_base}."
            )
        first = (page - self.page_base) * length
        return {
            "data": [row(thing) for thing in things[first : first + length]],
            "pagination": {
                "totalItems": len(things),
                "currentPage": page,
                "perPage": length,
                "totalPages": max(-(-len(things) // length), 1),
            },
        }


Answer = Callable[[Ask], Json]
"""What answers one endpoint; raises Refusal for any status but 200."""
