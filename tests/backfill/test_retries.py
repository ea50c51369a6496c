"""How a backfill waits for an API that does not respond."""

import pytest

from exporter.api import endpoints
from exporter.api.client import Call
from exporter.api.errors import ApiError, Kind, RateLimitedError, RejectedError, UnavailableError
from exporter.backfill.retries import LONGEST_WAIT, PAUSES, RetryingApi
from exporter.scheduler import Collection
from exporter.settings import Org
from tests.conftest import FakeClock

ACME = Org(key="acme", user_id="ops")
DOWN = UnavailableError("acme: 503", kind=Kind.SERVER_ERROR, status=503)
FORBIDDEN = RejectedError("acme: 403", kind=Kind.FORBIDDEN, status=403)
QUEUED = Collection(org="acme", name="videos", due_at=0.0, interval=1.0)


def call(endpoint=endpoints.VIDEOS_OVER_TIME, subject=""):
    return Call(endpoint=endpoint, queued=QUEUED, subject=subject)


class Script:
    """Responds with bytes or errors in turn; the last one repeats."""

    def __init__(self, *responses):
        self.responses = list(responses)
        self.requests = 0

    async def get(self, org, call):
        self.requests += 1
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, Exception):
            raise response
        return response


@pytest.fixture
def make():
    clock = FakeClock()
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        clock.advance(seconds)

    def make(*responses):
        script = Script(*responses)
        return RetryingApi(script, clock, sleep=sleep), script, slept

    make.clock = clock
    return make


async def test_a_request_is_retried_until_the_api_is_back(make):
    api, script, slept = make(DOWN, DOWN, b"{}")
    assert await api.get(ACME, call()) == b"{}"
    assert (script.requests, slept) == (3, list(PAUSES[:2]))


async def test_an_endpoint_is_waited_for_only_once_through_all_pauses(make):
    api, script, slept = make(DOWN)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await api.get(ACME, call())
    assert slept == list(PAUSES)
    assert script.requests == len(PAUSES) + 2


@pytest.mark.parametrize("error", [DOWN, FORBIDDEN])
async def test_an_endpoint_that_failed_three_times_in_a_row_is_not_requested_again(make, error):
    api, script, _ = make(error)
    for _ in range(3):
        with pytest.raises(ApiError):
            await api.get(ACME, call())
    before = script.requests
    with pytest.raises(type(error)):
        await api.get(ACME, call())
    assert script.requests == before
    with pytest.raises(type(error)):
        await api.get(ACME, call(endpoints.TIME_OVER_TIME))
    assert script.requests > before


async def test_a_success_between_failures_keeps_an_endpoint_in_use(make):
    api, _, _ = make(FORBIDDEN, FORBIDDEN, b"1", FORBIDDEN, FORBIDDEN, b"2")
    found = []
    for _ in range(6):
        try:
            found.append(await api.get(ACME, call()))
        except RejectedError:
            found.append(None)
    assert found == [None, None, b"1", None, None, b"2"]


async def test_courses_that_are_refused_say_nothing_about_other_courses(make):
    api, script, _ = make(FORBIDDEN)
    for number in range(10):
        with pytest.raises(RejectedError):
            await api.get(ACME, call(subject=f"course {number}"))
    assert script.requests == 10


async def test_a_wait_that_the_api_asks_for_is_kept(make):
    until = make.clock.monotonic() + 900
    api, _, slept = make(RateLimitedError("acme: 429", retry_at=until), b"{}")
    assert await api.get(ACME, call()) == b"{}"
    assert slept == [900]


async def test_an_api_that_asks_for_more_than_an_hour_is_not_waited_for(make):
    until = make.clock.monotonic() + LONGEST_WAIT + 1
    api, _, slept = make(RateLimitedError("acme: 429", retry_at=until))
    with pytest.raises(RateLimitedError):
        await api.get(ACME, call())
    assert slept == []
