"""Single values of a response, found by their path."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.api.payloads.columns import parse_required_numbers
from exporter.api.payloads.lists import Pagination, parse_pagination
from exporter.api.payloads.values import PayloadError, PayloadErrors, parse_number, parse_object

MISSING = object()
"""The value of a member that a response does not have."""

_NAMED = 3
"""Members named in an error, at most."""


@dataclass(frozen=True, slots=True)
class Values:
    """Values by name, None if not returned."""

    values: Mapping[str, float | None]
    errors: PayloadErrors

    def __getitem__(self, name: str) -> float | None:
        return self.values[name]


@dataclass(frozen=True, slots=True)
class Number:
    """One value, None if not returned."""

    value: float | None
    errors: PayloadErrors


@dataclass(frozen=True, slots=True)
class Size:
    """The length of a list. Its rows are not parsed."""

    pagination: Pagination
    errors: PayloadErrors


def parse_values(body: bytes, *paths: str, signed: Collection[str] = ()) -> Values:
    """Parse the numbers at `paths`, such as `data.average`; those in `signed` may be negative.

    Null is "not returned". A response with none of the members is a `PayloadError`.
    """
    return values_at(parse_object(body), *paths, signed=signed)


def parse_size(body: bytes) -> Size:
    """Parse how many rows a list has. The rows are not parsed."""
    errors = PayloadErrors()
    pagination = parse_pagination(parse_object(body), errors)
    if pagination.total_items is None:
        raise PayloadError("`pagination.totalItems` is missing or not a number")
    return Size(pagination, errors)


def parse_total_cost(body: bytes) -> Number:
    """Parse `{total_cost}`: US dollars, as a number or text.

    Null is counted and unknown: the cost store was unreachable.
    """
    response = parse_object(body)
    if "total_cost" not in response:
        raise PayloadError("the response has no `total_cost`")
    errors = PayloadErrors()
    [cost] = parse_required_numbers([response["total_cost"]], errors)
    return Number(cost, errors)


def values_at(response: dict[str, Any], *paths: str, signed: Collection[str] = ()) -> Values:
    """Return the numbers at `paths` of a parsed response, as `parse_values` does."""
    found = {path: member_at(response, path) for path in paths}
    if all(raw is MISSING for raw in found.values()):
        names = " or ".join(f"`{path}`" for path in paths[:_NAMED])
        more = ", and none of the others" if len(paths) > _NAMED else ""
        raise PayloadError(f"the response has no {names}{more}")
    errors = PayloadErrors()
    values = {
        path: None if raw is MISSING else parse_number(raw, errors, signed=path in signed)
        for path, raw in found.items()
    }
    if errors and all(value is None for value in values.values()):
        raise PayloadError("none of its values is readable")
    return Values(values, errors)


def member_at(response: Any, path: str) -> Any:
    """Return the member at a path of names, or `MISSING`."""
    found = response
    for member in path.split("."):
        found = found.get(member, MISSING) if isinstance(found, dict) else MISSING
    return found
