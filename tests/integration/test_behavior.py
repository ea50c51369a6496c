"""The sentences of docs/behavior.md, one after the other, over real HTTP."""

import asyncio
import socket
import statistics
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exporter import collectors
from exporter.demo.faults import Fault
from tests.conftest import FakeClock
from tests.integration.conftest import fetch, until
from tests.integration.laboratory import FEW, configure, exporter, platform, quick

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
HANGS = Fault(kind="timeout")
DOWN = Fault(kind="status", status=500)
REVOKED = Fault(kind="status", status=401)
DEEP = Fault(kind="json", payload="deep")
SHORT = quick(timeout=0.25, retries=1)
NO_PAST = {"past_active_users": False}
TIMES = (
    "iblai_collector_success",
    "iblai_collector_last_attempt_timestamp_seconds",
    "iblai_collector_last_success_timestamp_seconds",
)


@pytest.fixture(scope="module")
def running():
    with platform(FakeClock(NOON), orgs=6, courses=3) as site:
        yield site


@pytest.fixture
def site(running):
    running.plan.clear()
    running.lies.clear()
    running.recorder.clear()
    return running


class RealTime(FakeClock):
    """The date of the tests, and a monotonic clock that goes on: rates are kept by it."""

    def monotonic(self):
        return time.monotonic()


def acme(site, **more):
    return site.org(**{"collectors": NO_PAST, **more})


# Freshness.


async def test_before_the_first_collection_the_times_are_there_and_0(site):
    async with exporter([site.org()]) as made:
        for collector in collectors.of(made.orgs["acme"]):
            for name in TIMES:
                assert await made.value(name, org="acme", collector=collector.name) == 0
        assert await made.value("iblai_up", org="acme") == 0
        assert await made.values() == {}


def test_a_scrape_is_answered_in_milliseconds_while_the_api_hangs(exporter, tmp_path):
    with platform(orgs=6, courses=100) as site:
        path = configure(tmp_path / "c", site, interval="1s", history_interval="1s", collectors=FEW)
        process = exporter("serve", "--config", path)
        until(lambda: len(process.metrics()) > 300_000, what="a large page")
        site.plan.add(HANGS)
        until(lambda: site.recorder.under_way >= 6, what="requests that hang")
        answered = len(site.recorder.select(status=200))
        took = []
        for _ in range(50):
            began = time.perf_counter()
            process.metrics()
            took.append(time.perf_counter() - began)
        assert len(site.recorder.select(status=200)) == answered
        # Whatever waits for the API waits for its timeout of 30 s. On an idle machine the slowest
        # takes 0.02 s.
        assert statistics.median(took) < 0.5
        assert max(took) < 5
        for page in ("/", "/-/healthy", "/orgs/acme", "/probe?target=acme", "/sd"):
            assert fetch(process.url + page, timeout=5)[0] == 200
        assert process.stop() == 0


# Isolation.


async def test_four_kinds_of_trouble_at_once_change_no_other_value(site):
    orgs = site.orgs(collectors=FEW)
    async with exporter(orgs, clock=FakeClock(NOON)) as made:
        await made.collect_all()
        wanted = await made.values()
    revoked, partly, slow, mad = (org.key for org in orgs[:4])
    site.plan.add(
        replace(REVOKED, org=revoked),
        replace(DOWN, org=partly, endpoint="videos/"),
        replace(HANGS, org=slow),
        replace(DEEP, org=mad),
    )
    limits = quick(timeout=1.0, retries=1)
    async with exporter(orgs, clock=FakeClock(NOON), limits=limits) as made:
        await made.settle()
        found = await made.values()
        ups = {org.key: await made.value("iblai_up", org=org.key) for org in orgs}
    hit = {revoked, slow, mad}

    def stays(key):
        name, labels = key
        if dict(labels)["org"] == partly:
            return not name.startswith("iblai_course_video")
        return dict(labels)["org"] not in hit

    assert found == {key: value for key, value in wanted.items() if stays(key)}
    assert ups == {org.key: float(org.key not in hit) for org in orgs}


