"""Reads values of the web configuration file, and notes problems with their lines."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from exporter import yamlfile
from exporter.problems import Loc, did_you_mean, dotted

_SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off"})


class Reader:
    """Takes values out of a document, and notes what is wrong with them.

    An empty value counts as a key that is not there, as in the exporter-toolkit.
    """

    def __init__(self, path: Path, document: yamlfile.Document) -> None:
        self._path = path
        self._document = document
        self.problems = list(document.problems)
        self.warnings: list[str] = []

    def section(self, *loc: str) -> Mapping[str, Any]:
        """Return the mapping at a place, empty if there is none."""
        value: Any = self._document.tree
        for part in loc:
            value = value.get(part) if isinstance(value, dict) else None
        if value is None or value == "":
            return {}
        if not isinstance(value, dict):
            self.note(loc, "must hold keys and values")
            return {}
        return value

    def text(self, given: Mapping[str, Any], loc: Loc) -> str:
        """Return a text, empty if there is none."""
        value = given.get(str(loc[-1]))
        if value is not None and not isinstance(value, str):
            self.note(loc, "must be a text")
            return ""
        return value or ""

    def texts(self, given: Mapping[str, Any], loc: Loc) -> tuple[str, ...]:
        """Return a list of texts, empty if there is none."""
        value = given.get(str(loc[-1]))
        if value is None or value == "":
            return ()
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            self.note(loc, "must be a list of texts")
            return ()
        return tuple(part for part in value if part)

    def choice(self, given: Mapping[str, Any], loc: Loc, known: Collection[str]) -> str:
        """Return one of the known words, empty if there is none."""
        value = self.text(given, loc)
        if not value or value in known:
            return value
        self.note(loc, f"must be one of {', '.join(known)}{did_you_mean(value, known)}")
        return ""

    def ignored_switch(self, given: Mapping[str, Any], loc: Loc) -> None:
        """Check a yes/no value that has no effect."""
        if self.text(given, loc).lower() not in _SWITCHES | {""}:
            self.note(loc, "must be true or false")

    def file(self, name: str) -> Path | None:
        """Return a path relative to the directory of the configuration file."""
        return self._path.parent / name if name else None

    def reject_unknown(self, given: Mapping[str, Any], loc: Loc, known: Collection[str]) -> None:
        """Note the keys that mean nothing here."""
        for name in given:
            if name not in known:
                self.note((*loc, name), f"unknown key{did_you_mean(name, known)}")

    def note(self, loc: Loc, what: str) -> None:
        """Note a problem."""
        self.problems.append(self._at(loc, what))

    def warn(self, loc: Loc, what: str) -> None:
        """Note something that works otherwise than one may expect."""
        self.warnings.append(self._at(loc, what))

    def _at(self, loc: Loc, what: str) -> str:
        at = loc
        while at and at not in self._document.lines:
            at = at[:-1]
        return f"{self._path}:{self._document.lines.get(at, 1)}: {dotted(loc)}: {what}"
