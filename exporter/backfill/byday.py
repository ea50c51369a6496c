"""Answers by day, of which short ranges are cut.

An answer is read, and what was read is written again in the shape that the same reader takes.
"""

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from exporter.api.payloads import (
    Bucket,
    Daily,
    read_costs,
    read_counts,
    read_daily,
    read_sessions,
)
from exporter.backfill.kept import UNREADABLE, Form, Kept, Part, Scene, body_of
from exporter.windows import Span

_ABSENT = -1.0
_UNKNOWN = math.nan

_Days = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class _Shape:
    """A figure by day: how the API writes it, and how that is read."""

    read: Callable[[bytes], Daily]
    write: Callable[[_Days, float | None], Any]

    def keep(self, body: bytes) -> Kept:
        answer = self.read(body)
        days = {day.isoformat(): value for day, value in sorted(answer.days.items())}
        return Kept(body_of(self.write(days, answer.total)), dict(+answer.flaws))

    def part(self, kept: Kept, span: Span) -> Part:
        answer = self.read(kept.body or UNREADABLE)
        values = array("d", [_ABSENT]) * len(span)
        for day, value in answer.days.items():
            if day in span:
                values[(day - span.first).days] = _UNKNOWN if value is None else value
        # Whether the answer adds up shows in how it reads on a day that it cannot have.
        beyond = max(span.last, *answer.days) if answer.days else span.last
        beyond += timedelta(days=1)
        settled = answer.over(Span(span.first, beyond))[beyond] is not None
        return Part(span, (values,), settled, answer.total is not None, kept.misplaced)

    def cut(self, parts: Sequence[Part], span: Span) -> bytes | None:
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
        return body_of(self.write(given, total))

    def example(self, span: Span, scene: Scene) -> bytes:
        days = {day.isoformat(): float(scene.users) for day in span}
        return body_of(self.write(days, None))

    def form(self) -> Form:
        return Form(self.keep, self.example, self.part, self.cut)


def _certain(part: Part, span: Span) -> bool:
    """Return whether nothing is hidden in the days of `span` that the part covers."""
    return part.settled or all(value >= 0 for _, (value,) in part.days(span))


def series() -> Form:
    """Return the form of `{data: {day: number}, total}`."""
    return _Shape(read_daily, lambda days, total: {"data": days, "total": total}).form()


def counts(count: str) -> Form:
    """Return the form of `[{date, <count>}]`."""

    def write(days: _Days, _: float | None) -> Any:
        return [{"date": day, count: value} for day, value in days.items()]

    return _Shape(partial(read_counts, count=count), write).form()


def costs() -> Form:
    """Return the form of `{value, overtime: [{date, value}]}`."""

    def write(days: _Days, total: float | None) -> Any:
        rows = [{"date": day, "value": value} for day, value in days.items()]
        return {"value": total, "overtime": rows}

    return _Shape(read_costs, write).form()


def sessions() -> Form:
    """Return the form of `[{time, avg_messages, total_sessions}]`."""
    return Form(_keep_sessions, _sessions_example, _sessions_part, _cut_sessions)


def _keep_sessions(body: bytes) -> Kept:
    answer = read_sessions(body)
    rows = [row for day, bucket in sorted(answer.days.items()) for row in _rows(day, bucket)]
    return Kept(body_of(rows), dict(+answer.flaws))


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
            known = bucket or Bucket(_UNKNOWN, None)
            place = (day - span.first).days
            sessions[place] = known.sessions
            messages[place] = _UNKNOWN if known.messages is None else known.messages
    return Part(span, (sessions, messages), settled=False, summed=False, misplaced=kept.misplaced)


def _cut_sessions(parts: Sequence[Part], span: Span) -> bytes | None:
    if any(part.misplaced for part in parts):
        return None
    rows = []
    for part in parts:
        for day, (sessions, messages) in part.days(span):
            if sessions != _ABSENT:
                said = None if math.isnan(messages) else messages
                rows += _rows(day, None if math.isnan(sessions) else Bucket(sessions, said))
    return body_of(rows)


def _sessions_example(span: Span, scene: Scene) -> bytes:
    return body_of([_row(day, scene.users, 5) for day in span])
