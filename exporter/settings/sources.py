"""Where settings come from: flags, the environment and the file, merged in that order."""

import os.path
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from exporter import yamlfile
from exporter.problems import Loc, Problem, dotted
from exporter.yamlfile import Unquoted

KEYS = ("api_key", "api_key_file")


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source sets. The list of orgs is a mapping by index, so that layers can overlap.

    `place` says where something stands, for a person, and `line` orders what stands in a file;
    `problems` is what could not be read; `all_orgs` tells that the list of orgs is whole.
    """

    tree: dict[str, Any]
    place: Callable[[Loc], str]
    problems: tuple[str, ...] = ()
    all_orgs: bool = False
    line: Callable[[Loc], int] = lambda _loc: 0

    def holds(self, loc: Loc) -> bool:
        """Return whether this source sets something at a place."""
        node: Any = self.tree
        for part in loc:
            if not _has(node, part):
                return False
            node = node[part]
        return True


def _has(node: Any, part: str | int) -> bool:
    if isinstance(node, dict):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and part < len(node)


class Merged(BaseSettings):
    """All layers as one tree: the values of the first layer that sets them."""

    model_config = SettingsConfigDict(extra="allow", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the layers alone: pydantic's own sources keep neither lines nor list indexes."""
        assert isinstance(init_settings, InitSettingsSource)
        layers = init_settings.init_kwargs["layers"]
        return tuple(_LayerSource(settings_cls, layer) for layer in layers)


class _LayerSource(PydanticBaseSettingsSource):
    def __init__(self, settings_cls: type[BaseSettings], layer: Layer) -> None:
        super().__init__(settings_cls)
        self._layer = layer

    def get_field_value(
        self,
        field: FieldInfo,  # noqa: ARG002 - pydantic's signature
        field_name: str,
    ) -> tuple[Any, str, bool]:
        return self._layer.tree.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._layer.tree


def merge(layers: Iterable[Layer]) -> tuple[dict[str, Any], tuple[Layer, ...]]:
    """Return the merged tree, and the layers without what those before them replace whole."""
    seen: list[Layer] = []
    for layer in layers:
        seen.append(replace(layer, tree=_beneath(seen, layer.tree)))
    return dict(Merged(layers=seen).model_extra or {}), tuple(seen)


def _beneath(above: Iterable[Layer], tree: dict[str, Any]) -> dict[str, Any]:
    """Return a tree without what layers above it replace whole: the list of orgs, and keys."""
    tree = dict(tree)
    for layer in above:
        if layer.all_orgs:
            tree.pop("orgs", None)
        _drop_keys(layer.tree, tree)
        mine, theirs = tree.get("orgs"), layer.tree.get("orgs")
        if isinstance(mine, dict) and isinstance(theirs, dict):
            tree["orgs"] = mine = dict(mine)
            for index in mine.keys() & theirs.keys():
                if isinstance(mine[index], dict) and isinstance(theirs[index], dict):
                    mine[index] = dict(mine[index])
                    _drop_keys(theirs[index], mine[index])
    return tree


def _drop_keys(above: Mapping[str, Any], below: dict[str, Any]) -> None:
    if any(name in above for name in KEYS):
        for name in KEYS:
            below.pop(name, None)


def placed(layers: Sequence[Layer], problems: Iterable[Problem]) -> list[str]:
    """Return problems with their places before them, in the order of the lines of the file."""
    found = [(_layer_of(layers, loc), loc, text) for loc, text in problems]
    found.sort(key=lambda item: item[0].line(item[1]))
    return [f"{layer.place(loc)}: {text}" for layer, loc, text in found]


def _layer_of(layers: Sequence[Layer], loc: Loc) -> Layer:
    """Return the layer in which something stands, or in which it is missing."""
    for end in range(len(loc), 0, -1):
        for layer in reversed(layers) if end < len(loc) else layers:
            if layer.holds(loc[:end]):
                return layer
    return layers[-1]


