"""Requests of a backfill: it has time, so it waits where polling would try again later."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

from exporter.api.client import Call
from exporter.api.errors import ApiError, RateLimitedError, UnavailableError
from exporter.clock import Clock
from exporter.collectors.run import Api
from exporter.settings import Org

PAUSES = (5.0, 20.0, 60.0)
"""Seconds before further attempts if an endpoint fails for a reason that may pass."""

LONGEST_WAIT = 3600.0
"""Seconds that a request waits at most because the API asks for it."""

GIVE_UP_AFTER = 3

Sleep = Callable[[float], Awaitable[object]]


class RetryingApi:
    """Sends the requests of one org, and waits for an API that is not available for a while.

    It waits through all of `PAUSES` once per endpoint, and for as long as the API asks, up to an
    hour. An endpoint that then fails three times in a row is not requested again.
    """

    def __init__(self, api: Api, clock: Clock, *, sleep: Sleep = asyncio.sleep) -> None:
        self._api = api
        self._clock = clock
        self._sleep = sleep
        self._pauses: dict[str, Iterator[float]] = {}
        self._failures: Counter[str] = Counter()
        self._given_up: dict[str, ApiError] = {}

    async def get(self, org: Org, call: Call) -> bytes:
        """Return the body of a good response. Raises `ApiError`."""
        endpoint = call.endpoint.name
        if endpoint in self._given_up:
            raise self._given_up[endpoint].with_traceback(None)
        try:
            body = await self._retried(org, call)
        except ApiError as error:
            # One that is about a single course or mentor says nothing about the others.
            if not call.subject or isinstance(error, UnavailableError | RateLimitedError):
                self._failures[endpoint] += 1
                if self._failures[endpoint] >= GIVE_UP_AFTER:
                    self._given_up[endpoint] = error
            raise
        self._failures[endpoint] = 0
        return body

    async def _retried(self, org: Org, call: Call) -> bytes:
        pauses = self._pauses.setdefault(call.endpoint.name, iter(PAUSES))
        waited = 0.0
        while True:
            try:
                return await self._api.get(org, call)
            except RateLimitedError as error:
                pause = max(error.retry_at - self._clock.monotonic(), 1.0)
                waited += pause
                if waited > LONGEST_WAIT:
                    raise
            except UnavailableError:
                following = next(pauses, None)
                if following is None:
                    raise
                pause = following
            await self._sleep(pause)
