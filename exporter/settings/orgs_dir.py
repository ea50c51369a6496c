"""Orgs from a directory: YAML files that each hold one org or a list of orgs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from exporter import yamlfile
from exporter.problems import ConfigError, Loc, dotted
from exporter.settings.sources import Layer, prepare

_ENDINGS = frozenset({".yml", ".yaml"})


def files(directory: Path) -> list[Path]:
    """Return the files of a directory that hold orgs, in order of their names.

    Hidden files are left out, so that the `..data` links of a Kubernetes volume are not read
    twice. Raises `ConfigError` if the directory cannot be read.
    """
    try:
        return sorted(
            path
            for path in directory.iterdir()
            if path.suffix in _ENDINGS and not path.name.startswith(".") and path.is_file()
        )
    except OSError as error:
        raise ConfigError([f"orgs_dir: {directory}: {error.strerror}"]) from None


def signature(directory: Path) -> frozenset[tuple[str, int, int, int]] | None:
    """Return what changes when an org is added, changed or removed; None if unreadable."""
    found = set()
    try:
        for path in files(directory):
            stat = path.stat()
            found.add((path.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    except (OSError, ConfigError):
        return None
    return frozenset(found)


def read(directory: Path, *, start: int) -> Layer:
    """Return the orgs of a directory, numbered from `start`, with the place of each.

    Raises `ConfigError` with the problems of all files that cannot be parsed.
    """
    orgs: dict[int, Any] = {}
    places: dict[int, tuple[Path, Loc, yamlfile.Document]] = {}
    told: list[str] = []
    failed: list[str] = []
    for path in files(directory):
        try:
            document = yamlfile.read_any(path)
        except ConfigError as error:
            failed += error.problems
            continue
        told += document.problems
        for loc, org in _orgs_of(document.tree):
            index = start + len(orgs)
            places[index] = path, loc, document
            orgs[index] = org
    if failed:
        raise ConfigError(failed)

    def where(loc: Loc) -> str:
        known = places.get(loc[1]) if len(loc) > 1 and isinstance(loc[1], int) else None
        if known is None:
            return f"{directory}: {dotted(loc)}"
        path, above, document = known
        inside = (*above, *loc[2:])
        lines = (document.lines.get(inside[:end]) for end in range(len(inside), -1, -1))
        line = next((line for line in lines if line), 1)
        return f"{path}:{line}: {dotted(loc[2:]) or 'org'}"

    layer = Layer({"orgs": orgs}, where, tuple(told))
    prepare(layer.tree, directory)
    return layer


def _orgs_of(tree: Any) -> Iterable[tuple[Loc, Any]]:
    """Return the orgs of one file with their place in it."""
    if isinstance(tree, list):
        return [((index,), org) for index, org in enumerate(tree)]
    return [((), tree)] if tree else []
