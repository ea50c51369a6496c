"""Failures of a connection: aiohttp's errors as httpx's, and those as errors of the API client."""

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

RAISED = (aiohttp.ClientError, OSError, ValueError)
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

_PROXY_MEANINGS = {
    401: "it asks for a login; put user and password in the proxy's URL",
    403: "it does not allow connections to this host; allow it there, or add it to NO_PROXY",
    407: "it asks for a login; put user and password in the proxy's URL",
}


class TlsError(httpx.ConnectError):
    """The two ends could not agree on TLS, or the certificate is not trusted."""


class CutError(httpx.ReadError):
    """The connection ended before the response did."""


class ProxyStatusError(httpx.ProxyError):
    """The proxy did not open a connection, and answered with a status instead."""

    def __init__(self, status: int) -> None:
        meaning = _PROXY_MEANINGS.get(status)
        super().__init__(f"the proxy answered {status}{f': {meaning}' if meaning else ''}")
        self.status = status


def httpx_error_of(error: Exception, *, host: str) -> httpx.TransportError:
    """Return an error of aiohttp as one of httpx, whose text quotes neither URLs nor headers.

    `host` is the one that was requested: an error about another host is about the proxy.
    """
    for kind, translate in _TRANSLATIONS:
        if isinstance(error, kind):
            return translate(error, _whose(error, host))
    return httpx.ReadError("the connection failed")


def api_error_of(error: httpx.HTTPError, *, context: ErrorContext, host: str) -> ApiError:
    """Return an error of httpx as one of the API client.

    All are worth another try but a refusal of the proxy: repeated logins may lock an account.
    """
    text = context.message(f"{host}: {error}")
    kind = _kind(error)
    if isinstance(error, ProxyStatusError) and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return BadResponseError(text, kind=kind)
    return UnavailableError(text, kind=kind)


def _kind(error: httpx.HTTPError) -> Kind:
    match error:
        case TlsError():
            return Kind.TLS
        case httpx.ProxyError():
            return Kind.PROXY
        case httpx.RemoteProtocolError():
            return Kind.PROTOCOL
        case CutError():
            return Kind.CUT
    return Kind.CONNECTION


def _whose(error: Exception, host: str) -> str:
    """Return the words for the host that an error is about."""
    of_another = isinstance(error, aiohttp.ClientConnectorError) and error.host != host
    return "the proxy's " if of_another else "its "


def _untrusted(error: aiohttp.ClientConnectorCertificateError, whose: str) -> TlsError:
    cause = error.certificate_error
    reason = getattr(cause, "verify_message", "") or type(cause).__name__
    code = getattr(cause, "verify_code", 0)
    remedy = _NOT_STRICT if code in _STRICT_ONLY else _REMEDIES.get(code)
    return TlsError(f"{whose}certificate is not trusted: {reason}{f'; {remedy}' if remedy else ''}")


def _tls(error: aiohttp.ClientConnectorError | ssl.SSLError, whose: str) -> TlsError:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    reason = getattr(cause, "reason", None)
    where = "with the proxy " if whose == "the proxy's " else ""
    if not reason:
        return TlsError(f"TLS {where}failed")
    words = str(reason).replace("_", " ").lower()
    reason = "; the port may not be one for https" if reason in _NO_TLS else ""
    return TlsError(f"TLS {where}failed: {words}{reason}")


def _unknown(_: Exception, whose: str) -> httpx.TransportError:
    if whose == "its ":
        return httpx.ConnectError("the name is not known")
    return httpx.ProxyError("the name of the proxy is not known")


def _reason(error: OSError) -> str:
    number = error.errno or (errno.ECONNRESET if isinstance(error, ConnectionResetError) else 0)
    return os.strerror(number) if number else type(error).__name__


_TRANSLATIONS: tuple[tuple[type[Exception], Callable[[Any, str], httpx.TransportError]], ...] = (
    (aiohttp.ClientConnectorCertificateError, _untrusted),
    (aiohttp.ClientSSLError, _tls),
    (ssl.SSLError, _tls),
    (
        aiohttp.ClientProxyConnectionError,
        lambda e, _: httpx.ProxyError(f"the proxy cannot be reached: {_reason(e.os_error)}"),
    ),
    (aiohttp.ClientHttpProxyError, lambda e, _: ProxyStatusError(e.status)),
    (aiohttp.ClientConnectorDNSError, _unknown),
    (
        aiohttp.ClientConnectorError,
        lambda e, _: httpx.ConnectError(f"cannot connect: {_reason(e.os_error)}"),
    ),
    (
        aiohttp.ServerDisconnectedError,
        lambda *_: httpx.ReadError("the connection was closed without a response"),
    ),
    (aiohttp.ClientResponseError, lambda *_: httpx.RemoteProtocolError("what came is not HTTP")),
    (ValueError, lambda *_: httpx.ConnectError("that is no address")),
    (OSError, lambda e, _: httpx.ReadError(f"the connection failed: {_reason(e)}")),
)
"""aiohttp's errors as httpx's, the closer ones first."""
