"""The schema as a flat list: each setting with its path, kind, default and description."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from exporter.settings.fields import Kind
from exporter.settings.schema import Org, Settings

ENV_PREFIX = "IBLAI_"
ENV_LEVEL = "__"

COMPUTED = frozenset({"orgs", "warnings"})
"""Fields of `Settings` that are no settings."""


class Form(Enum):
    """What a setting is made of."""

    VALUE = "value"
    LIST = "list"
    MAPPING = "mapping"
    SECTION = "section"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `kind` is that of the items of a list, or of the values of a mapping."""

    path: tuple[str, ...]
    form: Form
    kind: Kind | None
    default: Any
    help: str

    @property
    def env(self) -> str:
        """Return the environment variable that sets it."""
        return variable(*self.path)


def variable(*path: str | int) -> str:
    """Return the environment variable of a path."""
    return ENV_PREFIX + ENV_LEVEL.join(str(part).upper() for part in path)


@cache
def of_org() -> Mapping[tuple[str, ...], Setting]:
    """Return what may be set for one org, by path."""
    return {setting.path: setting for setting in _walk(Org, ())}


@cache
def of_top() -> Mapping[tuple[str, ...], Setting]:
    """Return what may be set at the top level, by path, but for the list of orgs."""
    found = {path: setting for path, setting in of_org().items() if path != ("key",)}
    return found | {setting.path: setting for setting in _walk(Settings, ())}


def hints(schema: type) -> dict[str, Any]:
    """Return the annotations of what may be set in a section, in order."""
    found = get_type_hints(schema, include_extras=True)
    return {
        field.name: found[field.name]
        for field in dataclasses.fields(schema)
        if field.init and field.name not in COMPUTED
    }


def _walk(schema: type, above: tuple[str, ...]) -> Iterator[Setting]:
    defaults = {field.name: _default(field) for field in dataclasses.fields(schema)}
    for name, hint in hints(schema).items():
        path = (*above, name)
        if isinstance(hint, type):
            yield Setting(path, Form.SECTION, None, None, (hint.__doc__ or "").strip())
            yield from _walk(hint, path)
            continue
        kind, about = _annotated(hint)
        form = Form.VALUE
        bare = get_args(hint)[0]
        if get_origin(bare) is tuple:
            form, (kind, _) = Form.LIST, _annotated(get_args(bare)[0])
        elif get_origin(bare) is Mapping:
            form, (kind, _) = Form.MAPPING, _annotated(get_args(bare)[1])
        yield Setting(path, form, kind, defaults[name], about)


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def _annotated(hint: Any) -> tuple[Kind | None, str]:
    """Return the kind and the description among the annotations of a type."""
    assert get_origin(hint) is Annotated
    kind, about = None, ""
    for note in get_args(hint)[1:]:
        if isinstance(note, Kind):
            kind = note
        elif isinstance(note, FieldInfo):
            about = note.description or ""
    return kind, about
