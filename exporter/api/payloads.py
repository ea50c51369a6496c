"""What comes in: tolerant readers of each payload.

Every payload is hostile until read. A reader returns figures or raises `PayloadError`, and
never anything else. One odd row or day costs itself alone: it is noted as a flaw, and the
rest is used. "Not given" is None and never 0. Text that names a person is not kept.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic_core import from_json

from exporter.windows import Span

MAX_ID = 512
"""Longest course id taken, in characters (Open edX allows 255)."""

MAX_NAME = 256
"""Longest course name kept; what is longer is cut."""


class Reason(StrEnum):
    """Why an answer, or a part of it, could not be used. A closed set: it is a label value."""

    UNREADABLE = "unreadable"  # not JSON, or not this payload at all, or no figure in it
    VALUE = "value"  # a number that is none, is negative, or is beyond a float
    DATE = "date"  # a day that cannot be read
    ROW = "row"  # a row without a usable id, or not a row
    PAGES = "pages"  # more pages than the limit


class PayloadError(Exception):
    """No figure could be read from an answer."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.reason = Reason.UNREADABLE


Flaws = Counter[Reason]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Chat sessions of one day, and the messages exchanged in them if that is known."""

    sessions: float
    messages: float | None


@dataclass(frozen=True, slots=True)
class Daily:
    """A figure by day. `total` is the answer's own sum; a day that maps to None is unknown."""

    days: Mapping[date, float | None]
    total: float | None
    flaws: Flaws

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
        return any(math.isclose(s, self.total, rel_tol=1e-9, abs_tol=1e-9) for s in (inside, given))


@dataclass(frozen=True, slots=True)
class Sessions:
    """Chat sessions by day (seed 3). A day that maps to None is unknown."""

    days: Mapping[date, Bucket | None]
    flaws: Flaws


@dataclass(frozen=True, slots=True)
class Pagination:
    """The P1 envelope. Every member may be missing."""

    total_items: int | None = None
    current_page: int | None = None
    total_pages: int | None = None


@dataclass(frozen=True, slots=True)
class CourseRow:
    """One course of a list: its figures by field name of the API, None where not given."""

    course_id: str
    name: str
    figures: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class CoursePage:
    """One page (or the whole) of a list of courses."""

    rows: Mapping[str, CourseRow]
    pagination: Pagination
    total: float | None
    flaws: Flaws

    @property
    def keys(self) -> frozenset[str]:
        """What tells the rows of one page from those of another."""
        return frozenset(self.rows)


@dataclass(frozen=True, slots=True)
class LearnerPage:
    """How many learners there are, and their indexes. No name is ever read from the answer.

    `keys` are salted hashes that tell learners apart within one process and name nobody.
    """

    keys: frozenset[int]
    indexes: Mapping[int, tuple[float | None, float | None]]
    pagination: Pagination
    flaws: Flaws


def read_daily(body: bytes) -> Daily:
    """Read a `Series`: `{data: {day: number}, total}` (seeds 2 and 6, enrolments)."""
    answer = _object(body)
    data = answer.get("data")
    if "data" not in answer and "total" not in answer:
        raise PayloadError("the answer has neither `data` nor `total`")
    flaws = Flaws()
    entries = dict(data) if isinstance(data, dict) else {}
    if data and not isinstance(data, dict):
        raise PayloadError("`data` is not an object of days")
    days: dict[date, float | None] = {}
    for text, raw in entries.items():
        day = _date(text)
        if day is None:
            flaws[Reason.DATE] += 1
            continue
        value = _number(raw, flaws)
        days[day] = _plus(days[day], value) if day in days else value
    if entries and all(value is None for value in days.values()):
        raise PayloadError(f"none of {len(entries)} days could be read")
    return Daily(days, _number(answer.get("total"), flaws), flaws)


def read_sessions(body: bytes) -> Sessions:
    """Read seed 3: `[{time, avg_messages, total_sessions}]`, or the same one list deeper.

    Buckets of the same date are merged by their sessions.
    """
    answer = _json(body)
    if not isinstance(answer, list):
        raise PayloadError("the answer is not a list")
    flaws = Flaws()
    days: dict[date, Bucket | None] = {}
    rows = list(_flat(answer))
    for row in rows:
        if not isinstance(row, dict):
            flaws[Reason.ROW] += 1
            continue
        day = _date(row.get("time"))
        if day is None:
            flaws[Reason.DATE] += 1
            continue
        bucket = _bucket(row, flaws)
        days[day] = _merge(days[day], bucket) if day in days else bucket
    if rows and all(bucket is None for bucket in days.values()):
        raise PayloadError(f"none of {len(rows)} buckets could be read")
    return Sessions(days, flaws)


def read_courses(body: bytes, fields: tuple[str, ...]) -> CoursePage:
    """Read a list of courses with the named number `fields` (seeds 1 and 4).

    A row repeated later replaces the earlier one.
    """
    answer = _object(body)
    flaws = Flaws()
    given = _rows(answer)
    rows: dict[str, CourseRow] = {}
    for raw in given:
        row = _course(raw, fields, flaws)
        if row is not None:
            rows[row.course_id] = row
    total = _number(answer.get("total"), flaws)
    if given and not rows and total is None:
        raise PayloadError(f"none of {len(given)} rows could be read")
    return CoursePage(rows, _pagination(answer, flaws), total, flaws)


