"""A record of the requests to a simulated platform: when, for which org, how many at once."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.demo.target import Target, query_of, target_of


@dataclass(slots=True)
class Recorded:
    """One request; nothing of its key.

    `at` is in monotonic seconds. `concurrency` counts the requests under way at its arrival,
    itself included. `status` is None until there is a response.
    """

    at: float
    target: Target
    query: dict[str, str]
    concurrency: int
    status: int | None = None

    @property
    def org(self) -> str | None:
        """Return the org of the request."""
        return self.target.org

    @property
    def path(self) -> str:
        """Return the whole path, decoded."""
        return self.target.path

    @property
    def endpoint(self) -> str:
        """Return the path after what names org and user, such as `videos/over-time`."""
        return self.target.endpoint


class Recorder:
    """Keeps every request, and selects and counts them."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing recorded."""
        self.monotonic = monotonic
        self.requests: list[Recorded] = []
        self.under_way = 0

    def clear(self) -> None:
        """Forget all requests; those under way still count as such."""
        self.requests = []

    def select(
        self, *, org: str | None = None, endpoint: str = "*", status: int | None = None
    ) -> list[Recorded]:
        """Return the requests for `org` whose endpoint matches a glob, answered with `status`."""
        return [
            request
            for request in self.requests
            if org in (None, request.org)
            and status in (None, request.status)
            and request.target.matches(endpoint)
        ]

    def by_org(self) -> Counter[str | None]:
        """Return the number of requests for each org."""
        return Counter(request.org for request in self.requests)

    def max_concurrency(self) -> int:
        """Return the most requests that were under way at once."""
        return max((request.concurrency for request in self.requests), default=0)

    def max_in_window(self, seconds: float = 1.0) -> int:
        """Return the most requests that arrived within any `seconds`."""
        times = sorted(request.at for request in self.requests)
        ends = (bisect_left(times, start + seconds) for start in times)
        return max((end - first for first, end in enumerate(ends)), default=0)


class RecorderMiddleware:
    """ASGI middleware that records every request."""

    def __init__(self, app: ASGIApp, *, recorder: Recorder) -> None:
        """Record what passes to `app`."""
        self._app = app
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record one request, then pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        recorder = self._recorder
        recorder.under_way += 1
        request = Recorded(
            at=recorder.monotonic(),
            target=target_of(scope),
            query=query_of(scope),
            concurrency=recorder.under_way,
        )
        recorder.requests.append(request)
        finished = False

        async def record(message: Message) -> None:
            nonlocal finished
            if message["type"] == "http.response.start":
                request.status = message["status"]
            if message["type"] == "http.response.body" and not message.get("more_body"):
                # Before it is sent: a client may look at the recorder as soon as it has it.
                finished = True
                recorder.under_way -= 1
            await send(message)

        try:
            await self._app(scope, receive, record)
        finally:
            if not finished:
                recorder.under_way -= 1
