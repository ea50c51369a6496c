"""Figures by day."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from exporter.api.payloads.columns import dates_of, numbers_of
from exporter.api.payloads.values import (
    Flaws,
    PayloadError,
    Reason,
    date_of,
    flat,
    json_of,
    number_of,
    object_of,
    plus,
)
from exporter.windows import Span

_DATES = ("date", "time", "period", "interval")
_CENT = 0.01


class Bucket(NamedTuple):
    """Chat sessions of one day, and the messages exchanged in them if that is known."""

    sessions: float
    messages: float | None


@dataclass(frozen=True, slots=True)
class Daily:
    """A figure by day. `total` is the answer's own sum; a day that maps to None is unknown."""

    days: Mapping[date, float | None]
    total: float | None
    flaws: Flaws
    slack: float = 1e-9
    """By how much the days may miss the total because each is rounded."""

    def over(self, span: Span) -> dict[date, float | None]:
        """Return a value, or None for unknown, for every day of `span` and no other.

        A day that the answer leaves out is 0 if what it does give adds up to its own total,
        and unknown otherwise.
        """
        absent = 0.0 if self._adds_up(span) else None
        return {day: self.days.get(day, absent) for day in span}

    def _adds_up(self, span: Span) -> bool:
        if self.total is None:
            return False
        inside = math.fsum(v for day, v in self.days.items() if v is not None and day in span)
        given = math.fsum(v for v in self.days.values() if v is not None)
        return any(
            math.isclose(s, self.total, rel_tol=1e-9, abs_tol=self.slack) for s in (inside, given)
        )


@dataclass(frozen=True, slots=True)
class Sessions:
    """Chat sessions by day (seed 3). A day that maps to None is unknown."""

    days: Mapping[date, Bucket | None]
    flaws: Flaws


def read_daily(body: bytes) -> Daily:
    """Read a `Series`: `{data: {day: number}, total}` (seeds 2 and 6, enrolments)."""
    answer = object_of(body)
    data = answer.get("data")
    if "data" not in answer and "total" not in answer:
        raise PayloadError("the answer has neither `data` nor `total`")
    if data and not isinstance(data, dict):
        raise PayloadError("`data` is not an object of days")
    flaws = Flaws()
    days = _by_date(data, flaws) if data else {}
    if data and all(value is None for value in days.values()):
        raise PayloadError(f"none of {len(data)} days could be read")
    total = number_of(answer.get("total"), flaws)
    if total and not days:
        raise PayloadError("no day is given, though `total` is not 0")
    return Daily(days, total, flaws)


def _by_date(data: dict[Any, Any], flaws: Flaws) -> dict[date, float | None]:
    """Return values by date, those of the same date added up."""
    given = list(zip(dates_of(list(data)), data.values(), strict=True))
    known = [(day, raw) for day, raw in given if day is not None]
    if odd := len(given) - len(known):
        flaws[Reason.DATE] += odd
    values = numbers_of([raw for _, raw in known], flaws)
    days: dict[date, float | None] = {}
    for (day, _), value in zip(known, values, strict=True):
        days[day] = plus(days[day], value) if day in days else value
    return days


def read_sessions(body: bytes) -> Sessions:
    """Read seed 3: `[{time, avg_messages, total_sessions}]`, or the same one list deeper.

    Buckets of the same date are merged by their sessions.
    """
    answer = json_of(body)
    if not isinstance(answer, list):
        raise PayloadError("the answer is not a list")
    flaws = Flaws()
    given = list(flat(answer))
    rows = [row for row in given if isinstance(row, dict)]
    dates = dates_of([row.get("time") for row in rows])
    known = [(day, row) for day, row in zip(dates, rows, strict=True) if day is not None]
    for reason, odd in (
        (Reason.ROW, len(given) - len(rows)),
        (Reason.DATE, len(rows) - len(known)),
    ):
        if odd:
            flaws[reason] += odd
    sessions = numbers_of([row.get("total_sessions") for _, row in known], flaws)
    # Where nothing was sent, nothing is read of an average.
    averages = numbers_of(
        [
            row.get("avg_messages") if count else 0
            for (_, row), count in zip(known, sessions, strict=True)
        ],
        flaws,
    )
    days: dict[date, Bucket | None] = {}
    for (day, _), count, average in zip(known, sessions, averages, strict=True):
        bucket = _bucket(count, average)
        days[day] = _merge(days[day], bucket) if day in days else bucket
    if given and all(bucket is None for bucket in days.values()):
        raise PayloadError(f"none of {len(given)} buckets could be read")
    return Sessions(days, flaws)


def read_counts(body: bytes, count: str) -> Daily:
    """Read a list of counts by day, `[{date, <count>}]`, or the same one list deeper.

    Each endpoint has its own word for the date. Counts of the same date are added up.
    """
    answer = json_of(body)
    if not isinstance(answer, list):
        raise PayloadError("the answer is not a list")
    daily = _read_rows(list(flat(answer)), count, total=None)
    if daily.days and all(value is None for value in daily.days.values()):
        raise PayloadError(f"none of {len(daily.days)} days has a `{count}`")
    return daily


def read_costs(body: bytes) -> Daily:
    """Read `{value, overtime: [{date, value}]}`: US dollars by day.

    A cost that is null is one that nobody could look up, and none of 0.
    """
    answer = object_of(body)
    rows = answer.get("overtime")
    if "value" not in answer and "overtime" not in answer:
        raise PayloadError("the answer has neither `value` nor `overtime`")
    if rows and not isinstance(rows, list):
        raise PayloadError("`overtime` is not a list")
    flaws = Flaws()
    total = number_of(answer.get("value"), flaws)
    daily = _read_rows(list(flat(rows or [])), "value", total=total)
    return replace(daily, flaws=daily.flaws + flaws, slack=_CENT)


def _read_rows(rows: list[Any], count: str, *, total: float | None) -> Daily:
    flaws = Flaws()
    days: dict[date, float | None] = {}
    for row in rows:
        if not isinstance(row, dict):
            flaws[Reason.ROW] += 1
            continue
        day = next((day for key in _DATES if (day := date_of(row.get(key)))), None)
        if day is None:
            flaws[Reason.DATE] += 1
            continue
        value = number_of(row.get(count), flaws)
        days[day] = plus(days[day], value) if day in days else value
    if flaws and all(value is None for value in days.values()):
        raise PayloadError(f"none of {len(rows)} rows could be read")
    return Daily(days, total, flaws)


def _bucket(sessions: float | None, average: float | None) -> Bucket | None:
    if sessions is None:
        return None
    return Bucket(sessions, None if average is None else sessions * average)


def _merge(one: Bucket | None, other: Bucket | None) -> Bucket | None:
    if one is None or other is None:
        return None
    return Bucket(one.sessions + other.sessions, plus(one.messages, other.messages))
