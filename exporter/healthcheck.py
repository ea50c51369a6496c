"""The health check of containers, which runs every few seconds and so imports little."""

import contextlib
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

PATH = "/-/healthy"
_ALIVE = frozenset({200, 401})
"""A 401 shows that the exporter works; the health check has no password."""

_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - compared only


def default_url(listen_address: str, *, tls: bool = False) -> str:
    """Return the URL of the health check of an exporter that listens there on this machine."""
    host, _, port = listen_address.rpartition(":")
    return f"{'https' if tls else 'http'}://{_LOOPBACK.get(host, host)}:{port}{PATH}"


def healthy(url: str, timeout: float = 3.0) -> bool:
    """Return whether the exporter at `url` (http or https) responds within `timeout` seconds.

    The certificate is not verified: it names the service and not this machine, and no secret is
    sent.
    """
    parts = urlsplit(url)
    connection = _connection(parts.scheme, parts.netloc, timeout)
    with contextlib.closing(connection):
        try:
            connection.connect()
        except OSError:
            return False
        try:
            connection.request("GET", parts.path or PATH)
            return connection.getresponse().status in _ALIVE
        except (ssl.SSLError, ConnectionError):
            # TLS works, and the exporter asks for a client certificate.
            return parts.scheme == "https"
        except (OSError, HTTPException):
            return False


def _connection(scheme: str, netloc: str, timeout: float) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(netloc, timeout=timeout)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(netloc, timeout=timeout, context=context)
