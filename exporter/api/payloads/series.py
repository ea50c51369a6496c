"""Series with a total: values by day that should add up to it.

The learning endpoints return idle days as 0, so a day that is missing is either one that the
platform left out although it has no value, or one that it does not know yet. The total tells
which, and only for days that the platform has already gone beyond.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from exporter.api.payloads.columns import required_numbers_of
from exporter.api.payloads.days import by_date, date_text, dated
from exporter.api.payloads.values import (
    PayloadError,
    PayloadErrors,
    Reason,
    flatten,
    number_of,
    object_of,
    plus,
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

    def over(self, span: Span) -> dict[date, float | None]:
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

    def errors_over(self, span: Span) -> PayloadErrors:
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
    response = object_of(body)
    data = response.get("data")
    if "data" not in response and "total" not in response:
        raise PayloadError("the response has neither `data` nor `total`")
    if data and not isinstance(data, dict):
        raise PayloadError("`data` is not an object of days")
    errors = PayloadErrors()
    given = data or {}
    texts, raw = dated(list(given), list(given.values()), errors)
    days = by_date(texts, required_numbers_of(raw, errors), plus, errors)
    if given and all(value is None for value in days.values()):
        raise PayloadError(f"none of {len(given)} days is readable")
    total = number_of(response.get("total"), errors)
    if total and not days:
        raise PayloadError("no day is returned, although `total` is not 0")
    return Daily(days, total, errors)


def parse_costs(body: bytes) -> Daily:
    """Parse `{value, overtime: [{date, value}]}`: US dollars by day, in text or numbers.

    `value` is the cost of the requested range. If it is null, the cost store was unreachable and
    every day is unknown, whatever `overtime` says; if it is 0, every day is 0.
    """
    response = object_of(body)
    rows = response.get("overtime")
    if "value" not in response and "overtime" not in response:
        raise PayloadError("the response has neither `value` nor `overtime`")
    if rows and not isinstance(rows, list):
        raise PayloadError("`overtime` is not a list")
    errors = PayloadErrors()
    total = None
    if "value" in response:
        [total] = required_numbers_of([response["value"]], errors)
        if total is None:
            return Daily({}, None, errors)
    days = _costs_by_date(list(flatten(rows or [])), errors)
    return Daily(days, total, errors, slack=_CENT, zero_is_final=True)


def _costs_by_date(rows: list[Any], errors: PayloadErrors) -> dict[date, float | None]:
    objects = [row for row in rows if isinstance(row, dict)]
    if invalid := len(rows) - len(objects):
        errors[Reason.ROW] += invalid
    texts, known = dated([date_text(row) for row in objects], objects, errors)
    values = required_numbers_of([row.get("value") for row in known], errors)
    days = by_date(texts, values, plus, errors)
    if rows and all(value is None for value in days.values()):
        raise PayloadError(f"none of {len(rows)} days is readable")
    return days
