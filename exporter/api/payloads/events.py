"""Event lists: one row for each day with events, no row for an idle day, and no total."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

from exporter.api.payloads.columns import parse_numbers, parse_required_numbers
from exporter.api.payloads.days import by_date, dated_rows
from exporter.api.payloads.values import (
    PayloadError,
    PayloadErrors,
    add,
    flatten,
    parse_json,
    parse_object,
)
from exporter.windows import Span

V = TypeVar("V")


class Bucket(NamedTuple):
    """Chat sessions of one day, and the messages exchanged in them, None if unknown."""

    sessions: float
    messages: float | None


@dataclass(frozen=True, slots=True)
class Events(Generic[V]):
    """Values of the days that have a row. A day that maps to None is unknown.

    `idle` is the value of a day without a row. `complete` is False if a row is unreadable or has
    no date: it may belong to any day.
    """

    days: Mapping[date, V | None]
    idle: V | None
    complete: bool
    errors: PayloadErrors

    def days_in(self, span: Span) -> dict[date, V | None]:
        """Return a value, or None if unknown, for every day of `span` and no other.

        `span` must be the requested range: rows that all lie outside it are a `PayloadError`,
        since the response is then not about this range.
        """
        if self.days and not any(day in span for day in self.days):
            raise PayloadError(f"all {len(self.days)} days lie outside the requested range")
        absent = self.idle if self.complete else None
        return {day: self.days.get(day, absent) for day in span}

    def errors_in(self, _span: Span) -> PayloadErrors:
        """Return no errors: there is no total to compare with."""
        return PayloadErrors()


Sessions = Events[Bucket]
Counts = Events[float]


def parse_sessions(body: bytes) -> Sessions:
    """Parse seed 3: `[{time, avg_messages, total_sessions}]`, or the same one list deeper.

    Messages are sessions times their average, unknown if there are sessions without an average.
    """
    errors = PayloadErrors()
    given = _list_of(body)
    texts, rows = dated_rows(given, errors)
    sessions = parse_required_numbers([row.get("total_sessions") for row in rows], errors)
    # Without sessions there is no average to parse.
    averages = parse_required_numbers(
        [
            row.get("avg_messages") if count else 0
            for row, count in zip(rows, sessions, strict=True)
        ],
        errors,
    )
    days = by_date(texts, list(map(_bucket, sessions, averages)), _merge, errors)
    return _events(given, rows, days, idle=Bucket(0.0, 0.0), errors=errors)


def parse_counts(body: bytes, count: str) -> Counts:
    """Parse a list of counts by day, `[{date, <count>}]`, or the same one list deeper.

    The date is in `date`, `time`, `period` or `interval`, depending on the endpoint.
    """
    return _counts(_list_of(body), count, idle=0.0)


def parse_points(body: bytes, *, idle: float | None = 0.0) -> Counts:
    """Parse `{points: [{date, value}]}` of the v2 family.

    `idle` is the value of a day without a point: 0 for counts, None for averages.
    """
    points = parse_object(body).get("points")
    if not isinstance(points, list):
        raise PayloadError("`points` is not a list")
    return _counts(list(flatten(points)), "value", idle=idle)


def _list_of(body: bytes) -> list[Any]:
    response = parse_json(body)
    if not isinstance(response, list):
        raise PayloadError("the response is not a list")
    return list(flatten(response))


def _counts(given: list[Any], count: str, *, idle: float | None) -> Counts:
    errors = PayloadErrors()
    texts, rows = dated_rows(given, errors)
    parse = parse_numbers if idle is None else parse_required_numbers  # an average may be null
    days = by_date(texts, parse([row.get(count) for row in rows], errors), add, errors)
    return _events(given, rows, days, idle=idle, errors=errors)


def _events(
    given: list[Any],
    rows: Sequence[dict[str, Any]],
    days: Mapping[date, V | None],
    *,
    idle: V | None,
    errors: PayloadErrors,
) -> Events[V]:
    if errors and all(value is None for value in days.values()):
        raise PayloadError(f"none of {len(given)} rows is readable")
    return Events(days, idle, len(rows) == len(given), errors)


def _bucket(sessions: float | None, average: float | None) -> Bucket | None:
    if sessions is None:
        return None
    return Bucket(sessions, None if average is None else sessions * average)


def _merge(one: Bucket | None, other: Bucket | None) -> Bucket | None:
    if one is None or other is None:
        return None
    return Bucket(one.sessions + other.sessions, add(one.messages, other.messages))
