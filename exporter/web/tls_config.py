"""The section `tls_server_config` of the web configuration, read and checked."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exporter.problems import Loc, did_you_mean
from exporter.web.config_reader import Reader

VERSIONS: Mapping[str, ssl.TLSVersion] = {
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_OLD_VERSIONS = ("TLS10", "TLS11")

VERIFY: Mapping[str, ssl.VerifyMode] = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,  # requests one, and accepts any or none
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
    "RequireAnyClientCert": ssl.CERT_REQUIRED,
    "RequireClientCert": ssl.CERT_REQUIRED,  # its old name
}
"""Policies on client certificates. Python cannot require a certificate without verifying it."""

_STRICTER = frozenset({"RequireAnyClientCert", "RequireClientCert"})

_AEAD = {"AES_128_GCM_SHA256": "AES128-GCM-SHA256", "AES_256_GCM_SHA384": "AES256-GCM-SHA384"}
_CBC = {"AES_128_CBC_SHA": "AES128-SHA", "AES_256_CBC_SHA": "AES256-SHA"}
_CHACHA = {"CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305"}

TLS13_CIPHERS = frozenset(f"TLS_{name}" for name in (*_AEAD, *_CHACHA))
"""Go's names of the suites of TLS 1.3, which are always on, there as here."""

CIPHERS: Mapping[str, str] = {
    f"TLS_{kind}_WITH_{go}": f"{kind.replace('_', '-')}-{name}"
    for kind in ("ECDHE_ECDSA", "ECDHE_RSA")
    for go, name in (_AEAD | _CHACHA | _CBC).items()
}
"""OpenSSL's names of the suites of TLS 1.2, by Go's."""

CURVES: Mapping[str, str] = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
"""OpenSSL's names of curves, by Go's."""

_LOC: Loc = ("tls_server_config",)
_IGNORED = "prefer_server_cipher_suites"
_KEYS = (
    "cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type",
    "client_allowed_sans", "min_version", "max_version", "cipher_suites", "curve_preferences",
    _IGNORED,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pem:
    """A PEM document: in a file, or written into the configuration. One of the two is set."""

    path: Path | None = None
    text: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.path or self.text)

    def __str__(self) -> str:
        return str(self.path) if self.path else "the text given"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsServer:
    """TLS of the server. Empty `cipher_suites` and `curve` leave the choice to OpenSSL."""

    cert: Pem
    key: Pem
    client_ca: Pem = Pem()
    client_auth_type: str = "NoClientCert"
    client_allowed_sans: tuple[str, ...] = ()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    curve: str = ""

    def files(self) -> list[Path]:
        """Return the files that are named."""
        return [pem.path for pem in (self.cert, self.key, self.client_ca) if pem.path]


def read_tls(reader: Reader) -> TlsServer | None:
    """Return the section, or None if nothing is set in it: then the server uses plain HTTP."""
    given = reader.section(*map(str, _LOC))
    reader.reject_unknown(given, _LOC, _KEYS)
    reader.ignored_switch(given, (*_LOC, _IGNORED))
    if not any(value for name, value in given.items() if name != _IGNORED):
        return None
    cert, key = (_pem(reader, given, name) for name in ("cert", "key"))
    for name, pem in (("cert", cert), ("key", key)):
        if not pem:
            reader.note((*_LOC, f"{name}_file"), f"is missing; name a PEM file, or give {name}")
    low, high = _versions(reader, given)
    suites = _cipher_suites(reader, given)
    if given.get("cipher_suites") and not suites:  # of TLS 1.3 alone
        low = "TLS13"
    if low > high:
        reader.note((*_LOC, "max_version"), "is below min_version, or has no cipher suite left")
    kind, authority, names = _clients(reader, given)
    return TlsServer(
        cert=cert,
        key=key,
        client_ca=authority,
        client_auth_type=kind,
        client_allowed_sans=names,
        min_version=low,
        max_version=high,
        cipher_suites=suites,
        curve=_curve(reader, given),
    )


def _pem(reader: Reader, given: Mapping[str, Any], name: str) -> Pem:
    path = reader.file(reader.text(given, (*_LOC, f"{name}_file")))
    text = reader.text(given, (*_LOC, name))
    if path and text:
        reader.note((*_LOC, name), f"is given beside {name}_file; keep one of the two")
    return Pem(path=path, text=text)


def _clients(reader: Reader, given: Mapping[str, Any]) -> tuple[str, Pem, tuple[str, ...]]:
    """Return which client certificates are wanted, who signs them, and their allowed names."""
    loc = (*_LOC, "client_auth_type")
    kind = reader.choice(given, loc, VERIFY) or "NoClientCert"
    authority = _pem(reader, given, "client_ca")
    names = reader.texts(given, (*_LOC, "client_allowed_sans"))
    if kind in _STRICTER:
        reader.warn(
            loc, f"{kind}: here a required certificate is verified too, by client_ca_file "
            "or the authorities of the system; say RequireAndVerifyClientCert"
        )  # fmt: skip
    if authority and kind == "NoClientCert":
        where = "client_ca_file" if authority.path else "client_ca"
        reader.note((*_LOC, where), "needs a client_auth_type that verifies")
    if names and VERIFY[kind] == ssl.CERT_NONE:
        reader.note((*_LOC, "client_allowed_sans"), "needs a client_auth_type that verifies")
    return kind, authority, names


def _versions(reader: Reader, given: Mapping[str, Any]) -> tuple[str, str]:
    known = (*VERSIONS, *_OLD_VERSIONS)
    low = reader.choice(given, (*_LOC, "min_version"), known) or "TLS12"
    high = reader.choice(given, (*_LOC, "max_version"), known) or "TLS13"
    if low in _OLD_VERSIONS:
        reader.warn((*_LOC, "min_version"), f"{low} is broken and not offered; TLS12 is used")
        low = "TLS12"
    if high in _OLD_VERSIONS:
        reader.note(
            (*_LOC, "max_version"), f"{high} is broken and not supported; use TLS12 or TLS13"
        )
        high = "TLS13"
    return low, high


def _cipher_suites(reader: Reader, given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return OpenSSL's names of the suites of TLS 1.2, in the order given."""
    loc = (*_LOC, "cipher_suites")
    names = reader.texts(given, loc)
    for name in names:
        if name not in CIPHERS and name not in TLS13_CIPHERS:
            reader.note(loc, f"contains an unknown suite{did_you_mean(name, CIPHERS)}")
    return tuple(CIPHERS[name] for name in names if name in CIPHERS)


def _curve(reader: Reader, given: Mapping[str, Any]) -> str:
    """Return the one curve to use, or nothing: Python can choose one, or leave it to OpenSSL."""
    loc = (*_LOC, "curve_preferences")
    names = reader.texts(given, loc)
    for name in names:
        if name not in CURVES:
            reader.note(loc, f"must hold {', '.join(CURVES)}{did_you_mean(name, CURVES)}")
            return ""
    chosen = set(names)
    if len(chosen) == 1:
        return CURVES[names[0]]
    if chosen and chosen != set(CURVES):
        reader.note(loc, "must be one curve or all of them: Python cannot choose several")
    return ""
