"""Request parsing: which org, which days, which page, through which filters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple, TypeVar

from exporter.demo.data.courses import Course
from exporter.demo.data.org_view import OrgView
from exporter.demo.university import DemoOrg

Json = Any
"""What `json.dumps` takes."""

T = TypeVar("T")

WEEK = 7
MONTH = 30
TERM = 120
"""Days, today included, that counts without dates cover."""

YEAR = 365
"""Days, today included, that chats are kept."""

_LONGEST_RANGE = 3660
_FIRST_DAY, _LAST_DAY = (date(year, 1, 1).toordinal() for year in (1900, 3000))
"""What lies outside is empty, like all days before an org opens and after today."""

_MOST_ROWS = 100
_FLAGS = {
    **dict.fromkeys(("true", "True", "1", "yes", "y"), True),
    **dict.fromkeys(("false", "False", "0", "no", "n"), False),
}


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
    """The query string. What cannot be parsed, or is not simulated, is a 400."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Return the value, or None if it is missing or empty."""
        return self.values.get(name) or None

    def required(self, *names: str) -> None:
        """Raise a 400 for the first of `names` that is missing."""
        for name in names:
            if self.text(name) is None:
                raise invalid(name, "This field is required.")

    def choice(self, name: str, *choices: str) -> str:
        """Return one of `choices`, by default the first."""
        value = self.text(name) or choices[0]
        if value not in choices:
            raise invalid(name, f'"{value}" is not a valid choice.')
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole number, or None if it is missing."""
        value = self.text(name)
        try:
            return None if value is None else int(value)
        except ValueError:
            raise invalid(name, "A valid integer is required.") from None

    def at_least(self, least: int, name: str, default: int) -> int:
        """Return a whole number from `least`."""
        value = self.integer(name)
        value = default if value is None else value
        if value < least:
            raise invalid(name, f"Ensure this value is greater than or equal to {least}.")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self.text(name)
        if value is not None and value not in _FLAGS:
            raise invalid(name, "Must be a valid boolean.")
        return default if value is None else _FLAGS[value]

    def day(self, name: str) -> int | None:
        """Return the ordinal of a date, `YYYY-MM-DD` or the start of an ISO timestamp."""
        value = self.text(name)
        try:
            return date.fromisoformat(value.partition("T")[0]).toordinal() if value else None
        except ValueError:
            why = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
            raise invalid(name, why) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavior:
    """How the platform responds.

    `page_base` is the number of the first page, `range_end` whether `end_date` is included. With
    `stale_costs`, `financial/` returns zeros. With `late_data`, events show two hours after they
    happened and the last tenth of a day four hours later.
    """

    page_base: int = 1
    range_end: Literal["inclusive", "exclusive"] = "inclusive"
    stale_costs: bool = False
    late_data: bool = False


class Page(NamedTuple):
    """The place of one page in its list."""

    number: int
    size: int
    pages: int
    rows: int


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One authenticated request; `names` are the parts of its path."""

    org: DemoOrg
    view: OrgView
    query: Query
    names: Mapping[str, str]
    behavior: Behavior

    @property
    def course(self) -> Course:
        """Return the course that the path names."""
        for course in self.view.courses:
            if course.course_id == self.names["course_id"]:
                return course
        raise not_found("Course")

    def days(self, *, default: int = WEEK, required: bool = False) -> range:
        """Return the days of the query as ordinals: `default` days up to today if it has none."""
        if required:
            self.query.required("start_date", "end_date")
        first, last = self.query.day("start_date"), self.query.day("end_date")
        stop = self.view.today + 1
        if last is not None:
            stop = last + (self.behavior.range_end == "inclusive")
        start = stop - default if first is None else first
        if start > (stop if last is None else last):
            raise ApiError(400, {"error": "start_date must not be after end_date"})
        if stop - start > _LONGEST_RANGE:
            raise ApiError(400, {"error": "the range of dates is too long"})
        return range(max(start, _FIRST_DAY), min(stop, _LAST_DAY))

    def page(
        self, rows: Sequence[T], *, size: str, default: int, base: int
    ) -> tuple[Sequence[T], Page]:
        """Return the rows of the page of the query; `size` is the name of its parameter."""
        length = min(self.query.at_least(1, size, default), _MOST_ROWS)
        number = self.query.at_least(base, "page", base)
        first = (number - base) * length
        pages = max(-(-len(rows) // length), 1)
        return rows[first : first + length], Page(number, length, pages, len(rows))