async def test_an_org_whose_trouble_ends_is_as_if_it_had_never_had_any(site):
    clock = FakeClock(NOON)
    async with exporter([acme(site)], clock=clock) as made:
        await made.collect()
        wanted = await made.values()
    async with exporter([acme(site)], clock=clock, limits=SHORT) as made:
        with site.plan.during(replace(HANGS, org="acme")):
            await made.collect("acme", "videos", "active_users")
        await made.collect()
        assert await made.values() == wanted


async def test_many_orgs_that_hang_at_once_do_not_hold_up_the_others(site):
    known = site.org(collectors={name: name == "videos" for name in collectors.NAMES})
    silent = [replace(known, key=f"silent-{number}") for number in range(12)]
    well = site.orgs(collectors=known.collectors)
    site.plan.add(Fault(kind="timeout", org="silent-*"))
    limits = quick(timeout=1.0, concurrency=4)
    async with exporter([*silent, *well], limits=limits) as made:
        began = time.monotonic()
        made.poller.tick()
        while not all(made.outcome("videos", org.key).success for org in well):
            await asyncio.sleep(0.05)
            assert time.monotonic() - began < 15
        queue = made.pipeline.hosts.site(site.url).host.queue
        assert queue.in_flight <= 4


# The last good values.


async def test_everything_of_an_org_that_is_removed_disappears_at_once(site):
    async with exporter(site.orgs(collectors=FEW)[:2]) as made:
        await made.collect_all()
        made.set_orgs([made.orgs["globex"]])
        text = await made.text()
        assert 'org="acme"' not in text
        assert 'iblai_active_users_7d{org="globex"}' in text


async def test_a_list_is_replaced_as_a_whole_and_never_mixed(site):
    limits = quick(page_size=2)
    async with exporter([acme(site)], clock=FakeClock(NOON), limits=limits) as made:
        await made.collect("acme", "course_videos")
        before = await made.values("acme")
        assert len({dict(key[1])["course_id"] for key in before}) == 3
        failing = iter([False, True, True, True, True])
        second_page_fails = replace(DOWN, endpoint="videos/", active=lambda: next(failing, False))
        with site.plan.during(second_page_fails):
            await made.collect("acme", "course_videos")
        assert not made.outcome("course_videos").success
        assert await made.values("acme") == before
        site.lies["videos/"] = lambda a, _: {
            "data": a["data"][:1],
            "pagination": {"totalItems": 1},
        }
        await made.collect("acme", "course_videos")
        assert len({dict(key[1])["course_id"] for key in await made.values()}) == 1


# What the API asks for.


async def test_concurrency_and_rate_are_never_exceeded_whatever_goes_wrong(site):
    site.plan.add(
        Fault(kind="status", status=503, probability=0.2),
        Fault(kind="cut", probability=0.2),
        Fault(kind="timeout", probability=0.05),
    )
    limits = quick(rate_limit=100, concurrency=4, timeout=0.3, retries=2)
    async with exporter(site.orgs(collectors=FEW), clock=RealTime(), limits=limits) as made:
        await asyncio.gather(
            *(
                made.poller.run_once(org.key, name)
                for org in site.orgs()
                for name in ("active_users_today", "active_users", "videos", "chat")
            )
        )
    assert len(site.recorder.requests) > 40
    assert site.recorder.max_concurrency() <= 4
    assert site.recorder.max_in_window(1.0) <= 100


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_obeyed_in_both_forms(site, form, status):
    clock = FakeClock(NOON)
    until_then = 40.0 if form == "seconds" else NOON + timedelta(seconds=40)
    fault = Fault(kind="status", status=status, retry_after=until_then, endpoint="videos/over-time")
    async with exporter([site.org()], clock=clock) as made:
        with site.plan.during(fault):
            await made.collect("acme", "videos")
        held = made.outcome("videos")
        assert "retried in 40 s" in held.error
        for _ in range(34):
            clock.advance(1)
            await made.collect("acme", "videos")
        assert len(site.recorder.requests) == 1
        assert made.outcome("videos").last_attempt == held.last_attempt
        clock.advance(1)
        await made.collect("acme", "videos")  # it waits for a few seconds
        assert made.slept == [pytest.approx(5)]
        assert made.outcome("videos").success


