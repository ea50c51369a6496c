"""One client for all orgs: asks, bounds what comes, retries, and obeys what the API asks for."""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote, urlsplit

import httpx

from exporter import __version__
from exporter.api.account import Account, authorization, identity_of, read_key
from exporter.api.answers import (
    Redirected,
    SlowDown,
    Topic,
    read_answer,
    redirect_error,
    stop_redirect,
)
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, Kind, RateLimited, Refused, Unavailable, code_of, label
from exporter.api.gate import Gate, Turn
from exporter.api.pace import Pace
from exporter.api.refusals import Asked, Refusals
from exporter.api.retry_after import Holds
from exporter.api.transport import (
    TARGET,
    Client,
    CutError,
    ExactTransport,
    TlsError,
    quiet_http_loggers,
    trusting_context,
)
from exporter.clock import Clock

__all__ = ["Account", "ApiClient", "Bounds", "Call", "Limits", "Observer", "quiet_http_loggers"]

SHORT_WAIT = 5.0
"""Longest wait in seconds asked for by the API that a call sits out; beyond, it fails."""

BACKOFF_BASE = 0.5
BACKOFF_CAP = 10.0

CANCELLED = "cancelled"
"""Code of a request that was given up by whoever asked."""

_HEADERS = [
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"gzip"),
    (b"User-Agent", f"iblai-exporter/{__version__}".encode()),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One question.

    `priority` is lower first; `patience` is how many seconds a refusal of it is remembered;
    `subject` is what a 404 would be about (a course, a mentor).
    """

    endpoint: Endpoint
    names: Mapping[str, str]
    query: Mapping[str, str]
    priority: int = 0
    patience: float = 3600.0
    subject: str = ""


class Bounds(Protocol):
    """Bounds of all requests: seconds, requests at once and per second to a host, bytes."""

    @property
    def timeout(self) -> float:
        """Return the seconds that a whole request may take."""
        ...

    @property
    def concurrency(self) -> int:
        """Return how many requests may be under way to one host."""
        ...

    @property
    def rate_limit(self) -> float:
        """Return how many requests a second may be sent to one host."""
        ...

    @property
    def retries(self) -> int:
        """Return how often a request is sent again."""
        ...

    @property
    def max_body(self) -> int:
        """Return the bytes that an answer may have."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """The usual bounds."""

    timeout: float = 30.0
    concurrency: int = 8
    rate_limit: float = 20.0
    retries: int = 3
    max_body: int = 16 * 1024 * 1024


class Observer(Protocol):
    """Whoever counts requests."""

    def requested(self, org: str, endpoint: str, code: str, seconds: float) -> None:
        """Count a request that was sent, and what was answered."""
        ...

    def retried(self, org: str, endpoint: str) -> None:
        """Count a request that was sent again."""
        ...

    def rate_limited(self, org: str, endpoint: str) -> None:
        """Count an answer that asked to slow down."""
        ...


@dataclass(frozen=True, slots=True)
class _Site:
    """Where an API is: its origin, the path before every path, and the gate to its host."""

    url: httpx.URL
    prefix: str
    gate: Gate


@dataclass(slots=True)
class _Errand:
    """One call under way. `waited` is the last hold that was sat out, in monotonic seconds."""

    account: Account
    call: Call
    site: _Site
    target: str
    asked: Asked
    tries: int = 0
    waited: float = 0.0
    status: int = 0

    def topic(self, key: str = "") -> Topic:
        """Return what to say errors are about."""
        call = self.call
        return Topic(self.account.key, call.endpoint.template, call.subject, key)


class ApiClient:
    """Asks the analytics API on behalf of any number of orgs."""

    def __init__(
        self,
        limits: Bounds,
        observer: Observer,
        clock: Clock,
        *,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._observer = observer
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 # spreads retries
        self._sleep = sleep
        self._sites: dict[str, _Site] = {}
        self._gates: dict[str, Gate] = {}
        self._holds = Holds()
        self._refusals = Refusals()
        self._pace = Pace()
        self._http = Client(
            transport=ExactTransport(context or trusting_context()),
            trust_env=False,
            timeout=None,  # the whole request is bounded, not its parts
            event_hooks={"response": [stop_redirect]},
        )

    @property
    def limits(self) -> Bounds:
        """Return the bounds of requests."""
        return self._limits

    def set_limits(self, limits: Bounds) -> None:
        """Change the bounds of requests to come."""
        self._limits = limits
        for gate in self._gates.values():
            gate.set_limits(concurrency=limits.concurrency, rate=limits.rate_limit)

    def forget(self, org: str) -> None:
        """Forget what was refused to an org: its configuration changed, or it is gone."""
        self._refusals.forget(org)
        self._holds.forget(org, now=self._clock.monotonic())
        for gate in self._gates.values():
            gate.forget(org)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def get(self, account: Account, call: Call) -> bytes:
        """Return the body of a 2xx JSON answer, at most `max_body` bytes.

        Network errors, timeouts, 5xx and short waits that the API asks for are tried again.
        Raises `ApiError`.
        """
        errand = self._errand(account, call)
        while True:
            try:
                body = await self._take_turn(errand)
            except Unavailable:
                if errand.tries > self._limits.retries:
                    raise
                await self._sleep(self._backoff(errand.tries))
            except RateLimited as error:
                short = error.retry_at - self._clock.monotonic() <= SHORT_WAIT
                if not error.asked or not short or errand.tries > self._limits.retries:
                    raise
            else:
                # Whoever asked reads it before anybody else has a turn.
                await self._pace.turn()
                return body

    def _errand(self, account: Account, call: Call) -> _Errand:
        site = self._sites.get(account.base_url) or self._add_site(account.base_url)
        path = call.endpoint.path(org=account.key, user_id=account.user_id, **call.names)
        pairs = [f"{_quoted(name)}={_quoted(value)}" for name, value in call.query.items()]
        query = f"?{'&'.join(pairs)}" if pairs else ""
        asked = Asked(account.key, call.endpoint.name, call.subject)
        return _Errand(account, call, site, f"{site.prefix}{path}{query}", asked)

    def _add_site(self, base_url: str) -> _Site:
        prefix = quote(urlsplit(base_url).path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        whole = httpx.URL(base_url)
        origin = f"{whole.scheme}://{whole.netloc.decode('ascii')}"
        gate = self._gates.get(origin)
        if gate is None:
            limits = self._limits
            gate = Gate(
                concurrency=limits.concurrency,
                rate=limits.rate_limit,
                clock=self._clock.monotonic,
            )
            self._gates[origin] = gate
        site = self._sites[base_url] = _Site(httpx.URL(origin), prefix, gate)
        return site

    def _backoff(self, tries: int) -> float:
        """Return a wait somewhere between nothing and a bound that doubles (full jitter)."""
        return self._rng.uniform(0.0, min(BACKOFF_BASE * 2.0 ** (tries - 1), BACKOFF_CAP))

    async def _take_turn(self, errand: _Errand) -> bytes:
        """Wait for a turn, and use it. What was learnt while waiting is heeded."""
        account, call = errand.account, errand.call
        while True:
            await self._sit_out_hold(errand)
            self._refusals.check(
                errand.asked,
                identity=lambda: identity_of(account, read_key(account)),
                now=self._clock.monotonic(),
            )
            turn = await errand.site.gate.enter(account.key, call.priority)
            try:
                if self._held_until(errand) is None:
                    return await self._send(errand, turn)
            finally:
                turn.leave()

    def _held_until(self, errand: _Errand) -> float | None:
        org, endpoint, _ = errand.asked
        until = self._holds.until(org, endpoint, now=self._clock.monotonic())
        return None if until is None or until <= errand.waited else until

    async def _sit_out_hold(self, errand: _Errand) -> None:
        while (until := self._held_until(errand)) is not None:
            wait = until - self._clock.monotonic()
            if wait > SHORT_WAIT:
                raise RateLimited(
                    errand.topic().says(f"the API asked to wait, for another {wait:.0f} s"),
                    retry_at=until,
                    asked=errand.tries > 0,
                )
            await self._sleep(wait)
            errand.waited = until

    async def _send(self, errand: _Errand, turn: Turn) -> bytes:
        """Send one request, count it, and remember what it teaches."""
        account = errand.account
        org, endpoint, _ = errand.asked
        key = read_key(account)
        headers = [*_HEADERS, (b"Authorization", authorization(account, key))]

        def identity() -> tuple[str, ...]:
            return identity_of(account, key)

        started = self._clock.monotonic()
        self._refusals.claim(errand.asked, identity=identity, now=started)
        turn.depart()
        if errand.tries:
            self._observer.retried(org, endpoint)
        errand.tries += 1
        code = CANCELLED
        try:
            answer = await self._exchange(errand, headers, key, turn)
        except ApiError as error:
            code = code_of(error)
            turn.timed_out = error.kind is Kind.TIMEOUT
            if isinstance(error, RateLimited):
                self._observer.rate_limited(org, endpoint)
                errand.site.gate.slow(org, until=error.retry_at)
            elif isinstance(error, Refused):
                self._refusals.remember(
                    error,
                    errand.asked,
                    identity=identity,
                    now=self._clock.monotonic(),
                    patience=errand.call.patience,
                )
            raise
        else:
            code = label(errand.status)
            turn.timed_out = False
            self._holds.succeeded(org, endpoint)
            self._refusals.succeeded(errand.asked)
            return answer
        finally:
            self._observer.requested(org, endpoint, code, self._clock.monotonic() - started)

    async def _exchange(
        self, errand: _Errand, headers: list[tuple[bytes, bytes]], key: str, turn: Turn
    ) -> bytes:
        """Send a request and read its answer, in no more than the time allowed."""
        loop = asyncio.get_running_loop()
        seconds = self._limits.timeout
        began = loop.time()
        try:
            async with asyncio.timeout(seconds) as limit:
                turn.break_off = lambda: limit.reschedule(loop.time())
                return await self._request(errand, headers, key)
        except TimeoutError:
            late = f"no whole answer within {seconds:g} s"
            if turn.broken_off:
                late = f"no whole answer within {loop.time() - began:.0f} s while others waited"
            raise Unavailable(errand.topic().says(late), kind=Kind.TIMEOUT) from None
        except Redirected as redirected:
            url = f"{errand.site.url}{errand.target}"
            raise redirect_error(redirected, topic=errand.topic(key), url=url) from None
        except SlowDown as asked:
            raise self._hold(errand, asked) from None
        except httpx.HTTPError as error:
            host = errand.site.url.host
            text = errand.topic().says(f"{host}: {error}")
            raise Unavailable(text, kind=_trouble(error)) from None

    async def _request(
        self, errand: _Errand, headers: list[tuple[bytes, bytes]], key: str
    ) -> bytes:
        request = httpx.Request(
            "GET",
            errand.site.url,
            headers=headers,
            extensions={TARGET: errand.target.encode("ascii")},
        )
        response = await self._http.send(request, stream=True)
        errand.status = response.status_code
        try:
            return await read_answer(
                response,
                topic=errand.topic(key),
                limit=self._limits.max_body,
                now=self._clock.now(),
            )
        finally:
            await response.aclose()
            # It points back at the response, which only the garbage collector could free.
            del response.stream

    def _hold(self, errand: _Errand, asked: SlowDown) -> RateLimited:
        """Hold the endpoint back for as long as the API asks."""
        now = self._clock.monotonic()
        org, endpoint, _ = errand.asked
        until = self._holds.hold(org, endpoint, now=now, seconds=asked.seconds)
        reason = f" ({asked.hint})" if asked.hint else ""
        return RateLimited(
            errand.topic().says(
                f"{asked.status}, asked to slow down{reason}; asking again in {until - now:.0f} s"
            ),
            retry_at=until,
            status=asked.status,
        )


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    """Return a part of a query; all orgs ask for the same days."""
    return quote(text, safe="")


def _trouble(error: httpx.HTTPError) -> Kind:
    match error:
        case TlsError():
            return Kind.TLS
        case httpx.RemoteProtocolError():
            return Kind.PROTOCOL
        case CutError():
            return Kind.CUT
    return Kind.CONNECTION
