import asyncio
import logging
import random
import re
import time

import pytest

from exporter.api import endpoints
from exporter.api.errors import Kind, RejectedError, UnavailableError
from exporter.api.transport import quiet_http_loggers
from tests.api.conftest import (
    BODY,
    COURSE,
    HTML,
    KEY,
    FakeOrg,
    become_true,
    call,
    drop,
    failure,
    queued,
    say,
    slowly,
    squeeze,
)


async def test_a_good_response_is_its_body(client, server, org, observer):
    server.answers = [say(BODY)]
    assert await client.get(org, call()) == BODY
    assert observer.requests == [("acme", "enrollments_over_time", "200")]
    assert observer.retries == []


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", ["", "/dm", "/a%20b/dm", "/ä"])
async def test_paths_arrive_exactly_as_the_reference_prints_them(client, server, prefix, slash):
    org = FakeOrg(server.url + prefix + slash, key="a/b:c+d", user_id="üser@x")
    course = "course-v1:Acme+Bio/101+2026 %41"
    for endpoint in (endpoints.COURSE_VIDEOS, endpoints.VIDEOS_OVER_TIME, COURSE):
        names = {"course_id": course} if endpoint is COURSE else {}
        await client.get(org, call(endpoint, path_params=names, query={"a b": "c+d:/?&=é"}))
    sent = "/%C3%A4" if prefix == "/ä" else prefix
    org = "a%2Fb%3Ac%2Bd"
    course_id = "course-v1%3AAcme%2BBio%2F101%2B2026%20%2541"
    query = "?a%20b=c%2Bd%3A%2F%3F%26%3D%C3%A9"
    assert [request.target for request in server.received] == [
        f"{sent}/api/ai-analytics/engagement/orgs/{org}/videos/{query}",
        f"{sent}/api/ai-analytics/engagement/orgs/{org}/videos/over-time{query}",
        f"{sent}/api/orgs/{org}/users/%C3%BCser%40x/courses/{course_id}/over-time{query}",
    ]


async def test_dots_in_a_path_are_not_normalized(client, server, org):
    await client.get(org, call(COURSE, path_params={"course_id": ".."}))
    assert server.received[0].target == "/api/orgs/acme/users/ops/courses/../over-time"


async def test_the_headers_of_a_request(client, server, org):
    await client.get(org, call())
    headers = server.received[0].headers
    assert headers.pop("user-agent").startswith("iblai-exporter/")
    assert headers == {
        "host": f"127.0.0.1:{server.port}",
        "authorization": f"Api-Token {KEY}",
        "accept": "application/json",
        "accept-encoding": "gzip",
    }


async def test_without_a_scheme_the_bare_key_is_sent(client, server, org):
    org.auth_scheme = ""
    await client.get(org, call())
    assert server.received[0].headers["authorization"] == KEY


async def test_a_key_that_changes_is_read_for_each_request(client, server, org):
    for key in ("first", "second"):
        org.api_key = key
        await client.get(org, call())
    assert [a.headers["authorization"] for a in server.received] == [
        "Api-Token first",
        "Api-Token second",
    ]


async def test_a_response_with_a_long_header_is_read(client, server, org):
    server.answers = [say(BODY, content_security_policy="x" * 30_000)]
    assert await client.get(org, call()) == BODY


async def test_cookies_are_not_kept(client, server, org):
    server.answers = [say(set_cookie="session=1; Path=/")]
    await client.get(org, call())
    await client.get(org, call())
    assert "cookie" not in server.received[1].headers


async def test_connections_are_reused(client, server, org):
    for _ in range(20):
        await client.get(org, call())
    assert server.accepted == 1


async def test_requests_open_no_more_connections_than_may_be_in_flight(make_client, server):
    client = make_client(concurrency=6)
    server.answers = [slowly(0.005)]
    orgs = [FakeOrg(server.url, key=f"org{n}") for n in range(5)]
    await asyncio.gather(*(client.get(orgs[n % 5], call(org=f"org{n % 5}")) for n in range(100)))
    assert len(server.received) == 100
    assert server.most_at_once == 6
    assert server.accepted == 6


async def test_one_org_uses_at_most_half_of_the_slots(make_client, server, org):
    client = make_client(concurrency=8)
    server.answers = [slowly(0.02)]
    await asyncio.gather(*(client.get(org, call()) for _ in range(30)))
    assert server.most_at_once == 4


async def test_orgs_on_one_host_share_its_rate(make_client, server):
    client = make_client(concurrency=20, rate_limit=50)
    orgs = [FakeOrg(f"{server.url}/{n}", key=f"org{n}") for n in range(4)]
    began = time.monotonic()
    await asyncio.gather(*(client.get(orgs[n % 4], call(org=f"org{n % 4}")) for n in range(70)))
    # A busy machine may only delay this. The queue's own tests look at every second.
    assert time.monotonic() - began >= 69 / 50
    assert len(server.received) == 70


