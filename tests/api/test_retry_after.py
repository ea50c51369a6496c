# ruff: noqa: PLR0917 # fixtures and cases are arguments

import asyncio

from exporter.api.errors import RateLimited
from tests.api.conftest import (
    BODY,
    OTHER,
    FakeAccount,
    call,
    failure,
    say,
    slowly,
)


async def test_a_long_wait_asked_for_is_no_retry_and_holds_the_endpoint_back(
    client, server, account, clock, ledger, naps
):
    server.answers = [say({"detail": "Slow down"}, status=429, retry_after="120"), say(BODY)]
    error = await failure(client, account)
    assert isinstance(error, RateLimited)
    assert (error.status, error.kind, error.asked) == (429, "rate_limited", True)
    assert error.retry_at == clock.monotonic() + 120
    assert "429, asked to slow down (Slow down); asking again in 120 s" in str(error)
    held = await failure(client, account)
    assert isinstance(held, RateLimited)
    assert not held.asked
    assert held.retry_at == error.retry_at
    assert len(server.asked) == 1
    assert ledger.slowed == [("acme", "enrollments_over_time")]
    assert naps.taken == []
    clock.advance(120)
    assert await client.get(account, call()) == BODY


async def test_another_endpoint_and_another_org_are_not_held_back(client, server, account):
    server.answers = [say({}, status=429, retry_after="120"), say(BODY)]
    await failure(client, account)
    assert await client.get(account, call(OTHER)) == BODY
    assert await client.get(FakeAccount(server.url, key="globex"), call()) == BODY


async def test_a_short_wait_asked_for_is_sat_out(client, server, account, naps, ledger):
    server.answers = [say({}, status=503, retry_after="2"), say(BODY)]
    assert await client.get(account, call()) == BODY
    assert naps.taken == [2]
    assert ledger.codes == ["503", "200"]
    assert len(ledger.retries) == 1
    assert len(ledger.slowed) == 1


async def test_calls_that_queued_behind_a_short_wait_sit_it_out_too(
    make_client, server, account, naps
):
    client = make_client(concurrency=2)
    server.answers = [slowly(0.02, say({}, status=429, retry_after="2")), say(BODY)]
    bodies = await asyncio.gather(*(client.get(account, call()) for _ in range(5)))
    assert bodies == [BODY] * 5
    assert len(server.asked) == 6


async def test_calls_that_queued_behind_a_long_wait_are_not_sent(make_client, server, account):
    client = make_client(concurrency=2)
    server.answers = [slowly(0.02, say({}, status=429, retry_after="600"))]
    errors = await asyncio.gather(*(failure(client, account) for _ in range(10)))
    assert sum(error.asked for error in errors) == 1
    assert len(server.asked) == 1


async def test_being_asked_to_slow_down_again_and_again_ends(make_client, server, account, naps):
    server.answers = [say({}, status=429, retry_after="1")]
    error = await failure(make_client(retries=2), account)
    assert isinstance(error, RateLimited)
    assert error.asked
    assert len(server.asked) == 3


async def test_a_429_without_a_time_is_waited_out_longer_each_time(
    client, server, account, clock, naps
):
    server.answers = [say({}, status=429)]
    error = await failure(client, account)
    assert naps.taken == [5]
    assert error.retry_at - clock.monotonic() == 10
    clock.advance(10)
    server.answers = [say(BODY)]
    await client.get(account, call())
    server.answers = [say({}, status=429)]
    error = await failure(client, account)
    assert naps.taken == [5, 5]


async def test_the_date_to_wait_for_is_read_by_the_server_s_own_clock(
    client, server, account, clock
):
    server.answers = [
        say(
            {},
            status=429,
            date="Tue, 01 Jan 2030 00:00:00 GMT",
            retry_after="Tue, 01 Jan 2030 00:01:00 GMT",
        )
    ]
    error = await failure(client, account)
    assert error.retry_at == clock.monotonic() + 60


async def test_what_the_api_asked_for_holds_even_if_the_org_is_forgotten(client, server, account):
    server.answers = [say({}, status=429, retry_after="120")]
    await failure(client, account)
    client.forget("acme")
    assert not (await failure(client, account)).asked
