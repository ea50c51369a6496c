"""Lists, page by page: courses, and learners without their names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.api.payloads.columns import are_plain_ids, parse_names, parse_numbers
from exporter.api.payloads.values import (
    PayloadError,
    PayloadErrors,
    Reason,
    flatten,
    is_valid_id,
    parse_number,
    parse_object,
)


@dataclass(frozen=True, slots=True)
class Pagination:
    """The pagination of a response. Every member may be missing."""

    total_items: int | None = None
    current_page: int | None = None
    total_pages: int | None = None


@dataclass(frozen=True, slots=True)
class CoursePage:
    """One page (or the whole) of a list of courses.

    `names` are the courses' names by id, and `columns` their values, for each field of the API
    by id, None if not returned.
    """

    names: Mapping[str, str]
    columns: Mapping[str, Mapping[str, float | None]]
    pagination: Pagination
    total: float | None
    errors: PayloadErrors

    @property
    def keys(self) -> frozenset[str]:
        """Return what identifies the rows of this page."""
        return frozenset(self.names)


@dataclass(frozen=True, slots=True)
class LearnerPage:
    """How many learners there are, and their indexes, without any name.

    `keys` are salted hashes that identify learners within one process only.
    """

    keys: frozenset[int]
    indexes: Mapping[int, tuple[float | None, float | None]]
    pagination: Pagination
    errors: PayloadErrors


def parse_courses(body: bytes, fields: tuple[str, ...]) -> CoursePage:
    """Parse a list of courses with the named number `fields` (seeds 1 and 4).

    A row repeated later replaces the earlier one.
    """
    response = parse_object(body)
    errors = PayloadErrors()
    given = _rows(response)
    rows = course_rows(given, "course_id", errors)
    names = course_names(rows)
    columns = parse_columns(rows, fields, errors)
    total = parse_number(response.get("total"), errors)
    if given and not rows and total is None:
        raise PayloadError(f"none of {len(given)} rows is readable")
    if fields and rows and total is None and not any(map(_has_value, columns.values())):
        raise PayloadError(f"none of {len(given)} rows has a value")
    return CoursePage(names, columns, parse_pagination(response, errors), total, errors)


def parse_learners(body: bytes) -> LearnerPage:
    """Parse seed 5: the number of active learners and, row by row, their two indexes."""
    response = parse_object(body)
    errors = PayloadErrors()
    pagination = parse_pagination(response, errors)
    if pagination.total_items is None:
        raise PayloadError("`pagination.totalItems` is missing or not a number")
    indexes: dict[int, tuple[float | None, float | None]] = {}
    for row in _rows(response):
        if not isinstance(row, dict) or not isinstance(row.get("username"), str):
            errors[Reason.ROW] += 1
            continue
        indexes[hash(row["username"])] = (
            parse_number(row.get("engagement_index"), errors, signed=True),
            parse_number(row.get("performance_index"), errors, signed=True),
        )
    return LearnerPage(frozenset(indexes), indexes, pagination, errors)


def course_rows(given: list[Any], key: str, errors: PayloadErrors) -> dict[str, dict[str, Any]]:
    """Return the rows that have a usable id at `key`, by id; the others are counted."""
    ids: list[Any] = [row.get(key) if isinstance(row, dict) else None for row in given]
    if are_plain_ids(ids):
        return dict(zip(ids, given, strict=True))
    rows = [(id_, row) for id_, row in zip(ids, given, strict=True) if is_valid_id(id_)]
    if invalid := len(given) - len(rows):
        errors[Reason.ROW] += invalid
    return dict(rows)


def course_names(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of courses by id, "" without one."""
    names = parse_names([row.get("name") for row in rows.values()])
    return dict(zip(rows, names, strict=True))


def parse_columns(
    rows: Mapping[str, Mapping[str, Any]], fields: tuple[str, ...], errors: PayloadErrors
) -> dict[str, dict[str, float | None]]:
    """Return the numbers in each of `fields`, by the id of their row."""
    return {
        field: dict(
            zip(rows, parse_numbers([row.get(field) for row in rows.values()], errors), strict=True)
        )
        for field in fields
    }


def parse_pagination(response: Any, errors: PayloadErrors) -> Pagination:
    """Return the pagination of a response, in any of the API's envelopes.

    The members are in `pagination` or beside the rows.
    """
    if not isinstance(response, dict):
        return Pagination()
    inner = response.get("pagination")
    source = inner if isinstance(inner, dict) else response

    def whole(*keys: str) -> int | None:
        found = (parse_number(source.get(key), errors) for key in keys)
        return next((int(value) for value in found if value is not None), None)

    return Pagination(
        whole("totalItems", "total_records", "count"),
        whole("currentPage", "current_page", "page"),
        whole("totalPages", "total_pages"),
    )


def _rows(response: dict[str, Any]) -> list[Any]:
    data = response.get("data")
    if isinstance(data, list):
        return list(flatten(data))
    if data:
        raise PayloadError("`data` is not a list")
    if "data" not in response and "pagination" not in response and "total" not in response:
        raise PayloadError("the response has neither `data` nor `pagination`")
    return []


def _has_value(column: Mapping[str, float | None]) -> bool:
    return any(value is not None for value in column.values())
