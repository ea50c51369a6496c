"""What is given of the schema, checked by pydantic: every field may be left out."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from exporter.problems import Loc, Problem, did_you_mean
from exporter.settings import outline
from exporter.settings.outline import Form
from exporter.settings.schema import ApiLimits, Log, Org, Settings, Web

S = TypeVar("S", bound=ApiLimits | Web | Log | Org)

_DICT_KEY = "[key]"
_NEAR = 2


class Overlay(BaseModel):
    """Some of the settings of a section; only those given are set."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def given(self) -> dict[str, Any]:
        """Return what is given, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def validate(tree: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Problem]]:
    """Return what is given at the top level, `orgs` as overlays, and what is wrong with it."""
    raw = dict(tree)
    found: list[Problem] = []
    orgs = raw.pop("orgs", None)
    if isinstance(orgs, dict) and all(isinstance(index, int) for index in orgs):
        gap = next((i for i in range(len(orgs)) if i not in orgs), None)
        if gap is None:
            raw["orgs"] = [orgs[index] for index in range(len(orgs))]
        else:
            found.append(
                (("orgs", max(orgs)), f"there is no orgs[{gap}] before it; number them from 0")
            )
    elif orgs is not None:
        found.append(
            (("orgs",), "must be a list; begin each org with `- key: …`, and indent what follows")
        )
    try:
        return _top().model_validate(raw).given(), found
    except ValidationError as error:
        details = error.errors(include_url=False)
        return {}, [*found, *((_loc(detail), _text(detail)) for detail in details)]


def apply(base: S, given: Mapping[str, Any]) -> S:
    """Return `base` with what is given; sections and mappings are merged by key."""
    changes = {name: _over(getattr(base, name), value) for name, value in given.items()}
    return dataclasses.replace(base, **changes) if changes else base


def _over(base: Any, value: Any) -> Any:
    if isinstance(value, Overlay):
        return apply(base, value.given())
    return {**base, **value} if isinstance(value, dict) else value


@cache
def _top() -> type[Overlay]:
    hints = {name: hint for name, hint in outline.hints(Org).items() if name != "key"}
    found = _fields(hints | outline.hints(Settings))
    found["orgs"] = (list[_overlay(Org)], [])  # type: ignore[misc]  # a type made at run time
    return create_model("Top", __base__=Overlay, **found)


@cache
def _overlay(schema: type) -> type[Overlay]:
    return create_model(schema.__name__, __base__=Overlay, **_fields(outline.hints(schema)))


def _fields(hints: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: (_overlay(hint) if isinstance(hint, type) else hint, None)
        for name, hint in hints.items()
    }


def _loc(detail: ErrorDetails) -> Loc:
    return tuple(part for part in detail["loc"] if part != _DICT_KEY)


def _text(detail: ErrorDetails) -> str:
    """Say what is wrong in the words of this project; pydantic's may quote the value."""
    kind, loc = detail["type"], _loc(detail)
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "extra_forbidden":
        return _unknown(loc)
    if detail["input"] is None:
        return "has no value; write what belongs below it, or take the line out"
    if kind in {"tuple_type", "list_type"}:
        return "must be a list; write [a, b], or each item in a line of its own after `- `"
    if len(loc) == _NEAR and loc[0] == "orgs":
        return "must be keys and values; write `- key: …`, and what belongs to the org below it"
    return "must be keys and values, such as {name: value}"


def _unknown(loc: Loc) -> str:
    """Say that a key is unknown, and which was meant."""
    in_org = loc[0] == "orgs"
    known = outline.of_org() if in_org else outline.of_top()
    path = tuple(str(part) for part in loc[_NEAR if in_org else 0 :])
    name = path[-1]
    close = did_you_mean(name, (p[-1] for p in known if p[:-1] == path[:-1]))
    if not close:
        everywhere = [*outline.of_top(), *outline.of_org()]
        other = next((p for p in everywhere if p[-1] == name and p != path), None)
        if other is not None:
            top_only = other not in outline.of_org()
            level = " at the top level" if top_only and in_org else ""
            close = f"; it belongs in {'.'.join(other)}{level}"
    sections = outline.of_top()
    if not close and in_org and path in sections and sections[path].form is Form.SECTION:
        close = "; it is set once, at the top level"
    return f"unknown key{close or '; the reference of settings lists all'}"
