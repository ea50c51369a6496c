"""Lists, page by page: of courses, and of learners without their names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.api.payloads.values import (
    MAX_NAME,
    Flaws,
    PayloadError,
    Reason,
    encodable,
    flat,
    number_of,
    object_of,
    usable,
)


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


def read_courses(body: bytes, fields: tuple[str, ...]) -> CoursePage:
    """Read a list of courses with the named number `fields` (seeds 1 and 4).

    A row repeated later replaces the earlier one.
    """
    answer = object_of(body)
    flaws = Flaws()
    given = _rows(answer)
    rows: dict[str, CourseRow] = {}
    for raw in given:
        row = _course(raw, fields, flaws)
        if row is not None:
            rows[row.course_id] = row
    total = number_of(answer.get("total"), flaws)
    if given and not rows and total is None:
        raise PayloadError(f"none of {len(given)} rows could be read")
    if fields and rows and total is None and not any(map(_has_figure, rows.values())):
        raise PayloadError(f"none of {len(given)} rows has a figure")
    return CoursePage(rows, read_pagination(answer, flaws), total, flaws)


def read_learners(body: bytes) -> LearnerPage:
    """Read seed 5: the number of active learners and, row by row, their two indexes."""
    answer = object_of(body)
    flaws = Flaws()
    pagination = read_pagination(answer, flaws)
    if pagination.total_items is None:
        raise PayloadError("`pagination.totalItems` is missing or no number")
    indexes: dict[int, tuple[float | None, float | None]] = {}
    for row in _rows(answer):
        if not isinstance(row, dict) or not isinstance(row.get("username"), str):
            flaws[Reason.ROW] += 1
            continue
        indexes[hash(row["username"])] = (
            number_of(row.get("engagement_index"), flaws, signed=True),
            number_of(row.get("performance_index"), flaws, signed=True),
        )
    return LearnerPage(frozenset(indexes), indexes, pagination, flaws)


def _rows(answer: dict[str, Any]) -> list[Any]:
    data = answer.get("data")
    if isinstance(data, list):
        return list(flat(data))
    if data:
        raise PayloadError("`data` is not a list")
    if "data" not in answer and "pagination" not in answer and "total" not in answer:
        raise PayloadError("the answer has neither `data` nor `pagination`")
    return []


def _has_figure(row: CourseRow) -> bool:
    return any(value is not None for value in row.figures.values())


def _course(raw: Any, fields: tuple[str, ...], flaws: Flaws) -> CourseRow | None:
    course_id = raw.get("course_id") if isinstance(raw, dict) else None
    if not isinstance(course_id, str) or not usable(course_id):
        flaws[Reason.ROW] += 1
        return None
    name = raw.get("name")
    return CourseRow(
        course_id=course_id,
        name=encodable(name[:MAX_NAME]) if isinstance(name, str) else "",
        figures={field: number_of(raw.get(field), flaws) for field in fields},
    )


def read_pagination(answer: dict[str, Any], flaws: Flaws) -> Pagination:
    """Return what a P1 answer says of its pages."""
    raw = answer.get("pagination")
    if not isinstance(raw, dict):
        return Pagination()

    def whole(key: str) -> int | None:
        value = number_of(raw.get(key), flaws)
        return None if value is None else int(value)

    return Pagination(whole("totalItems"), whole("currentPage"), whole("totalPages"))
