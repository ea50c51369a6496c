"""Orgs from a directory: YAML files, each with one org or a list of orgs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporter import yamlfile
from exporter.problems import ConfigError, Loc, dotted
from exporter.settings.sources import Tree, by_index, line_of, prepared

_SUFFIXES = frozenset({".yml", ".yaml"})


def files(directory: Path) -> list[Path]:
    """Return the files with orgs in a directory, in the order of their names.

    Hidden files are left out, so that the `..data` links of a Kubernetes volume are not read
    twice. Raises `ConfigError` if the directory cannot be read.
    """
    try:
        return sorted(
            path
            for path in directory.iterdir()
            if path.suffix in _SUFFIXES and not path.name.startswith(".") and _may_be_file(path)
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ConfigError([f"orgs_dir: {directory}: {reason}; check the path"]) from None


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


class OrgsDir(Tree):
    """The orgs of the directory that a source above names. They follow the orgs of those.

    `used` is false if another source has the whole list of orgs.
    """

    def __init__(self, *, used: bool) -> None:
        super().__init__()
        self._used = used
        self.problems: list[str] = []
        self._places: dict[int, tuple[Path, Loc, yamlfile.Document]] = {}

    def __call__(self) -> dict[str, Any]:
        """Raise `ConfigError` with the problems of all files that cannot be parsed."""
        directory, orgs = self.current_state.get("orgs_dir"), self.current_state.get("orgs") or {}
        if not self._used or not directory or not isinstance(directory, str):
            return {}
        numbers = (int(index) for index in orgs if index.isdecimal())
        start = 1 + max(numbers if isinstance(orgs, dict) else (), default=-1)
        found: dict[str, Any] = {}
        failed: list[str] = []
        for path in files(Path(directory)):
            try:
                document = yamlfile.read_any(path)
            except ConfigError as error:
                failed += error.problems
                continue
            self.problems += document.problems
            for loc, org in _orgs_of(document.tree):
                index = start + len(found)
                self._places[index] = path, loc, document
                found[str(index)] = org
        if failed:
            raise ConfigError(failed)
        self.data = prepared({"orgs": found}, Path(directory))
        return self.data

    def place(self, loc: Loc) -> tuple[int, str]:
        """Return the file and the line of something."""
        path, above, document = self._places[int(loc[1])]
        line = line_of(document.lines, (*above, *loc[2:])) or document.lines[()]
        return line, f"{path}:{line}: {dotted(loc[2:]) or 'org'}"


def _orgs_of(tree: Any) -> Iterator[tuple[Loc, Any]]:
    """Yield the orgs of one file with their place in it."""
    if isinstance(tree, list):
        yield from (((int(index),), org) for index, org in by_index(tree).items())
    elif tree:
        yield (), tree


def _may_be_file(path: Path) -> bool:
    """Return whether a path is a file, or a link that leads nowhere: reading it tells so."""
    return path.is_file() or (path.is_symlink() and not path.exists())
