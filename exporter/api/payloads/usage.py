"""Calls of language models (`llm-usage/`), and the spend cap of an org."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.api.payloads.parts import NAMELESS
from exporter.api.payloads.values import (
    PayloadError,
    PayloadErrors,
    add,
    display_name,
    flatten,
    objects_in,
    parse_json,
    parse_number,
    parse_object,
)

_SUMMABLE = frozenset({"sum", "count"})
"""Aggregations of which rows of the same group can be added up."""

_GROUP_NAMES = {"model": ("model", "providedmodelname", "modelname")}
"""Other names of a group, normalized; the first that a row has is used."""


@dataclass(frozen=True, slots=True)
class LlmUsage:
    """For each measure its values by group, None if not returned."""

    columns: Mapping[str, Mapping[str, float | None]]
    errors: PayloadErrors

    def __getitem__(self, measure: str) -> Mapping[str, float | None]:
        return self.columns[measure]


@dataclass(frozen=True, slots=True)
class SpendCap:
    """The spend cap of an org in US dollars. Members are None if not returned.

    A disabled cap has no limit and nothing remaining, and is never exceeded. `remaining` may be
    negative.
    """

    enabled: bool
    interval: str
    limit: float | None
    spent: float | None
    remaining: float | None
    exceeded: bool | None
    errors: PayloadErrors


def parse_llm_usage(
    body: bytes, measures: tuple[str, ...], group: str = "model", *, aggregation: str = "sum"
) -> LlmUsage:
    """Parse `{data: [{<group>, <measure>…}]}`, requested with one `aggregation`.

    The names of the members of a row are not documented. A measure is accepted alone or with
    the aggregation before or behind it, in snake or camel case: `total_cost`, `sum_total_cost`,
    `totalCostSum`, `sum_totalCost`. Rows of the same group are added up, or unknown if the
    aggregation does not allow it (latency percentiles). An empty list is no calls.
    """
    errors = PayloadErrors()
    given = list(_usage_rows(parse_json(body)))
    columns: dict[str, dict[str, float | None]] = {measure: {} for measure in measures}
    recognized = False
    for row in objects_in(given, errors):
        members = _normalized(row)
        name = _group(members, group)
        for measure, column in columns.items():
            spellings = [key for key in _spellings(measure, aggregation) if key in members]
            recognized = recognized or bool(spellings)
            number = parse_number(members[spellings[0]], errors) if spellings else None
            if name not in column:
                column[name] = number
            elif aggregation in _SUMMABLE:
                column[name] = add(column[name], number)
            else:
                column[name] = None
    if given and not recognized:
        raise PayloadError(f"none of {len(given)} rows has {' or '.join(measures)}")
    if errors and not any(value is not None for c in columns.values() for value in c.values()):
        raise PayloadError(f"none of {len(given)} rows is readable")
    return LlmUsage(columns, errors)


def parse_spend_cap(body: bytes) -> SpendCap:
    """Parse the spend cap of an org; money is decimal text or a number."""
    response = parse_object(body)
    errors = PayloadErrors()
    enabled = _boolean(response.get("enabled")) is not False
    limit = parse_number(response.get("max_cost_usd"), errors)
    spent = parse_number(response.get("current_spend_usd"), errors)
    remaining = parse_number(response.get("remaining_usd"), errors, signed=True)
    if enabled and limit is None and spent is None and remaining is None:
        raise PayloadError("the response has no readable `max_cost_usd` or `current_spend_usd`")
    return SpendCap(
        enabled=enabled,
        interval=display_name(response.get("interval_type")),
        limit=limit if enabled else None,
        spent=spent,
        remaining=remaining if enabled else None,
        exceeded=_boolean(response.get("is_exceeded")) if enabled else False,
        errors=errors,
    )


def _usage_rows(response: Any) -> Iterator[Any]:
    if isinstance(response, dict):
        if "data" not in response:
            raise PayloadError("the response has no `data`")
        data = response["data"]
        response = [data] if data and isinstance(data, dict) else data or []
    if not isinstance(response, list):
        raise PayloadError("`data` is not a list")
    return flatten(response)


def _normalized(row: dict[Any, Any]) -> dict[str, Any]:
    """Return members by their name in lower case without underscores.

    Of two members with the same name, the first that is not null is used.
    """
    members: dict[str, Any] = {}
    for key, value in row.items():
        name = _normal(key)
        if members.get(name) is None:
            members[name] = value
    return members


def _normal(name: str) -> str:
    return name.replace("_", "").lower()


def _spellings(measure: str, aggregation: str) -> list[str]:
    """Return the normalized names under which a measure may appear, best first."""
    name = _normal(measure)
    # A count is aggregated by counting, whatever the aggregation of the other measures.
    words = ("count", aggregation) if measure == "count" else (aggregation,)
    return [spelling for word in words for spelling in (word + name, name + word)] + [name]


def _group(members: Mapping[str, Any], group: str) -> str:
    names = _GROUP_NAMES.get(group, (_normal(group),))
    return next((display_name(members[n]) for n in names if members.get(n) is not None), NAMELESS)


def _boolean(raw: Any) -> bool | None:
    if isinstance(raw, str):
        return {"true": True, "false": False}.get(raw.strip().lower())
    return raw if isinstance(raw, bool) else None
