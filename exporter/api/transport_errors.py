"""Errors of connections: what aiohttp raises, as one error with a kind and a text."""

import errno
import os
import ssl
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import aiohttp
import httpx

from exporter.api.errors import ApiError, BadResponseError, Kind, UnavailableError
from exporter.api.responses import ErrorContext

AIOHTTP_ERRORS = (aiohttp.ClientError, OSError, ValueError)
"""What aiohttp raises; a host that cannot be a name is a `ValueError` of the resolver."""

_TRUST_IT = "if it is signed by an authority of your own, name its certificates in SSL_CERT_FILE"
_NOT_STRICT = "the authority breaks a rule of RFC 5280; set api.tls_strict to false to accept it"

_REMEDIES = {
    9: "check the clock of this machine",  # not yet valid
    10: "check the clock of this machine, or have the certificate renewed",  # expired
    18: _TRUST_IT,  # self-signed
    19: _TRUST_IT,  # self-signed, in the chain
    20: _TRUST_IT,  # its issuer is not known
    21: _TRUST_IT,  # its issuer is not known either
    62: "check the host name in base_url",
    64: "check the address in base_url",
}
"""What to do about a certificate, by OpenSSL's number of the reason."""

_STRICT_ONLY = range(80, 94)
"""OpenSSL's numbers of reasons that only strict verification gives."""

_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})

_SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR

_PROXY_MEANINGS = {
    401: "it requires a login; put user and password in the proxy's URL",
    403: "it does not allow connections to this host; allow it there, or add it to NO_PROXY",
    407: "it requires a login; put user and password in the proxy's URL",
}


class TransportError(httpx.TransportError):
    """There is no whole response. The text quotes neither URLs nor headers."""

    def __init__(self, text: str, *, kind: Kind, retry: bool = True) -> None:
        super().__init__(text)
        self.kind = kind
        self.retry = retry


def transport_error_of(error: Exception, *, host: str) -> TransportError:
    """Return an error of aiohttp as a `TransportError`.

    `host` is the one that was requested: an error about another host is about the proxy.
    """
    of_proxy = isinstance(error, aiohttp.ClientConnectorError) and error.host != host
    kind, text = next(
        (kind, text_of(error, "the proxy's " if of_proxy else "its "))
        for class_, kind, text_of in _TEXTS
        if isinstance(error, class_)
    )
    if of_proxy and kind is Kind.CONNECTION:
        kind = Kind.PROXY
    # Repeated logins may lock an account.
    rejected = isinstance(error, aiohttp.ClientHttpProxyError) and error.status < _SERVER_ERROR
    return TransportError(text, kind=kind, retry=not rejected)


def api_error_of(error: TransportError, *, context: ErrorContext, host: str) -> ApiError:
    """Return a `TransportError` as an error of the API client."""
    make = UnavailableError if error.retry else BadResponseError
    return make(context.message(f"{host}: {error}"), kind=error.kind)


def _certificate(error: aiohttp.ClientConnectorCertificateError, whose: str) -> str:
    cause = error.certificate_error
    reason = getattr(cause, "verify_message", "") or type(cause).__name__
    code = getattr(cause, "verify_code", 0)
    remedy = _NOT_STRICT if code in _STRICT_ONLY else _REMEDIES.get(code)
    return f"{whose}certificate is not trusted: {reason}{f'; {remedy}' if remedy else ''}"


def _tls(error: aiohttp.ClientConnectorError | ssl.SSLError, whose: str) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    reason = getattr(cause, "reason", None)
    where = "with the proxy " if whose == "the proxy's " else ""
    if not reason:
        return f"TLS {where}failed"
    words = str(reason).replace("_", " ").lower()
    hint = "; the port may not be one for https" if reason in _NO_TLS else ""
    return f"TLS {where}failed: {words}{hint}"


def _proxy_status(error: aiohttp.ClientHttpProxyError, _: str) -> str:
    meaning = _PROXY_MEANINGS.get(error.status)
    return f"the proxy answered {error.status}{f': {meaning}' if meaning else ''}"


def _unknown_name(_: Exception, whose: str) -> str:
    return "the name is not known" if whose == "its " else "the name of the proxy is not known"


def _reason(error: OSError) -> str:
    number = error.errno or (errno.ECONNRESET if isinstance(error, ConnectionResetError) else 0)
    return os.strerror(number) if number else type(error).__name__


_TEXTS: tuple[tuple[type[Exception], Kind, Callable[[Any, str], str]], ...] = (
    (aiohttp.ClientConnectorCertificateError, Kind.TLS, _certificate),
    (aiohttp.ClientSSLError, Kind.TLS, _tls),
    (ssl.SSLError, Kind.TLS, _tls),
    (
        aiohttp.ClientProxyConnectionError,
        Kind.PROXY,
        lambda error, _: f"the proxy cannot be reached: {_reason(error.os_error)}",
    ),
    (aiohttp.ClientHttpProxyError, Kind.PROXY, _proxy_status),
    (aiohttp.ClientConnectorDNSError, Kind.CONNECTION, _unknown_name),
    (
        aiohttp.ClientConnectorError,
        Kind.CONNECTION,
        lambda error, _: f"cannot connect: {_reason(error.os_error)}",
    ),
    (
        aiohttp.ServerDisconnectedError,
        Kind.CONNECTION,
        lambda *_: "the connection was closed without a response",
    ),
    (aiohttp.ClientResponseError, Kind.PROTOCOL, lambda *_: "the response is not HTTP"),
    (ValueError, Kind.CONNECTION, lambda *_: "that is no address"),
    (OSError, Kind.CONNECTION, lambda error, _: f"the connection failed: {_reason(error)}"),
    (Exception, Kind.CONNECTION, lambda *_: "the connection failed"),
)
"""Kinds and texts of aiohttp's errors, subclasses first."""
