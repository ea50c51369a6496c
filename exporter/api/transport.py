"""The transport of requests: aiohttp under httpx, with paths sent unchanged."""

import logging
import os
from collections.abc import AsyncIterator

import aiohttp
import httpx
from yarl import URL

from exporter.api.errors import Kind
from exporter.api.proxy import Proxies, Proxy
from exporter.api.resolver import Resolver
from exporter.api.transport_errors import AIOHTTP_ERRORS, TransportError, transport_error_of
from exporter.api.trust_store import TrustStore

TARGET = "target"
"""Extension of a request (httpx's own) with the path and query exactly as they are sent."""

_NO_LIMIT = aiohttp.ClientTimeout(total=None, connect=None, sock_read=None, sock_connect=None)

_MAX_HEADER = 64 * 1024
"""Bytes of a response header. aiohttp's default of 8 KiB is less than some security policies."""


class ExactTransport(httpx.AsyncBaseTransport):
    """Sends requests with a percent-encoded `target`, once each.

    httpx and aiohttp would encode a path again (`%3A` becomes `:`), and aiohttp would repeat some
    requests by itself, beyond the rate limit. The caller limits the time.
    """

    def __init__(self, trust: TrustStore, proxies: Proxies | None = None) -> None:
        """Connect with the authorities in `trust`, by default through the environment's proxies."""
        self._trust = trust
        self._proxies = proxies or Proxies(os.environ)
        self._session: aiohttp.ClientSession | None = None
        self._by_origin: dict[str, Proxy | None] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. The body is read later. Raises `TransportError`."""
        session = self._session or self._open()
        origin = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
        proxy = self._proxy(origin, request.url)
        headers = [(k.decode("ascii"), v.decode("ascii")) for k, v in request.headers.raw]
        if proxy and request.url.scheme == "http":  # no tunnel: the proxy receives the request
            headers.extend(proxy.headers.items())
        try:
            response = await session.request(
                request.method,
                URL(origin + request.extensions[TARGET].decode("ascii"), encoded=True),
                headers=headers,
                allow_redirects=False,
                proxy=proxy.url if proxy else None,
                proxy_headers=proxy.headers if proxy else None,
                # aiohttp reuses a connection only with the context that it was opened with.
                ssl=self._trust.context(),
            )
        except AIOHTTP_ERRORS as error:  # before anything was sent: an invalid address
            raise transport_error_of(error, host=request.url.host) from error
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=_Body(response), request=request
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        # The caller limits the connections; a second limit would be a second queue.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=Resolver()),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=_NO_LIMIT,
            max_line_size=_MAX_HEADER,
            max_field_size=_MAX_HEADER,
            middlewares=(_once,),
        )
        return self._session

    def _proxy(self, origin: str, url: httpx.URL) -> Proxy | None:
        if origin not in self._by_origin:
            self._by_origin[origin] = self._proxies.proxy_for(url)
        return self._by_origin[origin]


class Client(httpx.AsyncClient):
    """httpx's client without cookies: looking for them takes a tenth of the time of a request."""

    @property
    def cookies(self) -> httpx.Cookies:
        """Return an empty store."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        raise TypeError(f"cookies are not supported: {type(cookies).__name__}")


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Ignore cookies."""


_NO_COOKIES = _NoCookies()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            text = "the connection was cut in the middle of the response"
            raise TransportError(text, kind=Kind.CUT) from error

    async def aclose(self) -> None:
        # The connection of a complete response is in the pool already. Any other must not be
        # used again.
        self._response.close()


def quiet_http_loggers() -> None:
    """Silence the HTTP libraries at every level: they log whole URLs."""
    for name in ("httpx", "httpcore", "aiohttp"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request once: aiohttp repeats only requests that fail with its own errors."""
    try:
        return await handler(request)
    except AIOHTTP_ERRORS as error:
        raise transport_error_of(error, host=request.url.raw_host or "") from error