@pytest.mark.parametrize(
    ("answer", "code", "kind"),
    [
        (say({"detail": "oops"}, status=500), "500", Kind.SERVER_ERROR),
        (say(HTML, status=502, content_type="text/html"), "502", Kind.SERVER_ERROR),
        (say({}, status=503), "503", Kind.SERVER_ERROR),
        (say({}, status=599), "5xx", Kind.SERVER_ERROR),
        (drop(), "connection", Kind.CONNECTION),
        (drop(say(BODY)[:-5]), "cut", Kind.CUT),
        (drop(squeeze(BODY)[:-5]), "cut", Kind.CUT),
        (drop(b"SSH-2.0-OpenSSH\r\n\r\n"), "protocol", Kind.PROTOCOL),
    ],
)
async def test_server_and_network_errors_are_retried_with_backoff_and_jitter(
    make_client, server, org, observer, sleeps, answer, code, kind
):
    server.answers = [answer]
    error = await failure(make_client(retries=3), org)
    assert isinstance(error, UnavailableError)
    assert error.kind == kind
    assert observer.codes == [code] * 4
    assert len(server.received) == 4
    assert len(observer.retries) == 3
    assert len(sleeps.taken) == 3
    assert all(0 <= seconds <= 0.5 * 2**n for n, seconds in enumerate(sleeps.taken))


async def test_a_retry_that_succeeds_is_a_success(client, server, org, observer):
    server.answers = [drop(say(BODY)[:-1]), say(BODY)]
    assert await client.get(org, call()) == BODY
    assert observer.codes == ["cut", "200"]
    assert observer.retries == [("acme", "enrollments_over_time")]


async def test_no_retries_means_none(make_client, server, org):
    server.answers = [say({}, status=500)]
    await failure(make_client(retries=0), org)
    assert len(server.received) == 1


async def test_a_request_that_backs_off_holds_no_slot(make_client, server, org):
    asleep, wake = asyncio.Event(), asyncio.Event()

    async def sleep(seconds):
        asleep.set()
        await wake.wait()

    client = make_client(concurrency=1, sleep=sleep)
    server.answers = [say({}, status=500), say(BODY)]
    waiting = asyncio.create_task(client.get(org, call()))
    await asleep.wait()
    assert make_client.slots(server.url) == (0, 0)
    assert await client.get(org, call()) == BODY
    wake.set()
    assert await waiting == BODY


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Kind.UNAUTHORIZED), (403, Kind.FORBIDDEN), (404, Kind.NOT_FOUND)],
)
async def test_an_error_of_the_api_is_not_retried_and_not_remembered(
    client, server, org, observer, status, kind
):
    server.answers = [say({"detail": "Not found."}, status=status)] * 2 + [say(BODY)]
    for sent in (1, 2):
        error = await failure(client, org)
        assert isinstance(error, RejectedError)
        assert (error.kind, error.sent) == (kind, True)
        assert len(server.received) == sent
    assert await client.get(org, call()) == BODY
    assert observer.codes == [str(status)] * 2 + ["200"]
    assert observer.retries == []


@pytest.mark.parametrize("late", ["head", "body"])
async def test_the_time_limit_covers_the_whole_response_and_a_timeout_is_not_retried(
    make_client, server, org, observer, late
):
    async def drip(request, writer):
        writer.write(say(BODY)[:-30] if late == "body" else b"")
        for byte in BODY:
            await asyncio.sleep(0.02)
            writer.write(bytes([byte]) if late == "body" else b"")

    server.answers = [drip]
    client = make_client(timeout=0.1, retries=3)
    error = await failure(client, org)
    assert isinstance(error, UnavailableError)
    assert error.kind == "timeout"
    assert "no complete response within 0.1 s" in str(error)
    assert observer.codes == ["timeout"]
    assert observer.retries == []
    await become_true(lambda: server.at_once == 0)


async def test_waiting_for_a_slot_does_not_count_against_the_time_limit(make_client, server):
    client = make_client(timeout=1.5, concurrency=1, retries=0)
    server.answers = [slowly(0.25)]
    org = FakeOrg(server.url)
    await asyncio.gather(*(client.get(org, call()) for _ in range(8)))
    assert len(server.received) == 8


async def test_slow_requests_are_not_cancelled_to_make_room_for_others(
    make_client, server, observer
):
    """Every slot is taken by slow requests, and twice as many wait: all of them are answered."""
    client = make_client(timeout=5, concurrency=4, retries=0)
    server.answers = [slowly(0.3, say(BODY))]
    bodies = await asyncio.gather(
        *(client.get(FakeOrg(server.url, key=f"org{n}"), call(org=f"org{n}")) for n in range(12))
    )
    assert bodies == [BODY] * 12
    assert observer.codes == ["200"] * 12


