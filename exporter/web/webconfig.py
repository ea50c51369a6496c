"""The file of `--web.config.file`: TLS, passwords and headers, as exporter-toolkit writes them.

Keys of the format that are not supported are refused, and never ignored.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from exporter import yamlfile
from exporter.problems import ConfigError, Loc, did_you_mean, dotted

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED = {"RequestClientCert", "RequireAnyClientCert"}
_OLD = {"TLS10", "TLS11"}
HEADERS: Mapping[str, frozenset[str]] = {
    "Strict-Transport-Security": frozenset(),
    "X-Content-Type-Options": frozenset({"nosniff"}),
    "X-Frame-Options": frozenset({"deny", "sameorigin"}),
    "X-XSS-Protection": frozenset(),
    "Content-Security-Policy": frozenset(),
}
"""Headers that may be set, and the values that some of them are bound to."""

_UNSUPPORTED = {
    "tls_server_config": {
        "cert", "key", "client_ca", "client_allowed_sans", "max_version", "cipher_suites",
        "prefer_server_cipher_suites", "curve_preferences",
    },
    "http_server_config": {"http2"},
    "": {"rate_limit"},
}  # fmt: skip
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TlsServer:
    """How the port speaks TLS."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_auth_type: str = "NoClientCert"
    min_version: str = "TLS12"


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A checked file. `users` maps names to bcrypt hashes."""

    tls: TlsServer | None = None
    users: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __repr__(self) -> str:
        return f"WebConfig(tls={self.tls!r}, users={len(self.users)})"


def read(path: Path) -> WebConfig:
    """Read the file; raise `ConfigError` with all that is wrong in it."""
    document = yamlfile.read(path)
    reader = _Reader(path, document)
    tls = reader.tls()
    config = WebConfig(tls, reader.users(), reader.headers())
    reader.refuse_unknown(
        document.tree, (), {"tls_server_config", "http_server_config", "basic_auth_users"}
    )
    if reader.problems:
        raise ConfigError(sorted(reader.problems, key=_line))
    return config


class _Reader:
    """Takes the parts out of a document, and notes what is wrong with them."""

    def __init__(self, path: Path, document: yamlfile.Document) -> None:
        self._path = path
        self._document = document
        self.problems = list(document.problems)

    def tls(self) -> TlsServer | None:
        """Return the section on TLS, if there is one."""
        loc: Loc = ("tls_server_config",)
        given = self._mapping(loc)
        if not given:
            return None
        allowed = {"cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version"}
        self.refuse_unknown(given, loc, allowed)
        for name in ("cert_file", "key_file"):
            if not isinstance(given.get(name), str):
                self.note((*loc, name), "is missing; name a PEM file")
        authority = self._text(given, (*loc, "client_ca_file"))
        kind = self._choice(given, (*loc, "client_auth_type"), VERIFY) or "NoClientCert"
        if authority and kind == "NoClientCert":
            self.note((*loc, "client_ca_file"), "needs a client_auth_type that verifies")
        if not authority and kind != "NoClientCert":
            self.note((*loc, "client_auth_type"), "needs a client_ca_file to verify with")
        return TlsServer(
            cert_file=self._file(given.get("cert_file")),
            key_file=self._file(given.get("key_file")),
            client_ca_file=self._file(authority) if authority else None,
            client_auth_type=kind,
            min_version=self._choice(given, (*loc, "min_version"), VERSIONS) or "TLS12",
        )

    def users(self) -> Mapping[str, str]:
        """Return the names and hashes of those who may come in."""
        loc: Loc = ("basic_auth_users",)
        users = {}
        for name, digest in self._mapping(loc).items():
            if not isinstance(digest, str) or not _BCRYPT.fullmatch(digest):
                # The name may be a password that slipped into its place, so it is not quoted.
                self.note(
                    loc, "holds a value that is no bcrypt hash; make one with `htpasswd -nB USER`"
                )
            elif ":" in name or not name:
                self.note(loc, "holds a user name that is empty or has a colon in it")
            else:
                users[name] = digest
        return MappingProxyType(users)

    def headers(self) -> Mapping[str, str]:
        """Return the headers to add to every answer."""
        loc: Loc = ("http_server_config",)
        section = self._mapping(loc)
        self.refuse_unknown(section, loc, {"headers"})
        loc = (*loc, "headers")
        given = self._mapping(loc, section.get("headers"))
        self.refuse_unknown(given, loc, HEADERS)
        for name, values in HEADERS.items():
            value = given.get(name)
            if value is None:
                continue
            if not isinstance(value, str) or not value.isprintable() or not value.isascii():
                self.note((*loc, name), "must be one line of plain text")
            elif values and value.lower() not in values:
                self.note((*loc, name), f"must be {' or '.join(sorted(values))}")
        return MappingProxyType({k: str(v) for k, v in given.items() if v is not None})

    def refuse_unknown(self, given: Mapping[str, Any], loc: Loc, known: Any) -> None:
        """Note the keys that mean nothing here."""
        for name in given:
            if name in known:
                continue
            if name in _UNSUPPORTED.get(str(loc[0]) if loc else "", set()):
                self.note((*loc, name), "is not supported by this exporter; take it out")
            else:
                self.note((*loc, name), f"unknown key{did_you_mean(name, known)}")

    def note(self, loc: Loc, what: str) -> None:
        """Note a problem."""
        at = loc
        while at and at not in self._document.lines:
            at = at[:-1]
        self.problems.append(
            f"{self._path}:{self._document.lines.get(at, 1)}: {dotted(loc)}: {what}"
        )

    def _mapping(self, loc: Loc, value: Any = None) -> Mapping[str, Any]:
        given = self._document.tree.get(str(loc[0])) if len(loc) == 1 else value
        if given is None:
            return {}
        if not isinstance(given, dict):
            self.note(loc, "must hold keys and values")
            return {}
        return given

    def _text(self, given: Mapping[str, Any], loc: Loc) -> str | None:
        value = given.get(str(loc[-1]))
        if value is not None and not isinstance(value, str):
            self.note(loc, "must be a text")
            return None
        return value

    def _choice(self, given: Mapping[str, Any], loc: Loc, known: Mapping[str, Any]) -> str | None:
        value = self._text(given, loc)
        if value is None or value in known:
            return value
        if value in _UNVERIFIED:
            self.note(
                loc,
                f"{value} is not supported: here every certificate that is shown is verified; "
                "use VerifyClientCertIfGiven or RequireAndVerifyClientCert",
            )
        elif value in _OLD:
            self.note(loc, f"{value} is not supported, since it is broken; use TLS12 or TLS13")
        else:
            self.note(loc, f"must be one of {', '.join(known)}{did_you_mean(value, known)}")
        return None

    def _file(self, name: Any) -> Path:
        """Return a path as seen from the directory of the configuration file."""
        return self._path.parent / str(name)


def _line(problem: str) -> int:
    found = re.search(r":(\d+): ", problem)
    return int(found.group(1)) if found else 0
