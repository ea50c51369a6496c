"""What an operator may set, and where it comes from: flag > environment > file > default."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from exporter.problems import ConfigError
from exporter.settings import checks, environment, fields, orgs_dir, outline, overlays, sources
from exporter.settings.outline import Form, Setting
from exporter.settings.overlays import Overlay
from exporter.settings.schema import Alerts, ApiLimits, Courses, Log, Org, Settings, Web
from exporter.settings.sources import KEYS
from exporter.settings.units import format_duration, format_size

__all__ = [
    "Alerts",
    "ApiLimits",
    "ConfigError",
    "Courses",
    "Log",
    "Option",
    "Org",
    "Settings",
    "Web",
    "listen",
    "load",
    "options",
]

_NONE: Mapping[str, Any] = MappingProxyType({})
_REQUIRED = {("key",), ("user_id",)}
_FORMATS: Mapping[str, Callable[[Any], str]] = {"duration": format_duration, "size": format_size}
_CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Set by systemd 247 and newer, for units with credentials."""
_OF_SETTINGS = ("api", "web", "log", "secrets_dir", "state_dir", "orgs_dir", "orgs")


@dataclass(frozen=True, slots=True)
class Option:
    """One setting, as the reference of settings lists it. `default` is written as in a file."""

    path: str
    env: str
    default: str | None
    per_org: bool
    type: str
    help: str


def load(
    path: Path | None,
    *,
    flags: Mapping[str, Any] = _NONE,
    environ: Mapping[str, str] = os.environ,
    known_collectors: frozenset[str] | None = None,
) -> Settings:
    """Return the settings. Raise `ConfigError` with all that is wrong with them.

    `flags` are values by dotted path. Without `path`, IBLAI_CONFIG may name the file. Without
    `secrets_dir`, keys are systemd credentials, if there are any.
    """
    if path is None and environ.get(environment.CONFIG):
        path = Path(environ[environment.CONFIG])
    above = [sources.from_flags(flags), environment.from_environment(environ)]
    try:
        file = sources.from_file(path)
    except ConfigError as error:
        others = [problem for layer in above for problem in layer.problems]
        raise ConfigError([*others, *error.problems]) from None
    tree, layers = sources.merge([*above, file])
    if directory := tree.get("orgs_dir"):
        listed = tree.get("orgs")
        start = max(listed, default=-1) + 1 if isinstance(listed, dict) else 0
        tree, layers = sources.merge([*above, file, orgs_dir.read(Path(directory), start=start)])
    if environ.get(_CREDENTIALS):
        tree.setdefault("secrets_dir", environ[_CREDENTIALS])
    told = [problem for layer in layers for problem in layer.problems]
    given, found = overlays.validate(tree)
    found += checks.problems(tree, layers, known_collectors)
    told += sources.placed(layers, found)
    if told:
        raise ConfigError(dict.fromkeys(told))
    orgs = _orgs(given)
    return Settings(
        orgs=orgs,
        api=overlays.apply(ApiLimits(), _section(given, "api")),
        web=overlays.apply(Web(), _section(given, "web")),
        log=overlays.apply(Log(), _section(given, "log")),
        secrets_dir=given.get("secrets_dir"),
        state_dir=given.get("state_dir"),
        orgs_dir=given.get("orgs_dir"),
        warnings=checks.warnings(orgs, layers=above, file=file, path=path),
    )


def listen(address: str) -> tuple[str, int]:
    """Return host and port of a listen address; the host is empty for every address.

    Empty rather than `::` or `0.0.0.0`: which of the two reaches every address depends on
    whether the machine has IPv6, and who binds the socket can find out. Raises `ConfigError`.
    """
    try:
        return fields.address(address)
    except ValueError as error:
        raise ConfigError([f"listen address: {error}"]) from None


def options() -> list[Option]:
    """Return every setting, those of the top level first."""
    per_org = outline.of_org()
    listed = [
        Option(
            ".".join(setting.path),
            setting.env,
            _written(setting),
            setting.path in per_org,
            _type(setting),
            setting.help,
        )
        for setting in outline.of_top().values()
        if setting.form is not Form.SECTION
    ]
    key = per_org["key",]
    first = outline.variable("orgs", 0, "key")
    return [*listed, Option("orgs[].key", first, None, True, _type(key), key.help)]


def _section(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = given.get(name)
    return section.given() if isinstance(section, Overlay) else {}


def _orgs(given: Mapping[str, Any]) -> tuple[Org, ...]:
    """Return every org, with what stands at the top level where it says nothing itself."""
    defaults = {name: value for name, value in given.items() if name not in _OF_SETTINGS}
    base = overlays.apply(Org(key=""), defaults)
    secrets_dir: Path | None = given.get("secrets_dir")
    return tuple(_org(base, entry.given(), secrets_dir) for entry in given.get("orgs", ()))


def _org(base: Org, own: dict[str, Any], secrets_dir: Path | None) -> Org:
    if any(name in own for name in KEYS):
        # The nearer of the two wins, so a key of the org's own puts a common file aside.
        own = dict.fromkeys(KEYS) | own
    elif secrets_dir and base.api_key is None and base.api_key_file is None:
        own = own | {"api_key_file": secrets_dir / own["key"]}
    return overlays.apply(base, own)


def _type(setting: Setting) -> str:
    kind = setting.kind.name if setting.kind else ""
    if setting.form is Form.LIST:
        return f"list of {kind}"
    return f"mapping to {kind}" if setting.form is Form.MAPPING else kind


def _written(setting: Setting) -> str | None:
    """Return a default the way a person writes it, or None where there is none."""
    value = setting.default
    kind = setting.kind.name if setting.kind else ""
    if value is None or setting.path in _REQUIRED:
        return None
    if kind in _FORMATS:
        return _FORMATS[kind](value)
    return f"{value:g}" if isinstance(value, float) else json.dumps(value).strip('"') or '""'