def from_flags(flags: Mapping[str, Any]) -> Layer:
    """Return what the command line sets. Its keys are dotted paths, its values may be of any type.

    A value of None is a flag that was not given.
    """
    given = {path: value for path, value in flags.items() if value is not None}
    tree: dict[str, Any] = {}
    for path, value in given.items():
        put(tree, tuple(path.split(".")), as_text(value))
    listed = "orgs" in given
    if listed:
        tree["orgs"] = by_index(named(tree["orgs"]))

    def where(loc: Loc) -> str:
        words = [str(part) for part in loc]
        for end in range(len(words), 0, -1):
            flag = ".".join(words[:end])
            if flag in given:
                rest = dotted(loc[end:])
                return f"--{flag.replace('_', '-')}" + (f": {rest}" if rest else "")
        return f"--{dotted(loc)}"

    return Layer(prepare(tree, None), where, all_orgs=listed)


def from_file(path: Path | None) -> Layer:
    """Return what the file sets. Raises `ConfigError` if nothing can be made of it."""
    if path is None:
        return Layer({}, dotted)
    document = yamlfile.read(path)
    tree = dict(document.tree)
    if isinstance(tree.get("orgs"), list):
        tree["orgs"] = by_index(tree["orgs"])

    def line(loc: Loc) -> int:
        known = (loc[:end] for end in range(len(loc), 0, -1) if loc[:end] in document.lines)
        return document.lines[next(known, ())] if document.lines else 0

    def where(loc: Loc) -> str:
        if loc[:1] not in document.lines:
            return f"{path}: {dotted(loc)}"
        return f"{path}:{line(loc)}: {dotted(loc)}"

    return Layer(prepare(tree, path.parent), where, document.problems, line=line)


def as_text(value: Any) -> Any:
    """Return a value with all that is in it as text, the way a file gives it."""
    if isinstance(value, Mapping):
        return {str(key): as_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(item) for item in value]
    if isinstance(value, bool):
        return Unquoted(str(value).lower())
    if isinstance(value, int | float):
        return Unquoted(value)
    return value if value is None or isinstance(value, str | SecretStr) else str(value)


def named(orgs: Any) -> Any:
    """Return a list of orgs in which those given by their key alone are mappings too."""
    if isinstance(orgs, str):
        orgs = [key.strip() for key in orgs.split(",") if key.strip()]
    if not isinstance(orgs, list):
        return orgs
    return [{"key": org} if isinstance(org, str) else org for org in orgs]


def by_index(orgs: Any) -> Any:
    """Return a list of orgs as a mapping by index."""
    return dict(enumerate(orgs)) if isinstance(orgs, list) else orgs


def put(tree: dict[str, Any], loc: Loc, value: Any) -> None:
    """Set a value at a place, with the mappings that lead to it."""
    node: Any = tree
    for part in loc[:-1]:
        if not isinstance(node.get(part), dict):
            node[part] = {}
        node = node[part]
    node[loc[-1]] = value


def prepare(tree: dict[str, Any], base: Path | None) -> dict[str, Any]:
    """Seal the keys, and make paths relative to `base` (the file's directory) whole."""
    orgs = tree.get("orgs")
    levels = [tree, tree.get("web"), *(orgs.values() if isinstance(orgs, dict) else ())]
    for level in levels:
        if not isinstance(level, dict):
            continue
        if isinstance(level.get("api_key"), str):
            level["api_key"] = SecretStr(level["api_key"])
        for name in ("api_key_file", "secrets_dir", "config_file", "state_dir", "orgs_dir"):
            text = level.get(name)
            if isinstance(text, str) and not isinstance(text, Unquoted) and text.strip():
                # Path.expanduser raises where there is no such user.
                expanded = os.path.expanduser(text)  # noqa: PTH111
                level[name] = str(base / expanded) if base else expanded
    return tree
