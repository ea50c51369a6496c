"""The API client of all orgs: sends requests, bounds responses, retries, obeys Retry-After."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote

import httpx

from exporter import __version__
from exporter.api.account import Account, authorization, read_key
from exporter.api.answers import (
    Redirected,
    SlowDown,
    Topic,
    read_answer,
    redirect_error,
    stop_redirect,
)
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, Kind, RateLimited, Unavailable, code_of, label
from exporter.api.failures import transport_error
from exporter.api.hosts import Hosts, Site
from exporter.api.pace import Pace
from exporter.api.retry_after import Holds
from exporter.api.transport import (
    TARGET,
    Client,
    ExactTransport,
    quiet_http_loggers,
    trusting_context,
)
from exporter.api.trust import Trust
from exporter.clock import Clock
from exporter.scheduler import Collection

__all__ = ["Account", "ApiClient", "Call", "Limits", "Observer", "quiet_http_loggers"]

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
    """One request.

    `queued` is the collection it belongs to; `subject` is the course or mentor that a 404 would
    be about.
    """

    endpoint: Endpoint
    names: Mapping[str, str]
    query: Mapping[str, str]
    queued: Collection
    subject: str = ""


class Limits(Protocol):
    """Limits of all requests: seconds, requests in flight and per second to a host, bytes."""

    @property
    def timeout(self) -> float:
        """Return the seconds that a whole request may take."""
        ...

    @property
    def concurrency(self) -> int:
        """Return how many requests may be in flight to one host."""
        ...

    @property
    def rate_limit(self) -> float:
        """Return how many requests per second may be sent to one host."""
        ...

    @property
    def retries(self) -> int:
        """Return how often a request is retried."""
        ...

    @property
    def max_body(self) -> int:
        """Return the bytes that a response may have."""
        ...

    @property
    def tls_strict(self) -> bool:
        """Return whether CA certificates must follow RFC 5280 to the letter."""
        ...


class Observer(Protocol):
    """Counts requests."""

    def requested(self, org: str, endpoint: str, code: str, seconds: float) -> None:
        """Count a request that was sent, and its result."""
        ...

    def retried(self, org: str, endpoint: str) -> None:
        """Count a request that was retried."""
        ...

    def rate_limited(self, org: str, endpoint: str) -> None:
        """Count a response that asked to slow down."""
        ...


@dataclass(slots=True)
class _Request:
    """One call with its attempts. `waited` is the last Retry-After that was waited for."""

    account: Account
    call: Call
    site: Site
    target: str
    attempts: int = 0
    waited: float = 0.0
    status: int = 0

    @property
    def place(self) -> tuple[str, str]:
        """Return org and endpoint."""
        return self.account.key, self.call.endpoint.name

    def topic(self, key: str = "") -> Topic:
        """Return what errors are about."""
        call = self.call
        return Topic(self.account.key, call.endpoint.template, call.subject, key)


class ApiClient:
    """Sends requests to the analytics API on behalf of any number of orgs."""

    def __init__(
        self,
        limits: Limits,
        observer: Observer,
        clock: Clock,
        hosts: Hosts,
        *,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        trust: Trust | None = None,
    ) -> None:
        self._limits = limits
        self._observer = observer
        self._clock = clock
        self._hosts = hosts
        self._rng = rng or random.Random()  # noqa: S311 # spreads retries
        self._sleep = sleep
        self._holds = Holds()
        self._pace = Pace()
        self._trust = trust or trusting_context(strict=limits.tls_strict)
        self._http = Client(
            transport=ExactTransport(self._trust),
            trust_env=False,
            timeout=None,  # the whole request has a limit, not its parts
            event_hooks={"response": [stop_redirect]},
        )

    def set_limits(self, limits: Limits) -> None:
        """Change the limits of requests to come."""
        self._limits = limits
        self._trust.set_strict(strict=limits.tls_strict)

    def forget(self, org: str) -> None:
        """Forget an org that is gone, except for a Retry-After that still holds."""
        self._holds.forget(org, now=self._clock.monotonic())

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def get(self, account: Account, call: Call) -> bytes:
        """Return the body of a 2xx JSON response, at most `max_body` bytes.

        Network errors, 5xx and short Retry-After are retried; a timeout is not, since one more
        would hold a slot for as long again. Raises `ApiError`.
        """
        request = self._request(account, call)
        while True:
            try:
                body = await self._attempt(request)
            except Unavailable as error:
                if error.kind is Kind.TIMEOUT or request.attempts > self._limits.retries:
                    raise
                await self._sleep(self._backoff(request.attempts))
            except RateLimited as error:
                short = error.retry_at - self._clock.monotonic() <= SHORT_WAIT
                if not error.asked or not short or request.attempts > self._limits.retries:
                    raise
            else:
                # The body is parsed before the event loop reads further responses.
                await self._pace.turn()
                return body

    def _request(self, account: Account, call: Call) -> _Request:
        site = self._hosts.site(account.base_url)
        path = call.endpoint.path(org=account.key, user_id=account.user_id, **call.names)
        pairs = [f"{_quoted(name)}={_quoted(value)}" for name, value in call.query.items()]
        query = f"?{'&'.join(pairs)}" if pairs else ""
        return _Request(account, call, site, f"{site.prefix}{path}{query}")

    def _backoff(self, attempts: int) -> float:
        """Return a delay between nothing and a bound that doubles (full jitter)."""
        return self._rng.uniform(0.0, min(BACKOFF_BASE * 2.0 ** (attempts - 1), BACKOFF_CAP))

    async def _attempt(self, request: _Request) -> bytes:
        """Wait for a slot and send the request. A Retry-After that came meanwhile is obeyed."""
        queue = request.site.host.queue
        while True:
            await self._wait_as_asked(request)
            slot = await queue.acquire(request.call.queued)
            answered: bool | None = None
            try:
                if self._held_until(request) is None:
                    body = await self._send(request)
                    answered = True
                    return body
            except ApiError as error:
                answered = error.kind is not Kind.TIMEOUT if error.asked else None
                raise
            finally:
                slot.release(answered=answered)

    def _held_until(self, request: _Request) -> float | None:
        org, endpoint = request.place
        until = self._holds.until(org, endpoint, now=self._clock.monotonic())
        return None if until is None or until <= request.waited else until

    async def _wait_as_asked(self, request: _Request) -> None:
        while (until := self._held_until(request)) is not None:
            wait = until - self._clock.monotonic()
            if wait > SHORT_WAIT:
                raise RateLimited(
                    request.topic().says(f"the API asked to wait, for another {wait:.0f} s"),
                    retry_at=until,
                    asked=request.attempts > 0,
                )
            await self._sleep(wait)
            request.waited = until

    async def _send(self, request: _Request) -> bytes:
        """Send one attempt and count it."""
        account = request.account
        org, endpoint = request.place
        key = read_key(account)
        headers = [*_HEADERS, (b"Authorization", authorization(account, key))]
        started = self._clock.monotonic()
        if request.attempts:
            self._observer.retried(org, endpoint)
        request.attempts += 1
        code = CANCELLED
        try:
            body = await self._exchange(request, headers, key)
        except ApiError as error:
            code = code_of(error)
            if isinstance(error, RateLimited):
                self._observer.rate_limited(org, endpoint)
            raise
        else:
            code = label(request.status)
            self._holds.succeeded(org, endpoint)
            request.site.host.answered(self._clock.monotonic() - started)
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
            late = f"no complete response within {seconds:g} s"
            raise Unavailable(request.topic().says(late), kind=Kind.TIMEOUT) from None
        except Redirected as redirected:
            url = f"{request.site.host.origin}{request.target}"
            raise redirect_error(redirected, topic=request.topic(key), url=url) from None
        except SlowDown as asked:
            raise self._hold(request, asked) from None
        except httpx.HTTPError as error:
            host = request.site.host.origin.host
            raise transport_error(error, topic=request.topic(), host=host) from None

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
            return await read_answer(
                response,
                topic=request.topic(key),
                limit=self._limits.max_body,
                now=self._clock.now(),
            )
        finally:
            await response.aclose()
            # It refers back to the response, which only the garbage collector could free.
            del response.stream

    def _hold(self, request: _Request, asked: SlowDown) -> RateLimited:
        """Hold the endpoint back for as long as the API asks."""
        now = self._clock.monotonic()
        org, endpoint = request.place
        until = self._holds.hold(org, endpoint, now=now, seconds=asked.seconds)
        reason = f" ({asked.hint})" if asked.hint else ""
        return RateLimited(
            request.topic().says(
                f"{asked.status}, asked to slow down{reason}; retried in {until - now:.0f} s"
            ),
            retry_at=until,
            status=asked.status,
        )


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    """Return a part of a query; all orgs request the same days."""
    return quote(text, safe="")
