import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.errors import RateLimitedError
from exporter.api.retry_after import PAUSE, RetryAfter, read_retry_after
from tests.api.conftest import (
    BODY,
    OTHER,
    FakeOrg,
    call,
    failure,
    queued,
    say,
    slowly,
)


async def test_a_long_retry_after_is_not_waited_for_and_holds_the_endpoint_back(
    client, server, org, clock, observer, sleeps
):
    server.answers = [
        say({"detail": "Too many requests."}, status=429, retry_after="120"),
        say(BODY),
    ]
    error = await failure(client, org)
    assert isinstance(error, RateLimitedError)
    assert (error.status, error.kind, error.sent) == (429, "rate_limited", True)
    assert error.retry_at == clock.monotonic() + 120
    assert "429, the API asked to wait (Too many requests.); retried in 120 s" in str(error)
    held = await failure(client, org)
    assert isinstance(held, RateLimitedError)
    assert not held.sent
    assert held.retry_at == error.retry_at
    assert len(server.received) == 1
    assert observer.slowed == [("acme", "enrollments_over_time")]
    assert sleeps.taken == []
    clock.advance(120)
    assert await client.get(org, call()) == BODY


async def test_another_endpoint_and_another_org_are_not_held_back(client, server, org):
    server.answers = [say({}, status=429, retry_after="120"), say(BODY)]
    await failure(client, org)
    assert await client.get(org, call(OTHER)) == BODY
    assert await client.get(FakeOrg(server.url, key="globex"), call()) == BODY


async def test_a_short_retry_after_is_waited_for(client, server, org, sleeps, observer):
    server.answers = [say({}, status=503, retry_after="2"), say(BODY)]
    assert await client.get(org, call()) == BODY
    assert sleeps.taken == [2]
    assert observer.codes == ["503", "200"]
    assert len(observer.retries) == 1
    assert len(observer.slowed) == 1


async def test_requests_that_queued_behind_a_short_retry_after_wait_for_it_too(
    make_client, server, org, sleeps
):
    client = make_client(concurrency=4)
    server.answers = [slowly(0.02, say({}, status=429, retry_after="2")), say(BODY)]
    bodies = await asyncio.gather(*(client.get(org, call()) for _ in range(5)))
    assert bodies == [BODY] * 5
    assert len(server.received) == 6


async def test_a_collection_that_starts_during_a_retry_after_holds_no_slot_while_it_waits(
    make_client, server, org
):
    asleep, wake = asyncio.Event(), asyncio.Event()

    async def sleep(seconds):
        asleep.set()
        await wake.wait()

    client = make_client(concurrency=1, retries=0, sleep=sleep)
    server.answers = [say({}, status=429, retry_after="2"), say(BODY)]
    await failure(client, org)
    queue = make_client.made[-1][1].site(server.url).host.queue
    collection = queued()
    collection.first_slot = await queue.acquire(queued())
    waiting = asyncio.create_task(client.get(org, call(queued=collection)))
    await asleep.wait()
    assert make_client.slots(server.url) == (0, 0)
    assert await client.get(org, call(OTHER)) == BODY
    wake.set()
    assert await waiting == BODY


async def test_requests_that_queued_behind_a_long_retry_after_are_not_sent(
    make_client, server, org
):
    client = make_client(concurrency=2)
    server.answers = [slowly(0.02, say({}, status=429, retry_after="600"))]
    errors = await asyncio.gather(*(failure(client, org) for _ in range(10)))
    assert sum(error.sent for error in errors) == 1
    assert len(server.received) == 1


async def test_retries_after_429_end(make_client, server, org, sleeps):
    server.answers = [say({}, status=429, retry_after="1")]
    error = await failure(make_client(retries=2), org)
    assert isinstance(error, RateLimitedError)
    assert error.sent
    assert len(server.received) == 3


async def test_without_retry_after_requests_wait_a_few_seconds_however_many_came_together(
    make_client, server, org, clock, sleeps
):
    client = make_client(concurrency=20, retries=2)
    server.answers = [say({}, status=429)]
    errors = await asyncio.gather(*(failure(client, org) for _ in range(10)))
    assert len(server.received) == 30
    assert all(0 < error.retry_at - clock.monotonic() <= PAUSE for error in errors)
    assert all(0 < seconds <= PAUSE for seconds in sleeps.taken)


async def test_a_date_in_retry_after_is_compared_with_the_date_of_the_response(
    client, server, org, clock
):
    server.answers = [
        say(
            {},
            status=429,
            date="Tue, 01 Jan 2030 00:00:00 GMT",
            retry_after="Tue, 01 Jan 2030 00:01:00 GMT",
        )
    ]
    error = await failure(client, org)
    assert error.retry_at == clock.monotonic() + 60


# What the header says.

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("0", 1),
        ("-5", 1),
        ("", 1),
        ("soon", 1),
        ("99999999999", 86_400),
        ("9" * 500, 86_400),
        ("Wed, 06 May 2026 12:01:00 GMT", 60),
        ("Wednesday, 06-May-26 12:01:00 GMT", 60),
        ("Wed May  6 12:01:00 2026", 60),
        ("Wed, 06 May 2026 11:00:00 GMT", 1),
        ("Fri, 06 May 2050 12:00:00 GMT", 86_400),
        ("Wed, 99 May 2026 12:01:00 GMT", 1),
    ],
)
def test_every_form_of_the_header_gives_a_second_to_a_day(value, seconds):
    assert read_retry_after(value, date=None, now=NOW) == seconds


def test_without_a_readable_date_header_our_own_clock_is_used():
    until = "Wed, 06 May 2026 12:01:00 GMT"
    assert read_retry_after(until, date="yesterday", now=NOW) == 60


@given(value=st.text(max_size=60), date=st.none() | st.text(max_size=60))
def test_any_header_gives_a_time_to_wait(value, date):
    assert 1 <= read_retry_after(value, date=date, now=NOW) <= 86_400


def test_a_wait_is_never_shortened_and_does_not_grow():
    retry_after = RetryAfter()
    assert retry_after.postpone("acme", "x", now=0, seconds=100) == 100
    assert retry_after.postpone("acme", "x", now=10, seconds=1) == 100
    ends = [retry_after.postpone("acme", "y", now=n, seconds=None) for n in range(100)]
    assert ends == [n + PAUSE for n in range(100)]


def test_a_wait_that_is_over_is_forgotten():
    retry_after = RetryAfter()
    retry_after.postpone("acme", "x", now=0, seconds=10)
    assert retry_after.until("acme", "x", now=9) == 10
    assert retry_after.until("acme", "x", now=10) is None
