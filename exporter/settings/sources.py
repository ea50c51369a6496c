"""The sources of settings, and the model that they fill.

pydantic-settings merges the sources by precedence. Those that read files are own code: its
sources for files do not keep the lines, which every problem names.
"""

import dataclasses
import os.path
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from pydantic import BeforeValidator, SecretStr, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from exporter.problems import Loc, dotted
from exporter.settings.options import COMPUTED, ENV_LEVEL, ENV_PREFIX, variable
from exporter.settings.schema import Org, Settings
from exporter.yamlfile import Document, Unquoted

NO_VALUE = "has no value; write one, or remove the line"
CONFIG = variable("config")
KEYS = ("api_key", "api_key_file")

_HERE = Path()
_PATHS = ("api_key_file", "secrets_dir", "config_file", "state_dir", "orgs_dir")


class Wrong:
    """Takes the place of a value that is missing or unreadable. Validation reports the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class _Base(BaseSettings):
    model_config = SettingsConfigDict(
        extra="forbid",
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_LEVEL,
        hide_input_in_errors=True,
        validate_default=False,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        **named: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources that the model is created with."""
        assert isinstance(init_settings, InitSettingsSource)
        return tuple(init_settings.init_kwargs["sources"])


def _fields(section: type, *without: str) -> dict[str, tuple[Any, Any]]:
    """Return the types and defaults of a section, as `create_model` takes them."""
    types = get_type_hints(section, include_extras=True)
    listed = [f for f in dataclasses.fields(section) if f.init and f.name not in without]
    return {f.name: (types[f.name], f.default) for f in listed}


def _in_order(orgs: Any) -> Any:
    """Return the list of orgs. Sources give a mapping by index, so that they can be merged."""
    if not isinstance(orgs, dict):
        return () if orgs is None else orgs
    if not all(index.isdecimal() for index in orgs):
        raise ValueError("must be a list; begin each org with `- key: …`, and indent what follows")
    for number, index in enumerate(sorted(orgs, key=int)):
        if int(index) != number:
            raise ValueError(f"has no entry {number} before {index}; number orgs from 0")
    return [orgs[index] for index in sorted(orgs, key=int)]


ORG_DEFAULTS = _fields(Org, "key")
SETTINGS = _fields(Settings, *COMPUTED)
_ORGS = (Annotated[tuple[Org, ...], BeforeValidator(_in_order)], ())

_model = create_model("Given", __base__=_Base, **ORG_DEFAULTS, **SETTINGS, orgs=_ORGS)  # type: ignore[call-overload]
Given: Any = _model
"""Everything that can be set. It is validated once, with all sources merged."""


class Flags(InitSettingsSource):
    """Options of the command line, by dotted path. None is an option that is not given."""

    def __init__(self, flags: Mapping[str, Any]) -> None:
        self._given = {path: value for path, value in flags.items() if value is not None}
        tree: dict[str, Any] = {}
        for path, value in self._given.items():
            *sections, name = path.split(".")
            node = tree
            for section in sections:
                node = node.setdefault(section, {})
            node[name] = by_index(value) if path == "orgs" else value
        self.data = prepared(tree)
        super().__init__(Given, self.data)

    def place(self, loc: Loc) -> tuple[int, str]:
        """Return the option that sets something, as it is typed."""
        for end in range(len(loc), 0, -1):
            if (path := ".".join(map(str, loc[:end]))) in self._given:
                return 0, below(f"--{path.replace('_', '-')}", loc[end:])
        return 0, f"--{dotted(loc)}"


class Tree(PydanticBaseSettingsSource):
    """A source that has all its values in one tree."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        super().__init__(Given)
        self.data = data or {}

    def get_field_value(
        self,
        field: FieldInfo,  # noqa: ARG002 - pydantic's signature
        field_name: str,
    ) -> tuple[Any, str, bool]:
        """Return the value of a field, as pydantic asks for it."""
        return self.data.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all values."""
        return self.data


