"""Series with a total: values by day that should add up to it.

The learning endpoints return idle days as 0. A missing day is either an idle day that the platform
left out, or a day that it does not know yet. For days before the newest one, the total shows
which.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from exporter.api.payloads.columns import parse_required_numbers
from exporter.api.payloads.days import by_date, dated_rows, with_dates
from exporter.api.payloads.values import (
    PayloadError,
    PayloadErrors,
    Reason,
    add,
    flatten,
    parse_number,
    parse_object,
)
from exporter.windows import Span

_CENT = 0.01


@dataclass(frozen=True, slots=True)
class Daily:
    """Values by day with their `total`. A day that maps to None is unknown.

    `slack` is the difference from the total that rounding explains. `zero_is_final` is set if a
    total of 0 makes every day 0.
    """

    days: Mapping[date, float | None]
    total: float | None
    errors: PayloadErrors
    slack: float = 1e-9
    zero_is_final: bool = False

    def days_in(self, span: Span) -> dict[date, float | None]:
        """Return a value, or None if unknown, for every day of `span` and no other.

        A day missing before the newest returned day is 0 if the returned days add up to the
        total, and unknown otherwise. A day missing after it is unknown: the platform may be
        late. An empty series is therefore unknown throughout, even if its total is 0.
        """
        if self.zero_is_final and self.total == 0 and self._adds_up(span):
            return {day: self.days.get(day, 0.0) for day in span}
        gaps = self._gaps(span)
        known: dict[date, float | None] = {day: self.days.get(day) for day in span}
        return known | dict.fromkeys(gaps, 0.0) if gaps and self._adds_up(span) else known

    def errors_in(self, span: Span) -> PayloadErrors:
        """Return one error if a day of `span` is unknown because the total does not match."""
        unknown = self._gaps(span) and not self._adds_up(span)
        return PayloadErrors({Reason.TOTAL: 1} if unknown else {})

    def _gaps(self, span: Span) -> list[date]:
        """Return the days of `span` that are missing before the newest returned day."""
        missing = [day for day in span if day not in self.days]
        newest = max(self.days, default=None) if missing else None
        return [day for day in missing if newest and day < newest]

    def _adds_up(self, span: Span) -> bool:
        """Compare the total with the days inside `span`, and with all returned days."""
        if self.total is None:
            return False
        inside = (v for day, v in self.days.items() if day in span)
        return self._is_total(self.days.values()) or self._is_total(inside)

    def _is_total(self, values: Iterable[float | None]) -> bool:
        assert self.total is not None
        found = math.fsum(value for value in values if value is not None)
        return math.isclose(found, self.total, rel_tol=1e-9, abs_tol=self.slack)


def parse_daily(body: bytes) -> Daily:
    """Parse `{data: {day: number}, total}` (seeds 2 and 6, enrollments)."""
    response = parse_object(body)
    data = response.get("data")
    if "data" not in response and "total" not in response:
        raise PayloadError("the response has neither `data` nor `total`")
    if data and not isinstance(data, dict):
        raise PayloadError("`data` is not an object of days")
    errors = PayloadErrors()
    given = data or {}
    texts, raw = with_dates(list(given), list(given.values()), errors)
    days = by_date(texts, parse_required_numbers(raw, errors), add, errors)
    if given and all(value is None for value in days.values()):
        raise PayloadError(f"none of {len(given)} days is readable")
    total = parse_number(response.get("total"), errors)
    if total and not days:
        raise PayloadError("no day is returned, although `total` is not 0")
    return Daily(days, total, errors)


def parse_costs(body: bytes) -> Daily:
    """Parse `{value, overtime: [{date, value}]}`: US dollars by day, in text or numbers.

    `value` is the cost of the requested range. If it is null, the cost store was unreachable and
    every day is unknown, whatever `overtime` says; if it is 0, every day is 0.
    """
    response = parse_object(body)
    rows = response.get("overtime")
    if "value" not in response and "overtime" not in response:
        raise PayloadError("the response has neither `value` nor `overtime`")
    if rows and not isinstance(rows, list):
        raise PayloadError("`overtime` is not a list")
    errors = PayloadErrors()
    total = None
    if "value" in response:
        [total] = parse_required_numbers([response["value"]], errors)
        if total is None:
            return Daily({}, None, errors)
    days = _costs_by_date(list(flatten(rows or [])), errors)
    return Daily(days, total, errors, slack=_CENT, zero_is_final=True)


def _costs_by_date(rows: list[Any], errors: PayloadErrors) -> dict[date, float | None]:
    texts, known = dated_rows(rows, errors)
    values = parse_required_numbers([row.get("value") for row in known], errors)
    days = by_date(texts, values, add, errors)
    if rows and all(value is None for value in days.values()):
        raise PayloadError(f"none of {len(rows)} days is readable")
    return days
