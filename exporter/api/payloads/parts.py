"""What a whole is made up of: topics, models, providers, agents, each by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.api.payloads.lists import Pagination
from exporter.api.payloads.values import (
    Flaws,
    PayloadError,
    Reason,
    flat,
    json_of,
    number_of,
    plus,
    title_of,
)

NAMELESS = ""
"""Name of what has none, or one that could be a person's address."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Figures by the name of what they are about; None where not given."""

    values: Mapping[str, float | None]
    pagination: Pagination
    flaws: Flaws

    @property
    def keys(self) -> frozenset[str]:
        """What tells the parts of one page from those of another."""
        return frozenset(self.values)


def read_parts(
    body: bytes, *, names: tuple[str, ...], value: str, lists: tuple[str, ...] = ()
) -> Parts:
    """Read a list of parts: the `value` of each row, and the first of `names` that it has.

    The list is the answer itself, or the first of its members `lists` that is there, and a
    single part may stand in place of a list. Rows of the same name are added up.
    """
    answer = json_of(body)
    flaws = Flaws()
    rows = list(_rows(answer, (value, *names), lists))
    values: dict[str, float | None] = {}
    for row in rows:
        if not isinstance(row, dict):
            flaws[Reason.ROW] += 1
            continue
        name = next((title_of(row[key]) for key in names if row.get(key) is not None), NAMELESS)
        number = number_of(row.get(value), flaws)
        values[name] = plus(values[name], number) if name in values else number
    if rows and not any(isinstance(row, dict) and value in row for row in rows):
        raise PayloadError(f"none of {len(rows)} rows has a `{value}`")
    return Parts(values, _pagination(answer, flaws), flaws)


def _rows(answer: Any, members: tuple[str, ...], lists: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(answer, list):
        return flat(answer)
    if isinstance(answer, dict):
        for name in lists:
            if isinstance(answer.get(name), list):
                return flat(answer[name])
        if any(name in answer for name in lists):
            return iter(())
        if any(member in answer for member in members):
            return iter([answer])
    raise PayloadError("the answer is no list of parts")


def _pagination(answer: Any, flaws: Flaws) -> Pagination:
    """Return what is said of the pages, in the words of either of the two families."""
    if not isinstance(answer, dict):
        return Pagination()

    def whole(*keys: str) -> int | None:
        found = [number_of(answer.get(key), flaws) for key in keys]
        return next((int(value) for value in found if value is not None), None)

    return Pagination(whole("total_records", "count"), whole("page"), whole("total_pages"))