def read_learners(body: bytes) -> LearnerPage:
    """Read seed 5: the number of active learners and, row by row, their two indexes."""
    answer = _object(body)
    flaws = Flaws()
    pagination = _pagination(answer, flaws)
    if pagination.total_items is None:
        raise PayloadError("`pagination.totalItems` is missing or no number")
    indexes: dict[int, tuple[float | None, float | None]] = {}
    for row in _rows(answer):
        if not isinstance(row, dict) or not isinstance(row.get("username"), str):
            flaws[Reason.ROW] += 1
            continue
        indexes[hash(row["username"])] = (
            _number(row.get("engagement_index"), flaws, signed=True),
            _number(row.get("performance_index"), flaws, signed=True),
        )
    return LearnerPage(frozenset(indexes), indexes, pagination, flaws)


def _json(body: bytes) -> Any:
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return from_json(body, cache_strings="keys")
    except ValueError:
        pass
    try:
        # Slower, but one half of a surrogate pair or one endless number does not cost the rest.
        return json.loads(body, parse_int=float)
    except (ValueError, RecursionError):
        # The text of the cause may quote the body.
        raise PayloadError("the answer is not JSON") from None


def _object(body: bytes) -> dict[str, Any]:
    answer = _json(body)
    if not isinstance(answer, dict):
        raise PayloadError("the answer is not an object")
    return answer


def _flat(items: list[Any]) -> Iterator[Any]:
    """Undo the second list that some published samples wrap around a list."""
    for item in items:
        if isinstance(item, list):
            yield from item
        else:
            yield item


def _rows(answer: dict[str, Any]) -> list[Any]:
    data = answer.get("data")
    if isinstance(data, list):
        return list(_flat(data))
    if data:
        raise PayloadError("`data` is not a list")
    if "data" not in answer and "pagination" not in answer and "total" not in answer:
        raise PayloadError("the answer has neither `data` nor `pagination`")
    return []


def _course(raw: Any, fields: tuple[str, ...], flaws: Flaws) -> CourseRow | None:
    course_id = raw.get("course_id") if isinstance(raw, dict) else None
    if not isinstance(course_id, str) or not _usable(course_id):
        flaws[Reason.ROW] += 1
        return None
    name = raw.get("name")
    return CourseRow(
        course_id=course_id,
        name=_encodable(name[:MAX_NAME]) if isinstance(name, str) else "",
        figures={field: _number(raw.get(field), flaws) for field in fields},
    )


def _usable(course_id: str) -> bool:
    return 0 < len(course_id.strip()) <= len(course_id) <= MAX_ID and (
        course_id == _encodable(course_id)
    )


def _encodable(text: str) -> str:
    """Replace what UTF-8 cannot carry (halves of surrogate pairs)."""
    return text.encode("utf-8", "replace").decode()


def _bucket(row: dict[str, Any], flaws: Flaws) -> Bucket | None:
    sessions = _number(row.get("total_sessions"), flaws)
    if sessions is None:
        return None
    if sessions == 0:  # whatever the average says, nothing was sent
        return Bucket(0.0, 0.0)
    average = _number(row.get("avg_messages"), flaws)
    return Bucket(sessions, None if average is None else sessions * average)


def _merge(one: Bucket | None, other: Bucket | None) -> Bucket | None:
    if one is None or other is None:
        return None
    return Bucket(one.sessions + other.sessions, _plus(one.messages, other.messages))


def _plus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _pagination(answer: dict[str, Any], flaws: Flaws) -> Pagination:
    raw = answer.get("pagination")
    if not isinstance(raw, dict):
        return Pagination()

    def whole(key: str) -> int | None:
        value = _number(raw.get(key), flaws)
        return None if value is None else int(value)

    return Pagination(whole("totalItems"), whole("currentPage"), whole("totalPages"))


_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_NOTHING = frozenset({"", "n/a", "na", "none", "null", "-"})


def _number(raw: Any, flaws: Flaws, *, signed: bool = False) -> float | None:
    """Return a finite number, or None if there is none; what is neither is noted."""
    if raw is None:
        return None
    if isinstance(raw, str):
        text = raw.strip()
        if text.lower() in _NOTHING:
            return None
        raw = float(text) if _NUMBER.fullmatch(text) else None
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        try:
            value = float(raw)
        except OverflowError:
            value = math.inf
        if math.isfinite(value) and (signed or value >= 0):
            return value + 0.0  # -0.0 becomes 0.0
    flaws[Reason.VALUE] += 1
    return None


_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].{0,40})?", re.ASCII)


def _date(raw: Any) -> date | None:
    """Return the date that a day or timestamp prints, whatever zone it names."""
    match = _DAY.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match is None:
        return None
    try:
        return date.fromisoformat(match.group(1))
    except ValueError:
        return None
