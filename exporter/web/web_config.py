"""The file of `--web.config.file`: TLS, users, headers and a rate limit, as in exporter-toolkit.

Keys of the format without an effect here are accepted; what Python's TLS cannot do is rejected.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from exporter import yamlfile
from exporter.problems import ConfigError, Loc, did_you_mean, dotted
from exporter.settings.units import duration
from exporter.web.rate_limit import RateLimit
from exporter.web.tls_config import TlsServer, read_tls

HEADERS: Mapping[str, frozenset[str]] = {
    "Strict-Transport-Security": frozenset(),
    "X-Content-Type-Options": frozenset({"nosniff"}),
    "X-Frame-Options": frozenset({"deny", "sameorigin"}),
    "X-XSS-Protection": frozenset(),
    "Content-Security-Policy": frozenset(),
}
"""Headers that may be set, and the values to which some of them are limited."""

_SECTIONS = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
_BCRYPT = re.compile(
    r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}", re.ASCII
)
"""A bcrypt hash. The last character of its salt has only two bits."""

_SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off"})


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A valid file. `users` maps names to bcrypt hashes; `warnings` are for the log."""

    tls: TlsServer | None = None
    users: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rate_limit: RateLimit | None = None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"WebConfig(tls={self.tls!r}, users={len(self.users)})"


def read(path: Path) -> WebConfig:
    """Read the file; raise `ConfigError` with all that is wrong in it."""
    document = yamlfile.read(path)
    reader = Reader(path, document)
    config = WebConfig(
        tls=read_tls(reader),
        users=_users(reader),
        headers=_headers(reader),
        rate_limit=_rate_limit(reader),
        warnings=tuple(reader.warnings),
    )
    reader.reject_unknown(document.tree, (), _SECTIONS)
    if reader.problems:
        raise ConfigError(sorted(reader.problems, key=_line))
    return config


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


def _users(reader: Reader) -> Mapping[str, str]:
    loc: Loc = ("basic_auth_users",)
    users = {}
    for name, digest in reader.section("basic_auth_users").items():
        if not isinstance(digest, str) or not _BCRYPT.fullmatch(digest):
            # The name may be a password that slipped into its place, so it is not quoted.
            reader.note(
                loc, "holds a value that is no bcrypt hash; make one with `htpasswd -nB USER`"
            )
        elif ":" in name or not name:
            reader.note(loc, "holds a user name that is empty or has a colon in it")
        else:
            users[name] = digest
    return MappingProxyType(users)


def _headers(reader: Reader) -> Mapping[str, str]:
    """Return the headers to add to every response."""
    loc: Loc = ("http_server_config",)
    section = reader.section("http_server_config")
    reader.reject_unknown(section, loc, ("http2", "headers"))
    reader.ignored_switch(section, (*loc, "http2"))  # HTTP/1.1 is spoken in any case
    loc = (*loc, "headers")
    given = reader.section("http_server_config", "headers")
    reader.reject_unknown(given, loc, HEADERS)
    headers = {}
    for name, allowed in HEADERS.items():
        value = reader.text(given, (*loc, name))
        if not value.isprintable() or not value.isascii():
            reader.note((*loc, name), "must be one line of plain text")
        elif value and allowed and value.lower() not in allowed:
            reader.note((*loc, name), f"must be {' or '.join(sorted(allowed))}")
        elif value:
            headers[name] = value
    return MappingProxyType(headers)


def _rate_limit(reader: Reader) -> RateLimit | None:
    loc: Loc = ("rate_limit",)
    section = reader.section("rate_limit")
    reader.reject_unknown(section, loc, ("interval", "burst"))
    interval = reader.text(section, (*loc, "interval"))
    burst = reader.text(section, (*loc, "burst")) or "0"
    if not re.fullmatch(r"[0-9]{1,9}", burst):
        reader.note((*loc, "burst"), "must be a whole number, the requests admitted at once")
        return None
    if re.fullmatch(r"(0[a-z]*)?", interval):
        return None
    try:
        seconds = duration(interval)
    except ValueError as error:
        reader.note((*loc, "interval"), str(error))
        return None
    if burst == "0":
        reader.warn((*loc, "burst"), "is 0, so that every request is answered 429; set it to 1")
    return RateLimit(seconds, int(burst))


def _line(problem: str) -> int:
    found = re.search(r":(\d+): ", problem)
    return int(found.group(1)) if found else 0
