"""What carries requests: aiohttp's connections under httpx, each path sent exactly as given."""

import logging
import os
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

from exporter.api.names import Names
from exporter.problems import ConfigError

TARGET = "target"
"""Extension of a request (httpx's own) that holds the path and query as they go over the wire."""

_FAILURES = (aiohttp.ClientError, OSError, ValueError)
"""What aiohttp raises; a host that cannot be a name is a `ValueError` of the resolver."""

_NO_LIMIT = aiohttp.ClientTimeout(total=None, connect=None, sock_read=None, sock_connect=None)


class TlsError(httpx.ConnectError):
    """The two ends could not agree on TLS, or the certificate is not to be trusted."""


class CutError(httpx.ReadError):
    """The connection ended before the answer did."""


class ExactTransport(httpx.AsyncBaseTransport):
    """Sends requests whose `target` is percent-encoded already, one time each.

    httpx's and aiohttp's own ways would quote a path anew (`%3A` becomes `:`), and aiohttp
    would send a request again on its own, past the rate limit. Time limits are the caller's.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._session: aiohttp.ClientSession | None = None
        self._proxies: dict[str, str | None] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body is left to be read."""
        session = self._session or self._open()
        origin = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
        try:
            response = await session.request(
                request.method,
                URL(origin + request.extensions[TARGET].decode("ascii"), encoded=True),
                headers=[(k.decode("ascii"), v.decode("ascii")) for k, v in request.headers.raw],
                allow_redirects=False,
                proxy=self._proxy(origin, request.url),
            )
        except _FAILURES as error:  # before anything was sent: an address that is none
            raise _translated(error) from error
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=_Body(response), request=request
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        # The gate bounds how many connections there are; a second bound would be a second queue.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._context, resolver=Names()),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=_NO_LIMIT,
            middlewares=(_once,),
        )
        return self._session

    def _proxy(self, origin: str, url: httpx.URL) -> str | None:
        """Return the proxy that the environment names for `origin`."""
        if origin not in self._proxies:
            self._proxies[origin] = environment_proxy(url)
        return self._proxies[origin]


class Client(httpx.AsyncClient):
    """httpx's client, without cookies: to look for one costs a tenth of a request."""

    @property
    def cookies(self) -> httpx.Cookies:
        """Return what keeps no cookie."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        raise TypeError(f"no cookies, whatever {type(cookies).__name__} holds")


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep nothing."""


_NO_COOKIES = _NoCookies()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise CutError("the connection was cut in the middle of the answer") from error

    async def aclose(self) -> None:
        # A connection whose answer was read to the end is back in the pool by now; any other
        # must not be used again.
        self._response.close()


def environment_proxy(url: httpx.URL) -> str | None:
    """Return the proxy for `url` by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`."""
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.netloc.decode("ascii")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def quiet_http_loggers() -> None:
    """Silence the HTTP libraries whatever the level: they log whole URLs."""
    for name in ("httpx", "httpcore", "aiohttp"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def trusting_context() -> ssl.SSLContext:
    """Return the context of all connections; `SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded.

    Raises `ConfigError` if the file cannot be read.
    """
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        file = os.environ.get("SSL_CERT_FILE", "")
        problem = f"cannot read certificates from {file}: {error.strerror or error}"
        raise ConfigError([f"SSL_CERT_FILE: {problem}"]) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request once, and tell in httpx's words what went wrong."""
    try:
        return await handler(request)
    except _FAILURES as error:
        raise _translated(error) from error


def _translated(error: Exception) -> httpx.TransportError:
    for kind, translate in _WORDS:
        if isinstance(error, kind):
            return translate(error)
    return httpx.ReadError("the connection failed")


def _untrusted(error: aiohttp.ClientConnectorCertificateError) -> TlsError:
    cause = error.certificate_error
    reason = getattr(cause, "verify_message", "") or type(cause).__name__
    return TlsError(f"its certificate is not to be trusted: {reason}")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__


_WORDS: tuple[tuple[type[Exception], Callable[[Any], httpx.TransportError]], ...] = (
    (aiohttp.ClientConnectorCertificateError, _untrusted),
    (aiohttp.ClientSSLError, lambda _: TlsError("TLS failed")),
    (ssl.SSLError, lambda _: TlsError("TLS failed")),
    (
        aiohttp.ClientProxyConnectionError,
        lambda e: httpx.ProxyError(f"the proxy cannot be reached: {_reason(e.os_error)}"),
    ),
    (
        aiohttp.ClientHttpProxyError,
        lambda e: httpx.ProxyError(f"the proxy answered {e.status}"),
    ),
    (aiohttp.ClientConnectorDNSError, lambda _: httpx.ConnectError("the name is not known")),
    (
        aiohttp.ClientConnectorError,
        lambda e: httpx.ConnectError(f"cannot connect: {_reason(e.os_error)}"),
    ),
    (
        aiohttp.ServerDisconnectedError,
        lambda _: httpx.ReadError("the connection was closed without an answer"),
    ),
    (aiohttp.ClientResponseError, lambda _: httpx.RemoteProtocolError("what came is not HTTP")),
    (ValueError, lambda _: httpx.ConnectError("that is no address")),
    (OSError, lambda e: httpx.ReadError(f"the connection failed: {_reason(e)}")),
)
"""aiohttp's errors in httpx's words, the closer ones first. aiohttp's own texts quote URLs."""
