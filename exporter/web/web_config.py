"""The file of `--web.config.file`: TLS, users, headers and a rate limit, as in exporter-toolkit.

Keys of the format without an effect here are accepted; what Python's TLS cannot do is rejected.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from exporter import yamlfile
from exporter.problems import ConfigError, Loc
from exporter.settings.units import duration
from exporter.web.config_reader import Reader
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


def _users(reader: Reader) -> Mapping[str, str]:
    loc: Loc = ("basic_auth_users",)
    users = {}
    for name, digest in reader.section("basic_auth_users").items():
        if not isinstance(digest, str) or not _BCRYPT.fullmatch(digest):
            # The name may be a password that slipped into its place, so it is not quoted.
            reader.note(
                loc, "contains a value that is no bcrypt hash; make one with `htpasswd -nB USER`"
            )
        elif ":" in name or not name:
            reader.note(loc, "contains a user name that is empty or has a colon")
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
        reader.warn((*loc, "burst"), "is 0, so that every response is 429; set it to 1")
    return RateLimit(seconds, int(burst))


def _line(problem: str) -> int:
    found = re.search(r":(\d+): ", problem)
    return int(found.group(1)) if found else 0