async def test_a_retry_after_as_a_date_means_the_same_by_a_platform_clock_that_is_wrong(site):
    # The platform lives an hour in the future, and means 30 seconds.
    clock = FakeClock(NOON)
    with platform(FakeClock(NOON + timedelta(hours=1)), orgs=1) as other:
        date = NOON + timedelta(hours=1, seconds=30)
        other.plan.add(Fault(kind="status", status=429, retry_after=date))
        async with exporter([other.org()], clock=clock) as made:
            await made.collect("acme", "videos")
            assert "retried in 30 s" in made.outcome("videos").error


async def test_a_wrong_key_is_tried_rarely_and_a_new_one_at_once(site, tmp_path):
    file = tmp_path / "key"
    file.write_text("0123456789abcdef" * 4)
    org = site.org(api_key=None, api_key_file=file, collectors=FEW)
    async with exporter([org], clock=FakeClock(NOON)) as made:
        await made.settle()
        first = len(site.recorder.requests)
        assert first >= 4
        await made.pass_time(86400, step=300)
        # After 0, 5, 15, 35, 75, 155 and 315 minutes, and then every 6 hours.
        assert len(site.recorder.requests) <= first * 10
        assert await made.value("iblai_up", org="acme") == 0
        file.write_text(site.university.org("acme").api_key)
        org._key_file._looked = float("-inf")  # as after a second
        made.poller.maintain()
        await made.settle()
        assert await made.value("iblai_up", org="acme") == 1
        assert all(outcome.success for outcome in made.telemetry.outcomes("acme").values())


@pytest.mark.parametrize(
    ("status", "requests"), [(400, 1), (401, 1), (403, 1), (404, 1), (410, 1), (500, 4), (503, 4)]
)
async def test_within_a_collection_only_trouble_of_the_server_is_retried(site, status, requests):
    async with exporter([site.org()]) as made:
        with site.plan.during(Fault(kind="status", status=status, endpoint="*videos*")):
            await made.collect("acme", "videos")
        assert len(site.recorder.requests) == requests
        assert len(made.slept) == requests - 1
        assert all(0 <= wait <= most for wait, most in zip(made.slept, (0.5, 1, 2), strict=False))


async def test_a_redirect_is_never_followed_so_that_no_key_goes_elsewhere(site):
    with platform(orgs=1) as elsewhere:
        to = Fault(kind="redirect", location=f"{elsewhere.url}/api?token=very-secret")
        with site.plan.during(to):
            async with exporter([site.org()]) as made:
                await made.collect("acme")
                errors = {o.error for o in made.telemetry.outcomes("acme").values()}
        assert elsewhere.recorder.requests == []
    assert any(f"redirected to {elsewhere.url}/api;" in error for error in errors)
    assert not any("very-secret" in error for error in errors)


# Limits.


async def test_bodies_pages_and_time_are_bounded(site):
    clock = FakeClock(NOON)
    limits = quick(max_body=1 << 20, timeout=5.0, page_size=2)
    async with exporter([site.org()], clock=clock, limits=limits) as made:
        for kind in ("huge", "gzip_bomb"):
            with site.plan.during(Fault(kind=kind, size=64 << 20)):
                await made.collect("acme", "videos")
            assert "more than 1048576 bytes (api.max_body)" in made.outcome("videos").error
        site.recorder.clear()
        with site.plan.during(Fault(kind="endless_pages", endpoint="videos/")):
            await made.collect("acme", "course_videos")
        assert len(site.recorder.requests) == 200
        labels = {"org": "acme", "reason": "pages"}
        assert await made.value("iblai_exporter_payload_errors_total", **labels) == 1


