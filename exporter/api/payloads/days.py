"""Values by day, from buckets that start at printed times."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Protocol, TypeVar

from exporter.api.payloads.columns import parse_dates
from exporter.api.payloads.values import (
    PayloadErrors,
    Reason,
    Stamp,
    objects_in,
    parse_date,
    parse_stamp,
)
from exporter.windows import Span

DATES = ("date", "time", "period", "interval")
"""Members that hold the date of a row; each endpoint uses one of them."""

T = TypeVar("T")
V = TypeVar("V")


class ByDay(Protocol[V]):
    """Values by day, with a rule for missing days."""

    @property
    def errors(self) -> PayloadErrors:
        """Return the errors in the payload."""
        ...

    def days_in(self, span: Span) -> "dict[date, V | None]":
        """Return a value, or None if unknown, for every day of the requested range `span`."""
        ...

    def errors_in(self, span: Span) -> PayloadErrors:
        """Return errors found by comparing the payload with the range."""
        ...


def _date_text(row: dict[Any, Any]) -> Any:
    """Return the member of a row that can be read as its date, or None."""
    for key in DATES:
        if key in row and parse_date(row[key]):
            return row[key]
    return None


def with_dates(
    texts: Sequence[Any], items: Sequence[T], errors: PayloadErrors
) -> tuple[Sequence[Any], Sequence[T]]:
    """Return the texts that are dates, and their items. Others are counted."""
    dates = parse_dates(texts)
    if None not in dates:
        return texts, items
    known = [
        (text, item) for day, text, item in zip(dates, texts, items, strict=True) if day is not None
    ]
    errors[Reason.DATE] += len(dates) - len(known)
    return [text for text, _ in known], [item for _, item in known]


def dated_rows(
    items: list[Any], errors: PayloadErrors
) -> tuple[Sequence[Any], Sequence[dict[str, Any]]]:
    """Return the dates and the rows of a list. Items without a date are counted."""
    rows = objects_in(items, errors)
    return with_dates([_date_text(row) for row in rows], rows, errors)


def by_date(
    texts: Sequence[str],
    values: Sequence[V | None],
    add: Callable[[V | None, V | None], V | None],
    errors: PayloadErrors,
) -> dict[date, V | None]:
    """Return values by date.

    Buckets of one date that start at different times are added up. A bucket that appears twice
    with the same value counts once; with different values its day is unknown and counted.
    """
    days: dict[date, V | None] = {
        day: value for day, value in zip(parse_dates(texts), values, strict=True) if day is not None
    }
    if len(days) == len(texts):
        return days
    stamps = [stamp for text in texts if (stamp := parse_stamp(text)) is not None]
    return _merge(zip(stamps, values, strict=True), add, errors)


def _merge(
    given: Iterable[tuple[Stamp, V | None]],
    add: Callable[[V | None, V | None], V | None],
    errors: PayloadErrors,
) -> dict[date, V | None]:
    buckets: dict[Stamp, V | None] = {}
    conflicts: set[date] = set()
    for stamp, value in given:
        if buckets.setdefault(stamp, value) != value:
            conflicts.add(stamp[0])
    days: dict[date, V | None] = {}
    for (day, _), value in buckets.items():
        days[day] = add(days[day], value) if day in days else value
    if conflicts:
        errors[Reason.DATE] += len(conflicts)
        days.update(dict.fromkeys(conflicts))
    return days
