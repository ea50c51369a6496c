"""Where settings come from: flags, the environment and the file, merged in that order."""

import json
import os.path
import re
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

from exporter import outline, yamlfile
from exporter.outline import ENV_LEVEL, ENV_PREFIX, Form, variable
from exporter.problems import Loc, Problem, did_you_mean, dotted
from exporter.yamlfile import Unquoted

CONFIG = f"{ENV_PREFIX}CONFIG"
ORGS = variable("orgs")
KEYS = ("api_key", "api_key_file")

_KEY_LIST = "org keys"
_ONE_ORG = "org"

# What Kubernetes sets for a service whose name begins with `iblai`.
_SERVICE = re.compile(
    r"IBLAI(?:_[A-Z0-9_]+)?_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_SERVICE_VALUE = re.compile(r"(?:tcp|udp|sctp)://.*|tcp|udp|sctp|[0-9]+|[0-9a-fA-F.:]+|None")
_OWN = f"{ENV_PREFIX}EXPORTER_"


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
        _put(tree, tuple(path.split(".")), _as_text(value))
    listed = "orgs" in given
    if listed:
        tree["orgs"] = _by_index(_named(tree["orgs"]))

    def where(loc: Loc) -> str:
        words = [str(part) for part in loc]
        for end in range(len(words), 0, -1):
            flag = ".".join(words[:end])
            if flag in given:
                rest = dotted(loc[end:])
                return f"--{flag.replace('_', '-')}" + (f": {rest}" if rest else "")
        return f"--{dotted(loc)}"

    return Layer(_prepare(tree, None), where, all_orgs=listed)


def from_file(path: Path | None) -> Layer:
    """Return what the file sets. Raises `ConfigError` if nothing can be made of it."""
    if path is None:
        return Layer({}, dotted)
    document = yamlfile.read(path)
    tree = dict(document.tree)
    if isinstance(tree.get("orgs"), list):
        tree["orgs"] = _by_index(tree["orgs"])

    def line(loc: Loc) -> int:
        known = (loc[:end] for end in range(len(loc), 0, -1) if loc[:end] in document.lines)
        return document.lines[next(known, ())] if document.lines else 0

    def where(loc: Loc) -> str:
        if loc[:1] not in document.lines:
            return f"{path}: {dotted(loc)}"
        return f"{path}:{line(loc)}: {dotted(loc)}"

    return Layer(_prepare(tree, path.parent), where, document.problems, line=line)


def from_environment(environ: Mapping[str, str]) -> Layer:
    """Return what variables that begin with IBLAI_ set. An empty one counts as not set."""
    names: dict[Loc, str] = {}
    problems: list[str] = []
    found: list[tuple[Loc, Form | str, str, str]] = []
    for name, value in environ.items():
        if not name.startswith(ENV_PREFIX) or name == CONFIG or _is_foreign(name, value):
            continue
        located = _locate(name)
        if located is None:
            problems.append(f"{_visible(name)}: unknown variable{_suggestion(name)}")
        else:
            loc, form, may_be_empty = located
            if value or may_be_empty:
                found.append((loc, form, name, value))
    tree: dict[str, Any] = {}
    for loc, form, name, value in sorted(found, key=lambda item: (len(item[0]), item[2])):
        try:
            _put(tree, loc, _read(form, value))
        except ValueError as error:
            problems.append(f"{name}: {error}")
        names[loc] = name

    def where(loc: Loc) -> str:
        for end in range(len(loc), 0, -1):
            if loc[:end] in names:
                rest = dotted(loc[end:])
                return names[loc[:end]] + (f": {rest}" if rest else "")
        return variable(*loc)

    return Layer(_prepare(tree, None), where, tuple(problems), all_orgs=("orgs",) in names)


def _is_foreign(name: str, value: str) -> bool:
    if name.startswith(_OWN):
        return True
    return bool(_SERVICE.fullmatch(name) and _SERVICE_VALUE.fullmatch(value))


def _visible(name: str) -> str:
    return name if name.isprintable() else f"{ENV_PREFIX}…"


def _suggestion(name: str) -> str:
    word = name.upper()
    match = re.match(rf"{ORGS}_+[0-9]+_+", word)
    if match is None and word.startswith(f"{ORGS}{ENV_LEVEL}"):
        return f"; orgs are numbered from 0, as in {variable('orgs', 0, 'key')}"
    if match:
        index = re.sub(r"[^0-9]", "", match[0])
        known = [variable("orgs", index, *path) for path in outline.of_org()]
    else:
        known = [setting.env for setting in outline.of_top().values()] + [ORGS, CONFIG]
    close = did_you_mean(word, known)
    if not close:
        last = f"_{word[len(ENV_PREFIX) :].strip('_')}"
        close = next((f"; did you mean {other}?" for other in known if other.endswith(last)), "")
    return close or "; the reference of settings lists all"


def _locate(name: str) -> tuple[Loc, Form | str, bool] | None:
    """Return where a variable puts its value, how to read it, and whether it may be empty."""
    parts = name[len(ENV_PREFIX) :].split(ENV_LEVEL)
    if name != name.upper() or not all(parts):
        return None
    path = tuple(part.lower() for part in parts)
    if path[0] != "orgs":
        return _find(outline.of_top(), (), path)
    if len(path) == 1:
        return ("orgs",), _KEY_LIST, False
    if not re.fullmatch(r"0|[1-9][0-9]{0,4}", path[1]):
        return None
    above = ("orgs", int(path[1]))
    if len(path) == len(above):
        return above, _ONE_ORG, False
    return _find(outline.of_org(), above, path[2:])


def _find(
    known: Mapping[tuple[str, ...], outline.Setting], above: Loc, path: tuple[str, ...]
) -> tuple[Loc, Form | str, bool] | None:
    setting = known.get(path)
    if setting is not None:
        return (*above, *path), setting.form, bool(setting.kind and setting.kind.empty)
    mapping = known.get(path[:-1])
    if mapping is not None and mapping.form is Form.MAPPING:
        return (*above, *path), Form.VALUE, bool(mapping.kind and mapping.kind.empty)
    return None


def _read(form: Form | str, value: str) -> Any:
    """Return the value of a variable: a text, or JSON where there is more to say."""
    if form is Form.VALUE:
        return value
    if value.lstrip()[:1] in {"[", "{"}:
        read = _json(value)
    elif form in {Form.LIST, _KEY_LIST}:
        read = [item.strip() for item in value.split(",") if item.strip()]
    elif form == _ONE_ORG:
        read = {"key": value}
    else:
        raise ValueError('must be JSON, such as {"name": "value"}')
    if form == _KEY_LIST:
        if not isinstance(read, list):
            raise ValueError("must be a list: acme,globex or JSON in [ ]")
        return _by_index(_named(read))
    return read


def _json(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key stands twice in the JSON; keep one")
        return dict(pairs)

    try:
        return _as_text(
            json.loads(
                text,
                parse_int=Unquoted,
                parse_float=Unquoted,
                parse_constant=Unquoted,
                object_pairs_hook=once,
            )
        )
    except json.JSONDecodeError as error:
        raise ValueError(
            f"is not JSON at character {error.pos + 1}; check quotes, commas and brackets"
        ) from None
    except RecursionError:
        raise ValueError("is nested too deep") from None


def _as_text(value: Any) -> Any:
    """Return a value with all that is in it as text, the way a file gives it."""
    if isinstance(value, Mapping):
        return {str(key): _as_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_text(item) for item in value]
    if isinstance(value, bool):
        return Unquoted(str(value).lower())
    if isinstance(value, int | float):
        return Unquoted(value)
    return value if value is None or isinstance(value, str | SecretStr) else str(value)


def _named(orgs: Any) -> Any:
    """Return a list of orgs in which those given by their key alone are mappings too."""
    if isinstance(orgs, str):
        orgs = [key.strip() for key in orgs.split(",") if key.strip()]
    if not isinstance(orgs, list):
        return orgs
    return [{"key": org} if isinstance(org, str) else org for org in orgs]


def _by_index(orgs: Any) -> Any:
    return dict(enumerate(orgs)) if isinstance(orgs, list) else orgs


def _put(tree: dict[str, Any], loc: Loc, value: Any) -> None:
    node: Any = tree
    for part in loc[:-1]:
        if not isinstance(node.get(part), dict):
            node[part] = {}
        node = node[part]
    node[loc[-1]] = value


def _prepare(tree: dict[str, Any], base: Path | None) -> dict[str, Any]:
    """Seal the keys, and make paths relative to `base` (the file's directory) whole."""
    orgs = tree.get("orgs")
    levels = [tree, tree.get("web"), *(orgs.values() if isinstance(orgs, dict) else ())]
    for level in levels:
        if not isinstance(level, dict):
            continue
        if isinstance(level.get("api_key"), str):
            level["api_key"] = SecretStr(level["api_key"])
        for name in ("api_key_file", "secrets_dir", "config_file"):
            text = level.get(name)
            if isinstance(text, str) and not isinstance(text, Unquoted) and text.strip():
                # Path.expanduser raises where there is no such user.
                expanded = os.path.expanduser(text)  # noqa: PTH111
                level[name] = str(base / expanded) if base else expanded
    return tree