async def test_an_org_that_hangs_costs_itself_timeouts_and_nothing_else(
    make_client, server, observer
):
    """Twenty orgs at twice the capacity, one of which never answers: no slot is lost."""
    client = make_client(timeout=1.5, concurrency=4, retries=1)

    async def hang(request, writer):
        if "/org0/" in request.target:
            await asyncio.sleep(30)
        writer.write(say(BODY))
        await writer.drain()

    server.answers = [hang]
    errors = []

    async def one(org):
        try:
            assert await client.get(FakeOrg(server.url, key=org), call(org=org)) == BODY
        except UnavailableError as error:
            errors.append((org, error.kind))

    for _ in range(3):
        await asyncio.gather(*(one(f"org{n % 20}") for n in range(40)))
    assert errors == [("org0", Kind.TIMEOUT)] * 6
    assert observer.codes.count("timeout") == 6
    assert observer.codes.count("200") == 114
    assert make_client.slots(server.url) == (0, 0)


async def test_requests_of_a_discarded_collection_end_and_free_their_slots(make_client, server):
    client = make_client(concurrency=2)
    server.answers = [slowly(0.05, say(BODY))]
    org, mine = FakeOrg(server.url), queued()
    first = asyncio.create_task(client.get(org, call(queued=mine)))
    await become_true(lambda: server.at_once)
    waiting = [asyncio.create_task(client.get(org, call(queued=mine))) for _ in range(3)]
    await asyncio.sleep(0)
    [(_, hosts)] = make_client.made
    hosts.site(server.url).host.queue.discard(mine)
    results = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert results[0] == BODY
    assert all(isinstance(result, asyncio.CancelledError) for result in results[1:])
    assert len(server.received) == 1


async def test_a_host_that_refuses_connections_is_named(client, unused_tcp_port):
    org = FakeOrg(f"http://127.0.0.1:{unused_tcp_port}")
    error = await failure(client, org)
    assert error.kind == "connection"
    assert "127.0.0.1: cannot connect: Connection refused" in str(error)


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "-"])
async def test_an_invalid_host_is_a_connection_error(make_client, host):
    error = await failure(make_client(retries=0), FakeOrg(f"http://{host}"))
    assert error.kind == "connection"
    assert host in str(error)


async def test_a_name_that_does_not_exist_is_named(make_client):
    error = await failure(make_client(retries=0), FakeOrg("http://nowhere.invalid"))
    assert error.kind == "connection"
    assert "nowhere.invalid: the name is not known" in str(error)


async def test_hundreds_of_requests_cancelled_at_any_moment_leave_every_slot_free(
    make_client, server, observer
):
    client = make_client(concurrency=8)
    dice = random.Random(7)

    async def moody(request, writer):
        await asyncio.sleep(dice.random() / 200)
        answer = say(BODY)
        writer.write(answer[: len(answer) // 2])
        await asyncio.sleep(dice.random() / 200)
        writer.write(answer[len(answer) // 2 :])

    server.answers = [moody]

    def get(n):
        org = f"org{n % 4}"
        return client.get(FakeOrg(server.url, key=org), call(org=org))

    given_up = 0
    while given_up < 300:
        tasks = [asyncio.create_task(get(n)) for n in range(12)]
        for task in tasks:
            await asyncio.sleep(dice.random() / 1000)
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        given_up += sum(isinstance(result, asyncio.CancelledError) for result in done)
    assert set(observer.codes) <= {"cancelled", "200"}

    await become_true(lambda: server.at_once == 0)
    server.most_at_once = 0
    server.answers = [slowly(0.05, say(BODY))]
    bodies = await asyncio.gather(*(get(n) for n in range(32)))
    assert bodies == [BODY] * 32
    assert server.most_at_once == 8
    await client.aclose()
    await become_true(lambda: server.open == 0)


async def test_limits_can_change_while_requests_wait(make_client, server):
    client = make_client(concurrency=1)
    server.answers = [slowly(0.05)]
    orgs = [f"org{n % 4}" for n in range(12)]
    tasks = [
        asyncio.create_task(client.get(FakeOrg(server.url, key=org), call(org=org))) for org in orgs
    ]
    await become_true(lambda: server.at_once)
    make_client.set_limits(concurrency=4, rate_limit=0)
    await asyncio.gather(*tasks)
    assert server.most_at_once == 4


async def test_nothing_of_http_is_logged_even_when_everything_is(client, server, org, caplog):
    quiet_http_loggers()
    caplog.set_level(logging.DEBUG)
    await client.get(org, call(query={"start_date": "2026-01-01"}))
    assert not re.search("2026-01-01|127.0.0.1|" + KEY, caplog.text)
    assert [r for r in caplog.records if r.name.split(".")[0] in {"httpx", "aiohttp"}] == []
