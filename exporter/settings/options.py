"""Every setting with its variable, type and default: for the reference, and for suggestions."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from exporter.settings.schema import Settings
from exporter.settings.units import format_duration, format_size

ENV_PREFIX = "IBLAI_"
ENV_LEVEL = "__"
COMPUTED = frozenset({"orgs", "warnings"})
"""Fields of `Settings` that are no settings of the top level."""

_REQUIRED = frozenset({"key", "user_id"})
_FORMATS = {"duration": format_duration, "size": format_size}


@dataclass(frozen=True, slots=True)
class Option:
    """One setting, as in the reference. `default` is written as in a file."""

    path: str
    env: str
    default: str | None
    per_org: bool
    type: str
    help: str


def variable(*path: str | int) -> str:
    """Return the environment variable of a path."""
    return ENV_PREFIX + ENV_LEVEL.join(str(part).upper() for part in path)


@cache
def options() -> tuple[Option, ...]:
    """Return every setting, those of the top level first."""
    listed = TypeAdapter(list[Settings], config=ConfigDict(use_attribute_docstrings=True))
    sections = listed.json_schema()["$defs"]
    key, *per_org = _options(sections, "Org", per_org=True)
    return (*per_org, *_options(sections, "Settings", per_org=False), key)


def _options(
    sections: Mapping[str, Any], section: str, *above: str, per_org: bool
) -> Iterator[Option]:
    for name, schema in sections[section]["properties"].items():
        path = (*above, name)
        if "$ref" in schema:
            below = schema["$ref"].rpartition("/")[2]
            yield from _options(sections, below, *path, per_org=per_org)
        elif name == "key":
            help_ = _help(schema)
            yield Option("orgs[].key", variable("orgs", 0, name), None, True, _type(schema), help_)
        elif section != "Settings" or name not in COMPUTED:
            kind = _type(schema)
            default = None if name in _REQUIRED else _written(schema.get("default", {}), kind)
            help_ = _help(schema)
            yield Option(".".join(path), variable(*path), default, per_org, kind, help_)


def _help(schema: Mapping[str, Any]) -> str:
    return " ".join(schema["description"].split())


def _type(schema: Mapping[str, Any]) -> str:
    """Return the name of a type, such as `list of text`."""
    if "anyOf" in schema:
        return _type(schema["anyOf"][0])  # the other is null
    if "enum" in schema:
        *choices, last = schema["enum"]
        return f"{', '.join(choices)} or {last}"
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    if schema["type"] == "object":
        return f"mapping to {_type(schema['additionalProperties'])}"
    return "true or false" if schema["type"] == "boolean" else str(schema["type"])


def _written(default: Any, kind: str) -> str | None:
    """Return a default as it is written in a file."""
    if default is None:
        return None
    if kind in _FORMATS:
        return _FORMATS[kind](default)
    return f"{default:g}" if isinstance(default, float) else json.dumps(default).strip('"') or '""'
