"""A server that sends the given bytes, and clients of it."""

import asyncio
import gzip
import json
import random
import selectors
import time
from dataclasses import dataclass, field

import pytest

from exporter.api.client import ApiClient, Call
from exporter.api.endpoints import ENROLLMENTS_OVER_TIME, Endpoint
from exporter.api.errors import ApiError
from exporter.api.hosts import Hosts
from exporter.api.trust_store import TrustStore
from exporter.scheduler import Collection
from exporter.settings import ApiLimits

KEY = "0123456789abcdef" * 4
BODY = b'{"data": {"2026-01-01": 3}, "total": 3}'
HTML = b"<!doctype html><title>Sign in</title>"


@dataclass
class Received:
    """A request as it came over the wire."""

    target: str
    headers: dict[str, str]
    at: float


@dataclass
class Server:
    """A bare HTTP server; `answers` are given in turn, the last one for ever.

    An answer is bytes, or a coroutine function that is handed the request and the writer.
    """

    answers: list = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    open: int = 0
    accepted: int = 0
    at_once: int = 0
    most_at_once: int = 0
    port: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader, writer):
        self.open += 1
        self.accepted += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head.decode("latin-1"), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, head, writer):
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        request = Received(first.split(" ")[1], headers, time.monotonic())
        self.received.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if callable(answer):
                await answer(request, writer)
            else:
                writer.write(answer)
                await writer.drain()
        finally:
            self.at_once -= 1


def say(
    body=b'{"data": {}, "total": 0}',
    status=200,
    content_type="application/json",
    **headers,
):
    """Return an answer with the right length."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if content_type is not None:
        headers["content_type"] = content_type
    headers.setdefault("content_length", str(len(body)))
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body


def squeeze(body, **headers):
    return say(gzip.compress(body), content_encoding="gzip", **headers)


def slowly(seconds, answer=None):
    """Return an answer that takes its time."""

    async def answer_late(request, writer):
        await asyncio.sleep(seconds)
        writer.write(answer or say())
        await writer.drain()

    return answer_late


def drop(before=b""):
    """Return an answer that ends the connection after so many bytes."""

    async def hang_up(request, writer):
        writer.write(before)
        await writer.drain()
        writer.close()

    return hang_up


@pytest.fixture
async def server():
    server = Server([say()])
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=500)
    server.port = listener.sockets[0].getsockname()[1]
    yield server
    listener.close()


@dataclass
class FakeOrg:
    base_url: str
    key: str = "acme"
    auth_scheme: str = "Api-Token"
    user_id: str = "ops"
    api_key: object = KEY

    def secret(self):
        if isinstance(self.api_key, Exception):
            raise self.api_key
        return self.api_key


@pytest.fixture
def org(server):
    return FakeOrg(server.url)


class RecordingObserver:
    """Records the calls of the client."""

    def __init__(self):
        self.requests = []
        self.retries = []
        self.slowed = []
        self.seconds = []

    @property
    def codes(self):
        return [code for _, _, code in self.requests]

    def requested(self, org, endpoint, code, seconds):
        self.requests.append((org, endpoint, code))
        self.seconds.append(seconds)

    def retried(self, org, endpoint):
        self.retries.append((org, endpoint))

    def rate_limited(self, org, endpoint):
        self.slowed.append((org, endpoint))


@pytest.fixture
def observer():
    return RecordingObserver()


class Sleeps:
    """Sleep that takes no time: it moves the clock, and records for how long."""

    def __init__(self, clock):
        self.taken = []
        self._clock = clock

    async def __call__(self, seconds):
        self.taken.append(seconds)
        self._clock.advance(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def sleeps(clock):
    return Sleeps(clock)


class FixedTrust(TrustStore):
    """Trusts the authorities of one context, whatever the environment says."""

    def __init__(self, context):
        self._fixed = context

    def set_strict(self, *, strict):
        pass

    def context(self):
        return self._fixed


def not_started(collection):
    raise AssertionError(f"{collection} was started, although no test adds collections")


class Clients:
    """Makes clients, each with its own hosts; the rate is unlimited unless it is tested."""

    def __init__(self, observer, clock, sleeps):
        self._observer = observer
        self._clock = clock
        self._sleeps = sleeps
        self.made = []

    def __call__(self, *, context=None, sleep=None, **limits):
        limits = ApiLimits(**{"timeout": 5.0, "rate_limit": 0.0, **limits})
        client = ApiClient(
            limits,
            self._observer,
            self._clock,
            hosts := Hosts(limits, start=not_started),
            rng=random.Random(1),
            sleep=sleep or self._sleeps,
            trust=FixedTrust(context) if context else None,
        )
        self.made.append((client, hosts))
        return client

    def set_limits(self, **limits):
        """Change the limits of every client and host."""
        for client, hosts in self.made:
            client.set_limits(ApiLimits(**limits))
            hosts.set_limits(ApiLimits(**limits))

    def slots(self, base_url):
        """Return how many slots of a host are taken, and how many requests wait for one."""
        queues = [hosts.site(base_url).host.queue for _, hosts in self.made]
        return sum(q.in_flight for q in queues), sum(q.waiting for q in queues)


@pytest.fixture
async def make_client(observer, clock, sleeps, server):
    """Return what makes clients. When the test ends, no slot may be taken."""
    clients = Clients(observer, clock, sleeps)
    yield clients
    await become_true(lambda: clients.slots(server.url) == (0, 0))
    for client, _ in clients.made:
        await client.aclose()


@pytest.fixture
async def client(make_client):
    return make_client()


def queued(org="acme"):
    """Return a collection that requests belong to."""
    return Collection(org=org, name="enrollments", due_at=0.0, interval=300.0)


def call(endpoint=ENROLLMENTS_OVER_TIME, *, query=None, org="acme", **more):
    more.setdefault("queued", queued(org))
    return Call(endpoint=endpoint, query=query or {}, **more)


async def become_true(condition):
    """Wait for what happens in its own time, but not for ever."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 # the other end sets no event
            await asyncio.sleep(0.005)


async def failure(client, org, what=None):
    """Return the error that a call ends in."""
    with pytest.raises(ApiError) as caught:
        await client.get(org, what or call())
    assert KEY not in str(caught.value)
    return caught.value


OTHER = Endpoint("other", "/api/other/{org}")
COURSE = Endpoint("course", "/api/orgs/{org}/users/{user_id}/courses/{course_id}/over-time")


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer instead of waiting for it."""

    def __init__(self):
        self.jumped = 0.0
        loop = self

        class Selector(selectors.DefaultSelector):
            def select(self, timeout=None):
                if timeout:
                    loop.jumped += timeout
                return super().select(0)

        super().__init__(Selector())

    def time(self):
        return self.jumped


@pytest.fixture
def jump():
    """Run a coroutine in time that jumps."""

    def run(coroutine):
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            return runner.run(coroutine)

    return run
