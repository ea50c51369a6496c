"""The TLS context of the server, from a valid configuration."""

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from exporter.problems import ConfigError
from exporter.web.tls_config import VERIFY, VERSIONS, Pem, TlsServer

_SAN_KINDS = frozenset({"DNS", "IP Address", "email", "URI"})


def build(config: TlsServer, where: Path) -> ssl.SSLContext:
    """Return the context that `config`, of the file `where`, describes; or raise `ConfigError`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = VERSIONS[config.min_version]
    made.maximum_version = VERSIONS[config.max_version]
    made.verify_mode = VERIFY[config.client_auth_type]
    made.set_alpn_protocols(["http/1.1"])
    with _explained(where, f"cannot use cert {config.cert} with key {config.key}"):
        _load_chain(made, config)
    if made.verify_mode != ssl.CERT_NONE:
        with _explained(where, f"client_ca: cannot use {config.client_ca}"):
            _trust(made, config.client_ca)
    try:
        if config.cipher_suites:
            made.set_ciphers(":".join(config.cipher_suites))
        if config.curve:
            made.set_ecdh_curve(config.curve)
    except (ssl.SSLError, ValueError):
        problem = "this OpenSSL has none of the cipher_suites, or not the curve"
        raise ConfigError([f"{where}: tls_server_config: {problem}"]) from None
    return made


def subject_alt_names(certificate: Mapping[str, Any] | None) -> set[str]:
    """Return the subject alternative names of a certificate, as Python's `getpeercert` has it."""
    found = (certificate or {}).get("subjectAltName", ())
    return {normalized(str(name)) for kind, name in found if kind in _SAN_KINDS}


def normalized(name: str) -> str:
    """Return a name in the one way to write it: an IPv6 address has several."""
    try:
        return str(ip_address(name.strip()))
    except ValueError:
        return name


def _load_chain(made: ssl.SSLContext, config: TlsServer) -> None:
    with _as_file(config.cert) as cert, _as_file(config.key) as key:
        # An encrypted key must not ask for its password on a terminal.
        made.load_cert_chain(cert, key, password=str)


def _trust(made: ssl.SSLContext, authority: Pem) -> None:
    if authority.path is not None:
        made.load_verify_locations(authority.path)
    elif authority.text:
        made.load_verify_locations(cadata=authority.text)
    else:  # as in Go
        made.load_default_certs(ssl.Purpose.CLIENT_AUTH)


@contextmanager
def _as_file(pem: Pem) -> Iterator[Path]:
    """Give a document a path, for OpenSSL reads files alone; a key stays in memory if possible."""
    if pem.path is not None:
        yield pem.path
    elif hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("pem"), "wb") as memory:
            memory.write(pem.text.encode())
            memory.flush()
            yield Path(f"/proc/self/fd/{memory.fileno()}")
    else:
        with NamedTemporaryFile() as file:
            file.write(pem.text.encode())
            file.flush()
            yield Path(file.name)


@contextmanager
def _explained(where: Path, problem: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError([f"{where}: tls_server_config: {problem}: {_reason(error)}"]) from None


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        reason = f" ({error.reason})" if error.reason else ""
        return f"not PEM, or they do not belong together{reason}"
    return error.strerror or type(error).__name__
