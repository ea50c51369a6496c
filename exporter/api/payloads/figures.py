"""Single figures of an answer, found by where they stand in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.api.payloads.lists import Pagination, read_pagination
from exporter.api.payloads.values import Flaws, PayloadError, number_of, object_of

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures by the path at which they stand, None where not given."""

    values: Mapping[str, float | None]
    flaws: Flaws

    def __getitem__(self, path: str) -> float | None:
        return self.values[path]


@dataclass(frozen=True, slots=True)
class Size:
    """How long a list is. Nothing of its rows is read."""

    pagination: Pagination
    flaws: Flaws


def read_figures(body: bytes, *paths: str) -> Figures:
    """Read the numbers that stand at `paths`, such as `data.average`.

    One that is null is not given; where none of the members is there, it is no answer.
    """
    answer = object_of(body)
    flaws = Flaws()
    found = {path: _at(answer, path) for path in paths}
    if all(raw is _MISSING for raw in found.values()):
        raise PayloadError(f"the answer has no {' or '.join(f'`{path}`' for path in paths)}")
    values = {
        path: None if raw is _MISSING else number_of(raw, flaws) for path, raw in found.items()
    }
    if flaws and all(value is None for value in values.values()):
        raise PayloadError("none of its figures could be read")
    return Figures(values, flaws)


def read_size(body: bytes) -> Size:
    """Read how many rows a list has, whoever they are about."""
    flaws = Flaws()
    pagination = read_pagination(object_of(body), flaws)
    if pagination.total_items is None:
        raise PayloadError("`pagination.totalItems` is missing or no number")
    return Size(pagination, flaws)


def _at(answer: dict[str, Any], path: str) -> Any:
    found: Any = answer
    for member in path.split("."):
        found = found.get(member, _MISSING) if isinstance(found, dict) else _MISSING
    return found
