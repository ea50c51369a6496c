"""Lists, page by page: of courses, and of learners without their names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.api.payloads.columns import all_plain, numbers_of
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
class CoursePage:
    """One page (or the whole) of a list of courses.

    `names` are the courses' names by id, and `columns` their figures, for each field of the API
    by id, None where not given.
    """

    names: Mapping[str, str]
    columns: Mapping[str, Mapping[str, float | None]]
    pagination: Pagination
    total: float | None
    flaws: Flaws

    @property
    def keys(self) -> frozenset[str]:
        """What tells the rows of one page from those of another."""
        return frozenset(self.names)


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
    rows = _courses(given, flaws)
    names = {course_id: _name(row.get("name")) for course_id, row in rows.items()}
    columns = {
        field: dict(
            zip(rows, numbers_of([row.get(field) for row in rows.values()], flaws), strict=True)
        )
        for field in fields
    }
    total = number_of(answer.get("total"), flaws)
    if given and not rows and total is None:
        raise PayloadError(f"none of {len(given)} rows could be read")
    if fields and rows and total is None and not any(map(_has_figure, columns.values())):
        raise PayloadError(f"none of {len(given)} rows has a figure")
    return CoursePage(names, columns, read_pagination(answer, flaws), total, flaws)


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


def _has_figure(column: Mapping[str, float | None]) -> bool:
    return any(value is not None for value in column.values())


def _courses(given: list[Any], flaws: Flaws) -> dict[str, dict[str, Any]]:
    """Return the rows that have a usable id, by id."""
    ids: list[Any] = [row.get("course_id") if isinstance(row, dict) else None for row in given]
    if all_plain(ids):
        return dict(zip(ids, given, strict=True))
    rows = [(id_, row) for id_, row in zip(ids, given, strict=True) if usable(id_)]
    if odd := len(given) - len(rows):
        flaws[Reason.ROW] += odd
    return dict(rows)


def _name(raw: Any) -> str:
    if not isinstance(raw, str):
        return ""
    return raw if raw.isascii() and len(raw) <= MAX_NAME else encodable(raw[:MAX_NAME])


def read_pagination(answer: dict[str, Any], flaws: Flaws) -> Pagination:
    """Return what a P1 answer says of its pages."""
    raw = answer.get("pagination")
    if not isinstance(raw, dict):
        return Pagination()

    def whole(key: str) -> int | None:
        value = number_of(raw.get(key), flaws)
        return None if value is None else int(value)

    return Pagination(whole("totalItems"), whole("currentPage"), whole("totalPages"))