async def test_series_are_bounded_by_org_and_what_is_dropped_is_shown(site):
    org = site.org(series_limit=100, collectors=FEW)
    async with exporter([org], clock=FakeClock(NOON)) as made:
        site.lies["videos/"] = lambda a, _: {
            "data": [{**a["data"][0], "course_id": f"c{i:04}"} for i in range(5000)],
            "pagination": {"totalItems": 5000},
        }
        await made.collect()
        first = await made.values()
        assert 80 < len(first) <= 100
        dropped = await made.value(
            "iblai_exporter_series_dropped", org="acme", reason="series_limit"
        )
        assert dropped > 20_000
        await made.collect()
        assert await made.values() == first


# Below HTTP.


@contextmanager
def deaf_server():
    """Accept connections and send nothing, as a half-open connection after a firewall forgot it."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        taken = []

        def accept():
            while True:
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for connection in taken:
            connection.close()


async def test_silent_connections_unknown_names_and_closed_ports_are_named_in_the_error(site):
    with deaf_server() as port, socket.create_server(("127.0.0.1", 0)) as closed:
        closed_port = closed.getsockname()[1]
        closed.close()
        wanted = {
            f"http://127.0.0.1:{port}": "no complete response within 0.25 s",
            f"http://127.0.0.1:{closed_port}": "cannot connect: Connection refused",
            "http://no-such-host.invalid": "the name is not known",
        }
        for url, says in wanted.items():
            org = site.org(base_url=url)
            async with exporter([org], limits=SHORT) as made:
                await made.collect("acme", "videos")
                assert says in made.outcome("videos").error


async def test_headers_without_end_are_cut_off(site):
    def pour(connection):
        try:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X-More: and more\r\n" * 1000)
        except OSError:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: pour(listener.accept()[0]), daemon=True).start()
        org = site.org(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        async with exporter([org], limits=quick(timeout=60.0, retries=0)) as made:
            began = time.monotonic()
            await made.collect("acme", "videos")
            assert time.monotonic() - began < 50
            assert "not HTTP" in made.outcome("videos").error


async def test_a_platform_that_slows_down_is_served_up_to_the_timeout(site):
    clock = FakeClock(NOON)
    async with exporter([site.org()], clock=clock, limits=quick(timeout=3.0, retries=0)) as made:
        succeeded = []
        for seconds in (0.0, 0.0005, 0.001, 0.5):
            slow = Fault(kind="drip", seconds=seconds, endpoint="videos/over-time")
            with site.plan.during(slow):
                await made.collect("acme", "videos")
            succeeded.append(made.outcome("videos").success)
        assert succeeded == [True, True, True, False]
        assert await made.value("iblai_video_completions_today", org="acme") is not None


async def test_a_key_that_changes_while_it_is_used_costs_one_request_at_most(site, tmp_path):
    file = tmp_path / "key"
    right = site.university.org("acme").api_key
    file.write_text(right)
    org = site.org(api_key=None, api_key_file=file, collectors=FEW)
    async with exporter([org], clock=FakeClock(NOON)) as made:
        collecting = asyncio.create_task(made.collect())
        for turn in range(40):
            await asyncio.sleep(0)
            file.write_text(("0123456789abcdef" * 4) if turn % 2 else right)
            org._key_file._looked = float("-inf")
        file.write_text(right)
        org._key_file._looked = float("-inf")
        await collecting
        await made.collect()
        assert all(o.success for o in made.telemetry.outcomes("acme").values())


async def test_hundreds_of_cancelled_collections_leave_every_slot_free(site):
    org = site.org(collectors=FEW)
    async with exporter([org], clock=FakeClock(NOON), limits=quick(concurrency=4)) as made:
        with site.plan.during(replace(HANGS, endpoint="videos*")):
            for turn in range(60):
                made.poller.tick()
                await asyncio.sleep(0.001 * (turn % 3))
                made.set_orgs([])
                made.set_orgs([org])
        await made.settle()
        assert all(o.success for o in made.telemetry.outcomes("acme").values())
        queue = made.pipeline.hosts.site(site.url).host.queue
        assert (queue.in_flight, queue.waiting) == (0, 0)
