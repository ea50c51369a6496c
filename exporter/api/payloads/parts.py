"""Parts of a total: topics, models, providers, agents."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.api.payloads.columns import parse_required_numbers
from exporter.api.payloads.lists import Pagination, parse_pagination
from exporter.api.payloads.values import (
    MAX_VALUE,
    PayloadError,
    PayloadErrors,
    add,
    display_name,
    flatten,
    is_valid_id,
    objects_in,
    parse_json,
)

NAMELESS = ""
"""Name of a part that has none, or one that could be a person's address."""


@dataclass(frozen=True, slots=True)
class Part:
    """One row: the id ("" if there is none), the name, and the value, None if unknown."""

    id: str
    name: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Parts:
    """One page (or the whole) of a list of parts.

    The keys of `parts` identify rows across pages: `{**one.parts, **next.parts}` are the parts
    of both pages, with a row that both pages contain counted once if it has an id. `rows` is the
    number of rows returned.
    """

    parts: Mapping[str, Part]
    rows: int
    pagination: Pagination
    errors: PayloadErrors

    @property
    def keys(self) -> frozenset[str]:
        """Return what identifies the rows of this page."""
        return frozenset(self.parts)


def parse_parts(
    body: bytes,
    *,
    names: tuple[str, ...],
    value: str,
    ids: tuple[str, ...] = (),
    lists: tuple[str, ...] = (),
) -> Parts:
    """Parse a list of parts: of each row the `value` and the first of `names` and `ids` it has.

    The list is the response itself or its first member of `lists`; a single object may take the
    place of a list. Of rows with the same id, the last counts. Rows without an id are different
    parts even if they are equal, since several agents may share a name and a cost.
    """
    response = parse_json(body)
    errors = PayloadErrors()
    given = list(_rows(response, (value, *names), lists))
    rows = objects_in(given, errors)
    if given and not any(value in row for row in rows):
        raise PayloadError(f"none of {len(given)} rows has a `{value}`")
    values = parse_required_numbers([row.get(value) for row in rows], errors)
    # Differs between pages, and is the same if the API returns the same page again.
    page = hash(body)
    parts: dict[str, Part] = {}
    for index, (row, number) in enumerate(zip(rows, values, strict=True)):
        id_ = _id(row, ids)
        name = next((display_name(row[key]) for key in names if row.get(key) is not None), NAMELESS)
        parts[f"id {id_}" if id_ else f"row {index} of {page}"] = Part(id_, name, number)
    return Parts(parts, len(given), parse_pagination(response, errors), errors)


def sum_by_name(parts: Iterable[Part]) -> dict[str, float | None]:
    """Return the sum of the parts of each name, None if one of them is unknown."""
    sums: dict[str, float | None] = {}
    for part in parts:
        sums[part.name] = add(sums.get(part.name, 0.0), part.value)
    return sums


def _id(row: dict[str, Any], ids: tuple[str, ...]) -> str:
    raw = next((row[key] for key in ids if row.get(key) is not None), "")
    if type(raw) is int and 0 <= raw <= MAX_VALUE:
        return str(raw)
    return raw if is_valid_id(raw) else ""


def _rows(response: Any, members: tuple[str, ...], lists: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(response, list):
        return flatten(response)
    if isinstance(response, dict):
        for name in lists:
            if isinstance(response.get(name), list):
                return flatten(response[name])
        if any(name in response for name in lists):
            return iter(())
        if any(member in response for member in members):
            return iter([response])
    raise PayloadError("the response is not a list of parts")
