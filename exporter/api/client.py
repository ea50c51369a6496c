"""The API client of all orgs: requests within limits, retries, and Retry-After."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote

import httpx

from exporter import __version__
from exporter.api.credentials import authorization_header, read_key
from exporter.api.endpoints import Endpoint
from exporter.api.errors import (
    ApiError,
    Kind,
    RateLimitedError,
    UnavailableError,
    error_label,
    status_label,
)
from exporter.api.hosts import Hosts, Site
from exporter.api.loop_budget import LoopBudget
from exporter.api.responses import (
    ErrorContext,
    RedirectError,
    ThrottledError,
    read_response,
    redirect_error,
    reject_redirect,
)
from exporter.api.retry_after import RetryAfter
from exporter.api.transport import (
    TARGET,
    Client,
    ExactTransport,
)
from exporter.api.transport_errors import TransportError, api_error_of
from exporter.api.trust_store import TrustStore
from exporter.clock import Clock
from exporter.scheduler import Collection
from exporter.settings import ApiLimits, Org

SHORT_WAIT = 5.0
"""Longest Retry-After in seconds that a request waits for; with a longer one it fails."""

BACKOFF_BASE = 0.5
BACKOFF_CAP = 10.0

CANCELLED = "cancelled"
"""Code of a request that the exporter cancelled."""

_HEADERS = [
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"gzip"),
    (b"User-Agent", f"iblai-exporter/{__version__}".encode()),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a collection.

    `subject` is the course or mentor that a 404 would be about.
    """

    endpoint: Endpoint
    queued: Collection
    path_params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""


class Observer(Protocol):
    """Counts requests."""

    def requested(self, org: str, endpoint: str, code: str, seconds: float) -> None:
        """Count a request that was sent, and its result."""
        ...

    def retried(self, org: str, endpoint: str) -> None:
        """Count a request that was retried."""
        ...

    def rate_limited(self, org: str, endpoint: str) -> None:
        """Count a response that asked to wait."""
        ...


@dataclass(slots=True)
class _Request:
    """One call with its attempts. `waited` is the last Retry-After that it waited for."""

    org: Org
    call: Call
    site: Site
    target: str
    attempts: int = 0
    waited: float = 0.0
    status: int = 0

    @property
    def labels(self) -> tuple[str, str]:
        """Return the org and the endpoint."""
        return self.org.key, self.call.endpoint.name

    def context(self, key: str = "") -> ErrorContext:
        """Return what errors are about."""
        return ErrorContext(self.org.key, self.call.endpoint.template, self.call.subject, key)


