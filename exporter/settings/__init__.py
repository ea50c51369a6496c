"""The configuration. Precedence: option, environment, file, default."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_settings import InitSettingsSource

from exporter import yamlfile
from exporter.problems import ConfigError, Problem
from exporter.settings import errors, fields
from exporter.settings.environment import ORGS, Environment
from exporter.settings.options import Option, options
from exporter.settings.orgs_dir import OrgsDir
from exporter.settings.schema import Alerts, ApiLimits, Courses, Log, Org, Settings, Web
from exporter.settings.sources import CONFIG, SETTINGS, Defaults, File, Flags, Given
from exporter.settings.warnings import warnings

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

_CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Set by systemd for units with credentials."""


def load(
    path: Path | None,
    *,
    flags: Mapping[str, Any] = MappingProxyType({}),
    environ: Mapping[str, str] = os.environ,
    known_collectors: frozenset[str] | None = None,
) -> Settings:
    """Return the settings. Raise `ConfigError` with everything that is wrong with them.

    `flags` are values by dotted path. Without `path`, IBLAI_CONFIG may name the file. Without
    `secrets_dir`, keys are systemd credentials, if there are any.
    """
    if path is None and environ.get(CONFIG):
        path = Path(environ[CONFIG])
    environment = Environment(environ)
    try:
        document = yamlfile.read(path) if path else yamlfile.EMPTY
    except ConfigError as error:
        raise ConfigError([*environment.problems, *error.problems]) from None
    all_orgs = bool(environ.get(ORGS))
    file = File(path, document, orgs=not all_orgs)
    directory = OrgsDir(used=not all_orgs)
    sources: list[errors.Source] = [Flags(flags), environment, file, directory]
    credentials = environ.get(_CREDENTIALS)
    fallback = InitSettingsSource(Given, {"secrets_dir": credentials} if credentials else {})
    defaults = Defaults()
    found: list[Problem] = []
    try:
        given = Given(sources=[*sources, fallback, defaults])
    except ValidationError as error:
        found += errors.problems_of(error)
    except ConfigError as error:
        raise ConfigError([*environment.problems, *document.problems, *error.problems]) from None
    found += errors.between(defaults.current_state, known_collectors)
    problems = [*environment.problems, *document.problems, *directory.problems]
    problems += errors.placed(found, sources, file)
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    unused = [path if "orgs" in document.tree else None, given.orgs_dir] if all_orgs else []
    return Settings(
        orgs=given.orgs,
        warnings=warnings(given.orgs, path, document, unused=list(filter(None, unused))),
        **{name: getattr(given, name) for name in SETTINGS},
    )


def listen(address: str) -> tuple[str, int]:
    """Return host and port of a listen address; the host is empty for every address.

    Whether that is `::` or `0.0.0.0` depends on the machine: who binds the socket decides.
    Raises `ConfigError`.
    """
    try:
        return fields.address(address)
    except ValueError as error:
        raise ConfigError([f"listen address: {error}"]) from None
