"""Request parsing: which org, which days, which page, through which filters."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from urllib.parse import urlencode

from exporter.demo.data.courses import Course
from exporter.demo.data.org_view import OrgView
from exporter.demo.university import DemoOrg

RangeEnd = Literal["inclusive", "exclusive"]
Json = Any
"""What `json.dumps` takes."""

WEEK = 7
MONTH = 30
TERM = 120
"""Days, today included, that counts without dates cover."""

YEAR = 365
"""Days, today included, that chats are kept."""

_LONGEST_RANGE = 3660
_TRUE = {"true", "True", "1", "yes", "y"}
_FALSE = {"false", "False", "0", "no", "n"}


class ApiError(Exception):
    """A response that is not 200, with its body."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def not_found(what: str) -> ApiError:
    """Return the 404 for something that does not exist."""
    return ApiError(404, {"detail": f"No {what} matches the given query."})


def invalid(field: str, why: str) -> ApiError:
    """Return the 400 for one query parameter."""
    return ApiError(400, {field: [why]})


@dataclass(frozen=True, slots=True)
class Query:
    """The query string. What cannot be parsed is a 400."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Return the value, or None if it is missing or empty."""
        return self.values.get(name) or None

    def required(self, name: str) -> str:
        """Return the value, which must be there."""
        value = self.text(name)
        if value is None:
            raise invalid(name, "This field is required.")
        return value

    def choice(self, name: str, *choices: str, others: Collection[str] = ()) -> str:
        """Return one of `choices`, by default the first; `others` exist but are not simulated."""
        value = self.text(name) or choices[0]
        if value in others:
            raise ApiError(501, {"detail": f'"{value}" is not simulated.'})
        if value not in choices:
            raise invalid(name, f'"{value}" is not a valid choice.')
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole number, or None if it is missing."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise invalid(name, "A valid integer is required.") from None

    def positive(self, name: str, default: int) -> int:
        """Return a whole number from 1."""
        value = self.integer(name)
        if value is not None and value < 1:
            raise invalid(name, "Ensure this value is greater than or equal to 1.")
        return default if value is None else value

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
        try:
            return date.fromisoformat(value.partition("T")[0]).toordinal()
        except ValueError:
            raise invalid(
                name, "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
            ) from None


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One authenticated request; `names` are the parts of its path, `url` has no query.

    With `stale_costs` the store behind `financial/` has no data.
    """

    org: DemoOrg
    view: OrgView
    query: Query
    names: Mapping[str, str]
    url: str
    page_base: int
    range_end: RangeEnd
    stale_costs: bool

    @property
    def course(self) -> Course:
        """Return the course that the path names."""
        wanted = self.names["course_id"]
        for course in self.view.courses:
            if course.course_id == wanted:
                return course
        raise not_found("Course")

    def link(self, page: int) -> str:
        """Return the address of another page of the same list."""
        return f"{self.url}?{urlencode({**self.query.values, 'page': page})}"

    def days(self, *, default: int = WEEK, required: bool = False) -> range:
        """Return the days of the query as ordinals: `default` days up to today if it has none."""
        if required:
            self.query.required("start_date")
            self.query.required("end_date")
        first, last = self.query.day("start_date"), self.query.day("end_date")
        stop = self.view.today + 1
        if last is not None:
            stop = last + (self.range_end == "inclusive")
        start = stop - default if first is None else first
        if start > (stop if last is None else last):
            raise ApiError(400, {"error": "start_date must not be after end_date"})
        if stop - start > _LONGEST_RANGE:
            raise ApiError(400, {"error": "the range of dates is too long"})
        return range(max(start, 1), stop)

    def page(self, *, size: str, default: int, base: int = 1) -> tuple[int, int, int]:
        """Return number, size and first row of the page; `size` is the parameter's name."""
        rows = min(self.query.positive(size, default), 100)
        page = self.query.integer("page")
        page = base if page is None else page
        if page < base:
            raise invalid("page", f"Ensure this value is greater than or equal to {base}.")
        return page, rows, (page - base) * rows


def pages(rows: Sequence[Any], size: int) -> int:
    """Return the number of pages that `rows` fill."""
    return max(-(-len(rows) // size), 1)