class ApiClient:
    """Sends requests to the analytics API on behalf of any number of orgs."""

    def __init__(
        self,
        limits: ApiLimits,
        observer: Observer,
        clock: Clock,
        hosts: Hosts,
        *,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        trust: TrustStore | None = None,
    ) -> None:
        self._limits = limits
        self._observer = observer
        self._clock = clock
        self._hosts = hosts
        self._rng = rng or random.Random()  # noqa: S311 # spreads retries
        self._sleep = sleep
        self._retry_after = RetryAfter()
        self._loop_budget = LoopBudget()
        self._trust = trust or TrustStore(strict=limits.tls_strict)
        self._http = Client(
            transport=ExactTransport(self._trust),
            trust_env=False,
            timeout=None,  # the whole request has a limit, not its parts
            event_hooks={"response": [reject_redirect]},
        )

    def set_limits(self, limits: ApiLimits) -> None:
        """Change the limits of later requests."""
        self._limits = limits
        self._trust.set_strict(strict=limits.tls_strict)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def get(self, org: Org, call: Call) -> bytes:
        """Return the body of a 2xx JSON response, at most `max_body` bytes.

        Network errors, 5xx and short Retry-After are retried. A timeout is not: another one would
        occupy a slot for as long again. Raises `ApiError`.
        """
        request = self._request(org, call)
        while True:
            try:
                body = await self._attempt(request)
            except UnavailableError as error:
                if error.kind is Kind.TIMEOUT or request.attempts > self._limits.retries:
                    raise
                await self._sleep(self._backoff(request.attempts))
            except RateLimitedError as error:
                short = error.retry_at - self._clock.monotonic() <= SHORT_WAIT
                if not error.sent or not short or request.attempts > self._limits.retries:
                    raise
            else:
                # The body is parsed before the event loop reads further responses.
                await self._loop_budget.checkpoint()
                return body

    def _request(self, org: Org, call: Call) -> _Request:
        site = self._hosts.site(org.base_url)
        path = call.endpoint.path(org=org.key, user_id=org.user_id, **call.path_params)
        pairs = [f"{_quoted(name)}={_quoted(value)}" for name, value in call.query.items()]
        query = f"?{'&'.join(pairs)}" if pairs else ""
        return _Request(org, call, site, f"{site.prefix}{path}{query}")

    def _backoff(self, attempts: int) -> float:
        """Return a random delay up to a bound that doubles (full jitter)."""
        return self._rng.uniform(0.0, min(BACKOFF_BASE * 2.0 ** (attempts - 1), BACKOFF_CAP))

    async def _attempt(self, request: _Request) -> bytes:
        """Wait for a slot and send the request, unless a Retry-After arrived meanwhile."""
        queue = request.site.host.queue
        while True:
            await self._wait_for_retry_after(request)
            slot = await queue.acquire(request.call.queued)
            answered: bool | None = None
            try:
                if self._retry_at(request) is None:
                    body = await self._send(request)
                    answered = True
                    return body
            except ApiError as error:
                answered = error.kind is not Kind.TIMEOUT if error.sent else None
                raise
            finally:
                slot.release(answered=answered)

    def _retry_at(self, request: _Request) -> float | None:
        org, endpoint = request.labels
        until = self._retry_after.until(org, endpoint, now=self._clock.monotonic())
        return None if until is None or until <= request.waited else until

    async def _wait_for_retry_after(self, request: _Request) -> None:
        while (until := self._retry_at(request)) is not None:
            wait = until - self._clock.monotonic()
            if wait > SHORT_WAIT:
                raise RateLimitedError(
                    request.context().message(f"the API asked to wait for another {wait:.0f} s"),
                    retry_at=until,
                    sent=request.attempts > 0,
                )
            request.site.host.queue.give_back(request.call.queued)
            await self._sleep(wait)
            request.waited = until

    async def _send(self, request: _Request) -> bytes:
        """Send one attempt and count it."""
        org, endpoint = request.labels
        key = read_key(request.org)
        headers = [*_HEADERS, (b"Authorization", authorization_header(request.org, key))]
        started = self._clock.monotonic()
        if request.attempts:
            self._observer.retried(org, endpoint)
        request.attempts += 1
        code = CANCELLED
        try:
            body = await self._exchange(request, headers, key)
        except ApiError as error:
            code = error_label(error)
            if isinstance(error, RateLimitedError):
                self._observer.rate_limited(org, endpoint)
            raise
        else:
            code = status_label(request.status)
            request.site.host.observe(self._clock.monotonic() - started)
            return body
        finally:
            self._observer.requested(org, endpoint, code, self._clock.monotonic() - started)

    async def _exchange(
        self, request: _Request, headers: list[tuple[bytes, bytes]], key: str
    ) -> bytes:
        """Send a request and read its response within the time limit, which is exact."""
        seconds = self._limits.timeout
        try:
            async with asyncio.timeout(seconds):
                return await self._receive(request, headers, key)
        except TimeoutError:
            text = request.context().message(f"no complete response within {seconds:g} s")
            raise UnavailableError(text, kind=Kind.TIMEOUT) from None
        except RedirectError as redirected:
            url = f"{request.site.host.origin}{request.target}"
            raise redirect_error(
                redirected, context=request.context(key), url=url, user_id=request.org.user_id
            ) from None
        except ThrottledError as error:
            raise self._postpone(request, error) from None
        except TransportError as error:
            host = request.site.host.origin.host
            raise api_error_of(error, context=request.context(), host=host) from None

    async def _receive(
        self, request: _Request, headers: list[tuple[bytes, bytes]], key: str
    ) -> bytes:
        sent = httpx.Request(
            "GET",
            request.site.host.origin,
            headers=headers,
            extensions={TARGET: request.target.encode("ascii")},
        )
        response = await self._http.send(sent, stream=True)
        request.status = response.status_code
        try:
            return await read_response(
                response,
                context=request.context(key),
                limit=self._limits.max_body,
                now=self._clock.now(),
            )
        finally:
            await response.aclose()
            # A reference cycle, which only the garbage collector could free.
            del response.stream

    def _postpone(self, request: _Request, error: ThrottledError) -> RateLimitedError:
        """Postpone requests to the endpoint for as long as the API asks."""
        now = self._clock.monotonic()
        org, endpoint = request.labels
        until = self._retry_after.postpone(org, endpoint, now=now, seconds=error.seconds)
        reason = f" ({error.reason})" if error.reason else ""
        return RateLimitedError(
            request.context().message(
                f"{error.status}, the API asked to wait{reason}; retried in {until - now:.0f} s"
            ),
            retry_at=until,
            status=error.status,
        )


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    """Return a percent-encoded part of a query. Cached: all orgs request the same days."""
    return quote(text, safe="")