class File(Tree):
    """The configuration file. `orgs` is false if another source has the whole list of orgs."""

    def __init__(self, path: Path | None, document: Document, *, orgs: bool) -> None:
        self._path = path
        self._lines = document.lines
        tree = {name: value for name, value in document.tree.items() if orgs or name != "orgs"}
        if isinstance(tree.get("orgs"), list):
            tree["orgs"] = by_index(tree["orgs"])
        super().__init__(prepared(tree, path.parent if path else _HERE))

    def place(self, loc: Loc) -> tuple[int, str]:
        """Return the line of something, or of the nearest thing around it."""
        line = line_of(self._lines, loc)
        file = f"{self._path}:{line}: " if line else f"{self._path}: " if self._path else ""
        return line, file + dotted(loc)


class Defaults(Tree):
    """What an org has if it does not set it: the top level, and its key in `secrets_dir`."""

    def __call__(self) -> dict[str, Any]:
        """Return the same values for each org of the sources above."""
        top, orgs = self.current_state, self.current_state.get("orgs")
        if not isinstance(orgs, dict):
            return {}
        where = "here or at the top level"
        base: dict[str, Any] = {
            "user_id": Wrong(f"is missing; write the user that the API key belongs to, {where}")
        }
        base |= {name: top[name] for name in ORG_DEFAULTS if name in top}
        directory = top.get("secrets_dir")
        if any(base.get(name) for name in KEYS):
            return {"orgs": dict.fromkeys(orgs, base)}
        if directory:
            return {"orgs": {i: base | _key_file(directory, org) for i, org in orgs.items()}}
        remedy = f"write api_key_file or api_key, {where}, or secrets_dir at the top level"
        base["api_key_file"] = Wrong(f"is missing; {remedy}")
        return {"orgs": dict.fromkeys(orgs, base)}


def _key_file(directory: Any, org: Any) -> dict[str, str]:
    """Return where the key of an org is. What is wrong with either name is reported elsewhere."""
    path = f"{directory}/{org.get('key')}" if isinstance(org, dict) else ""
    return {"api_key_file": path} if path.isprintable() else {}


def below(place: str, loc: Loc) -> str:
    """Return a place, and what is meant inside it."""
    return f"{place}: {dotted(loc)}" if loc else place


def line_of(lines: Mapping[Loc, int], loc: Loc) -> int:
    """Return the line of something in a file, or of the nearest thing around it; 0 if unknown."""
    return next((lines[loc[:end]] for end in range(len(loc), 0, -1) if loc[:end] in lines), 0)


def by_index(orgs: Any) -> Any:
    """Return a list of orgs as a mapping by index. An org that is a text is given by its key."""
    if not isinstance(orgs, list):
        return orgs
    return {str(i): {"key": org} if isinstance(org, str) else org for i, org in enumerate(orgs)}


def prepared(tree: dict[str, Any], base: Path = _HERE) -> dict[str, Any]:
    """Seal the keys in a source, and resolve its paths from the directory `base`.

    A key sets aside the key file of the sources below, and the other way round.
    """
    orgs = tree.get("orgs")
    for level in [tree, tree.get("web"), *(orgs.values() if isinstance(orgs, dict) else ())]:
        if not isinstance(level, dict):
            continue
        for name in _PATHS:
            text = level.get(name)
            if isinstance(text, str) and not isinstance(text, Unquoted) and text.strip():
                # Path.expanduser raises where there is no such user.
                level[name] = str(base / os.path.expanduser(text))  # noqa: PTH111
        if isinstance(level.get("api_key"), str):
            level["api_key"] = SecretStr(level["api_key"])
        given = [name for name in KEYS if name in level]
        for name in given:
            level[name] = Wrong(NO_VALUE) if level[name] is None else level[name]
        if len(given) == len(KEYS):
            level["api_key"] = Wrong("is set beside api_key_file; keep one of the two")
        elif given:
            level.update(dict.fromkeys(KEYS) | {given[0]: level[given[0]]})
    return tree
