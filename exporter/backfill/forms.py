"""What is kept of an answer about the past, and how a short range is cut out of long ones.

Only figures, course ids and course names are kept: an answer is read, and what was read is
written again in the shape that the same reader takes. A cut must read exactly as the answer to
the short range itself would; where that is not certain there is no cut, and the API is asked.
"""

import json
import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from exporter.api import endpoints
from exporter.api.endpoints import Endpoint
from exporter.api.payloads import (
    Bucket,
    Flaws,
    Reason,
    read_courses,
    read_daily,
    read_sessions,
)
from exporter.windows import Span

UNREADABLE = b"null"
"""Kept in place of an answer that cannot be read: no reader takes it."""

_ABSENT = -1.0
_UNKNOWN = math.nan
_MISPLACED = (Reason.DATE, Reason.ROW)
_read_active = partial(read_courses, fields=("user_count",))


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is kept: a body for the reader, and what could not be read in the answer.

    `body` is None where the API does not answer for so long a range.
    """

    body: bytes | None
    flaws: Mapping[Reason, int]

    @property
    def misplaced(self) -> bool:
        """Whether there was something of which the day is not known."""
        return any(self.flaws.get(reason) for reason in _MISPLACED)


@dataclass(frozen=True, slots=True)
class Part:
    """A kept answer to a long range, by day: each column holds one number for each day.

    `settled` tells that days left out are 0 (the given ones add up to the total), `summed` that
    there is a total, `misplaced` that something in the answer belongs to a day not known.
    """

    span: Span
    columns: tuple[Sequence[float], ...]
    settled: bool
    summed: bool
    misplaced: bool

    def covered(self, span: Span) -> int:
        """Return how many days of `span` the answer covers."""
        first, last = max(span.first, self.span.first), min(span.last, self.span.last)
        return max((last - first).days + 1, 0)

    def days(self, span: Span) -> Iterator[tuple[date, tuple[float, ...]]]:
        """Yield the days of `span` that the answer covers, with their numbers."""
        first = max(span.first, self.span.first)
        start = (first - self.span.first).days
        for place in range(start, start + self.covered(span)):
            day = self.span.first + timedelta(days=place)
            yield day, tuple(column[place] for column in self.columns)


@dataclass(frozen=True, slots=True)
class Form:
    """How the answers of one endpoint are kept.

    `part` and `cut` are None where an answer is good for its own range alone. `cut` returns None
    where the parts do not tell what the answer to the short range would be. `example` is an
    answer with all there may be in it, for so many users.
    """

    keep: Callable[[bytes], Kept]
    example: Callable[[Span, Sequence[str], int], bytes]
    part: Callable[[Kept, Span], Part] | None = None
    cut: Callable[[Sequence[Part], Span], bytes | None] | None = None


def _body(answer: Any) -> bytes:
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(flaws: Flaws) -> dict[Reason, int]:
    return {reason: count for reason, count in flaws.items() if count}


# Figures by day with a total.


def _keep_daily(body: bytes) -> Kept:
    answer = read_daily(body)
    days = {day.isoformat(): value for day, value in sorted(answer.days.items())}
    return Kept(_body({"data": days, "total": answer.total}), _plain(answer.flaws))


def _daily_part(kept: Kept, span: Span) -> Part:
    answer = read_daily(kept.body or UNREADABLE)
    values = array("d", [_ABSENT]) * len(span)
    for day, value in answer.days.items():
        if day in span:
            values[(day - span.first).days] = _UNKNOWN if value is None else value
    # Whether the answer adds up shows in how it reads on a day that it cannot have.
    beyond = max(span.last, *answer.days) if answer.days else span.last
    beyond += timedelta(days=1)
    settled = answer.over(Span(span.first, beyond))[beyond] is not None
    return Part(span, (values,), settled, answer.total is not None, kept.misplaced)


def _cut_daily(parts: Sequence[Part], span: Span) -> bytes | None:
    given: dict[str, float | None] = {}
    for part in parts:
        for day, (value,) in part.days(span):
            if value != _ABSENT:
                given[day.isoformat()] = None if math.isnan(value) else value
    total = None
    if len(given) < len(span):
        if any(part.misplaced for part in parts):
            return None
        if all(_certain(part, span) for part in parts):
            total = math.fsum(value for value in given.values() if value is not None)
        elif any(part.summed for part in parts):
            return None
    return _body({"data": given, "total": total})


def _certain(part: Part, span: Span) -> bool:
    """Return whether nothing is hidden in the days of `span` that the part covers."""
    return part.settled or all(value >= 0 for _, (value,) in part.days(span))


def _daily_example(span: Span, courses: Sequence[str], users: int) -> bytes:  # noqa: ARG001 # a form
    return _body({"data": {}, "total": 0})


# Chat sessions by day.


def _keep_sessions(body: bytes) -> Kept:
    answer = read_sessions(body)
    rows = [row for day, bucket in sorted(answer.days.items()) for row in _rows(day, bucket)]
    return Kept(_body(rows), _plain(answer.flaws))


def _rows(day: date, bucket: Bucket | None) -> list[dict[str, Any]]:
    """Return rows that read as exactly this bucket."""
    if bucket is None or bucket.messages is None or not bucket.sessions:
        sessions = None if bucket is None else bucket.sessions
        return [_row(day, sessions, None)]
    average = bucket.messages / bucket.sessions
    if average * bucket.sessions == bucket.messages or bucket.sessions < 1:
        return [_row(day, bucket.sessions, average)]
    # The mean is a rounded number. One session with all messages and others with none is not.
    return [_row(day, 1, bucket.messages), _row(day, bucket.sessions - 1, 0)]


def _row(day: date, sessions: float | None, average: float | None) -> dict[str, Any]:
    return {"time": day.isoformat(), "avg_messages": average, "total_sessions": sessions}


def _sessions_part(kept: Kept, span: Span) -> Part:
    answer = read_sessions(kept.body or UNREADABLE)
    sessions, messages = (array("d", [_ABSENT]) * len(span) for _ in range(2))
    for day, bucket in answer.days.items():
        if day in span:
            place = (day - span.first).days
            sessions[place] = _UNKNOWN if bucket is None else bucket.sessions
            known = bucket is not None and bucket.messages is not None
            messages[place] = bucket.messages if known else _UNKNOWN  # type: ignore[union-attr, assignment]  # known
    return Part(span, (sessions, messages), settled=False, summed=False, misplaced=kept.misplaced)


def _cut_sessions(parts: Sequence[Part], span: Span) -> bytes | None:
    rows = []
    for part in parts:
        for day, (sessions, messages) in part.days(span):
            if sessions != _ABSENT:
                said = None if math.isnan(messages) else messages
                bucket = None if math.isnan(sessions) else Bucket(sessions, said)
                rows += _rows(day, bucket)
        if part.misplaced:
            return None
    return _body(rows)


def _sessions_example(span: Span, courses: Sequence[str], users: int) -> bytes:  # noqa: ARG001 # a form
    return _body([_row(day, users, 5) for day in span])


# Unique users of a range, which can be neither cut nor added up.


def _keep_courses(body: bytes) -> Kept:
    answer = _read_active(body)
    rows = [
        {"course_id": row.course_id, "name": row.name, **row.figures}
        for row in answer.rows.values()
    ]
    return Kept(_body({"data": rows, "total": answer.total}), _plain(answer.flaws))


def _courses_example(span: Span, courses: Sequence[str], users: int) -> bytes:  # noqa: ARG001 # a form
    rows = [{"course_id": course_id, "name": "", "user_count": users} for course_id in courses]
    return _body({"data": rows, "total": users})


_DAILY = Form(_keep_daily, _daily_example, _daily_part, _cut_daily)
_SESSIONS = Form(_keep_sessions, _sessions_example, _sessions_part, _cut_sessions)

FORMS: Mapping[Endpoint, Form] = {
    endpoints.VIDEOS_OVER_TIME: _DAILY,
    endpoints.ENROLLMENTS_OVER_TIME: _DAILY,
    endpoints.COURSE_ENROLLMENTS_OVER_TIME: _DAILY,
    endpoints.MESSAGES_PER_SESSION: _SESSIONS,
    endpoints.ACTIVE_USERS_PER_COURSE: Form(_keep_courses, _courses_example),
}
"""The endpoints that answer for any range of the past."""
