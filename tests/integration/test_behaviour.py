"""The sentences of "Behaviour", one after the other, each over real HTTP."""

import asyncio
import socket
import statistics
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from exporter import collectors
from exporter.api.client import ApiClient, Limits
from exporter.api.endpoints import VIDEOS_OVER_TIME
from exporter.demo.faults import Fault
from tests.conftest import FakeClock
from tests.integration.conftest import fetch, until
from tests.integration.laboratory import COLLECTORS, FEW, configure, exporter, platform, quick

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
HANGS = Fault(kind="timeout")
DOWN = Fault(kind="status", status=500)
REVOKED = Fault(kind="status", status=401)
GARBAGE = Fault(kind="json", payload="deep")
HASTE = quick(timeout=0.25, retries=1)
SUCCESS, ATTEMPT, LAST = (
    "iblai_collector_success",
    "iblai_collector_last_attempt_timestamp_seconds",
    "iblai_collector_last_success_timestamp_seconds",
)


@pytest.fixture(scope="module")
def running():
    with platform(FakeClock(NOON), orgs=6, courses=3) as site:
        yield site


@pytest.fixture
def site(running, monkeypatch):
    running.plan.clear()
    running.lies.clear()
    running.recorder.clear()
    # The clock of these tests stands still, so an org that was slowed down would stay so.
    monkeypatch.setattr("exporter.api.gate.SLOW_PACE", 0.001)
    return running


# Freshness.


async def test_before_the_first_poll_the_times_are_there_and_0(site):
    async with exporter([site.org()]) as made:
        for collector in collectors.of(made.orgs["acme"]):
            for name in (SUCCESS, ATTEMPT, LAST):
                assert await made.value(name, org="acme", collector=collector.name) == 0
        assert await made.value("iblai_up", org="acme") == 0
        assert await made.figures() == await made.figures("acme")
        assert {name for name, _ in await made.figures()} <= {
            n for n, _ in await made.figures() if "alert" in n
        }


def test_a_scrape_is_answered_in_milliseconds_while_the_api_hangs(exporter, tmp_path):
    with platform(orgs=10, courses=100) as site:
        path = configure(tmp_path / "c", site, interval="1s", history_interval="1s", collectors=FEW)
        process = exporter("serve", "--config", path)
        until(lambda: len(process.metrics()) > 500_000, what="a page worth reading")
        site.plan.add(HANGS)
        until(lambda: site.recorder.under_way >= 8, what="requests that hang")
        answered = len(site.recorder.select(status=200))
        took = []
        for _ in range(100):
            began = time.perf_counter()
            process.metrics()
            took.append(time.perf_counter() - began)
        assert len(site.recorder.select(status=200)) == answered
        # Whatever waits for the API waits for its timeout, which is longer than either. On a
        # machine with nothing else to do the slowest takes 0.02 s.
        assert statistics.median(took) < 0.5
        assert max(took) < 5
        for page in ("/", "/-/healthy", "/orgs/acme", "/probe?target=acme", "/sd"):
            assert fetch(process.url + page, timeout=1)[0] == 200
        assert process.stop() == 0


# Isolation.


async def test_four_kinds_of_trouble_at_once_change_no_other_figure(site):
    orgs = site.orgs(collectors=FEW)
    async with exporter(orgs, clock=FakeClock(NOON)) as made:
        await made.visit_all()
        wanted = await made.figures()
    revoked, partly, slow, mad = (org.key for org in orgs[:4])
    site.plan.add(
        replace(REVOKED, org=revoked),
        replace(DOWN, org=partly, endpoint="videos/"),
        replace(HANGS, org=slow),
        replace(GARBAGE, org=mad),
    )
    limits = quick(timeout=1.0, retries=1)
    async with exporter(orgs, clock=FakeClock(NOON), limits=limits) as made:
        await asyncio.gather(
            *(
                made.poller.run(org.key, collector)
                for org in orgs
                for collector in collectors.of(org)
            )
        )
        found = await made.figures()
        ups = {org.key: await made.value("iblai_up", org=org.key) for org in orgs}
    hit = {revoked, slow, mad}

    def stays(key):
        name, labels = key
        if dict(labels)["org"] == partly:
            return not name.startswith("iblai_course_video")
        return dict(labels)["org"] not in hit or "alert" in name

    assert found == {key: value for key, value in wanted.items() if stays(key)}
    assert ups == {org.key: float(org.key not in hit) for org in orgs}


async def test_an_org_whose_trouble_ends_is_as_if_it_had_never_had_any(site):
    org = site.org()
    clock = FakeClock(NOON)
    async with exporter([org], clock=clock) as made:
        await made.visit()
        wanted = await made.figures()
    async with exporter([org], clock=clock, limits=HASTE) as made:
        with site.plan.during(replace(HANGS, org="acme")):
            await made.visit("acme", "videos", "active_users")
        await made.visit()
        assert await made.figures() == wanted


async def test_many_orgs_that_hang_at_once_do_not_hold_up_the_others(site, monkeypatch):
    monkeypatch.setattr("exporter.api.gate.LONG", 0.1)
    org = site.org()
    silent = [replace(org, key=f"silent-{number}") for number in range(30)]
    well = site.orgs()
    site.plan.add(Fault(kind="timeout", org="silent-*"))
    limits = quick(timeout=20.0, concurrency=4)
    async with exporter([*silent, *well], limits=limits) as made:
        stuck = [
            asyncio.create_task(made.poller.run(org.key, COLLECTORS["videos_today"]))
            for org in silent
        ]
        await asyncio.sleep(0)
        began = time.monotonic()
        await asyncio.gather(*(made.visit(org.key, "videos_today") for org in well))
        assert time.monotonic() - began < 10  # 30 / 4 of the timeout would be 150
        assert all(made.outcome("videos_today", org.key).success for org in well)
        assert not any(task.done() for task in stuck)
        assert made.api._gates[site.url].in_flight <= 4


# Last good, for a while.


async def test_what_an_org_that_is_taken_out_had_vanishes_at_once(site):
    async with exporter([site.org("acme"), site.org("globex")]) as made:
        await made.visit_all()
        made.set_orgs([made.orgs["globex"]])
        text = await made.text()
        assert 'org="acme"' not in text
        assert 'iblai_active_users_7d{org="globex"}' in text


async def test_a_snapshot_is_replaced_whole(site):
    async with exporter([site.org()], clock=FakeClock(NOON)) as made:
        await made.visit("acme", "course_videos")
        before = await made.figures("acme")
        site.lies["videos/"] = lambda a, _: {
            "data": a["data"][:1],
            "pagination": {"totalItems": 1},
        }
        page_two_fails = replace(DOWN, endpoint="videos/", times=4)
        with site.plan.during(page_two_fails):
            await made.visit("acme", "course_videos")
        assert await made.figures("acme") == before
        await made.visit("acme", "course_videos")
        courses = {dict(k[1])["course_id"] for k in await made.figures() if "course" in k[0]}
        assert len(courses) == 1


# Obeys the API.


async def test_concurrency_and_rate_are_never_exceeded_whatever_goes_wrong(site):
    site.plan.add(
        Fault(kind="status", status=503, probability=0.2),
        Fault(kind="cut", probability=0.2),
        Fault(kind="timeout", probability=0.05),
    )
    limits = quick(rate_limit=100, concurrency=4, timeout=0.3, retries=2)
    async with exporter(site.orgs(), limits=limits) as made:
        await asyncio.wait(
            [
                asyncio.create_task(made.poller.run(org.key, collector))
                for org in site.orgs()
                for collector in collectors.of(org)
                if collector.rhythm is collectors.Rhythm.TODAY
            ]
        )
    assert len(site.recorder.requests) > 60
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
            await made.visit("acme", "videos_today")
        held = made.outcome("videos_today")
        assert "asking again in 40 s" in held.error
        for _ in range(34):
            clock.advance(1)
            await made.visit("acme", "videos_today")
        assert len(site.recorder.requests) == 1
        assert made.outcome("videos_today").last_attempt == held.last_attempt
        clock.advance(1)
        await made.visit("acme", "videos_today")  # a few seconds are sat out
        assert made.slept == [pytest.approx(5)]
        assert made.outcome("videos_today").success


async def test_a_clock_of_the_platform_that_is_wrong_does_not_change_how_long_a_date_means(site):
    # The platform lives an hour in the future, and means 30 seconds.
    clock = FakeClock(NOON)
    with platform(FakeClock(NOON + timedelta(hours=1)), orgs=1) as other:
        date = NOON + timedelta(hours=1, seconds=30)
        other.plan.add(Fault(kind="status", status=429, retry_after=date))
        async with exporter([other.org()], clock=clock) as made:
            await made.visit("acme", "videos_today")
            assert "asking again in 30 s" in made.outcome("videos_today").error


async def test_a_wrong_key_is_tried_rarely_and_a_new_one_at_once(site, tmp_path):
    file = tmp_path / "key"
    file.write_text("0123456789abcdef" * 4)
    clock = FakeClock(NOON)
    org = site.org(api_key=None, api_key_file=file)
    async with exporter([org], clock=clock) as made:
        asked = []
        for _ in range(24 * 12):
            site.recorder.clear()
            await made.visit("acme", *(n for n in COLLECTORS if n.endswith("_today")))
            asked.append(len(site.recorder.requests))
            clock.advance(300)
        assert asked[0] >= 4
        assert sum(asked) <= asked[0] * 25
        assert await made.value("iblai_up", org="acme") == 0
        file.write_text(site.university.org("acme").api_key)
        org._key_file._looked = float("-inf")  # as after a second
        await made.visit("acme", "active_users_today")
        assert await made.value("iblai_up", org="acme") == 1


async def test_nothing_is_tried_again_after_400_401_403_404_and_much_after_500(site):
    async with exporter([site.org()]) as made:
        for status in (400, 401, 403, 404):
            site.recorder.clear()
            with site.plan.during(Fault(kind="status", status=status, endpoint="*videos*")):
                await made.visit("acme", "videos_today")
            assert len(site.recorder.requests) == 1
            made.api.forget("acme")
        site.recorder.clear()
        with site.plan.during(DOWN):
            await made.visit("acme", "videos_today")
        assert len(site.recorder.requests) == 4
        waits = made.slept
        assert len(waits) == 3
        assert all(0 <= wait <= bound for wait, bound in zip(waits, (0.5, 1, 2), strict=True))


async def test_a_redirect_is_never_followed_so_that_no_key_goes_elsewhere(site):
    with platform(orgs=1) as elsewhere:
        to = Fault(kind="redirect", location=f"{elsewhere.url}/api?token=very-secret")
        with site.plan.during(to):
            async with exporter([site.org()]) as made:
                await made.visit("acme")
                errors = {o.error for o in made.telemetry.outcomes("acme").values()}
        assert elsewhere.recorder.requests == []
    assert any(f"redirected to {elsewhere.url}/api;" in error for error in errors)
    assert not any("very-secret" in error for error in errors)


async def test_a_thousand_orgs_start_spread_over_the_interval(site):
    org = site.org(collectors=FEW)
    orgs = [replace(org, key=f"org-{number}") for number in range(1000)]
    async with exporter(orgs, limits=quick(rate_limit=5.0)) as made:
        made.poller.start()
        starts = sorted(
            (made.poller.next_visit(org.key, "videos_today") - NOON).total_seconds() for org in orgs
        )
        assert starts[0] == 0
        assert 295 < starts[-1] < 300
        gaps = [after - before for before, after in pairwise(starts)]
        assert max(gaps) == pytest.approx(min(gaps), abs=0.001)
        history = [
            (made.poller.next_visit(org.key, "videos") - NOON).total_seconds() for org in orgs
        ]
        assert starts[-1] - 1 < max(history) < 3600


# Bounds.


async def test_bodies_pages_and_time_are_bounded(site):
    clock = FakeClock(NOON)
    limits = quick(max_body=1 << 20, timeout=2.0, page_size=2)
    async with exporter([site.org()], clock=clock, limits=limits) as made:
        for kind in ("huge", "gzip_bomb"):
            with site.plan.during(Fault(kind=kind, size=64 << 20)):
                await made.visit("acme", "videos")
            assert "more than 1048576 bytes (api.max_body)" in made.outcome("videos").error
        site.recorder.clear()
        with site.plan.during(Fault(kind="endless_pages", endpoint="videos/")):
            await made.visit("acme", "course_videos")
        assert len(site.recorder.requests) == 200
        labels = {"org": "acme", "endpoint": "videos", "reason": "pages"}
        assert await made.value("iblai_exporter_payload_errors_total", **labels) == 1


async def test_series_are_bounded_by_org_and_what_is_cut_is_counted(site):
    org = replace(site.org(), series_limit=40)
    async with exporter([org], clock=FakeClock(NOON)) as made:
        site.lies["videos/"] = lambda a, _: {
            "data": [{**a["data"][0], "course_id": f"c{i}"} for i in range(5000)],
            "pagination": {"totalItems": 5000},
        }
        await made.visit()
        figures = {k for k in await made.figures() if "alert" not in k[0]}
        assert len(figures) <= 40
        labels = {"org": "acme", "reason": "series_limit"}
        assert await made.value("iblai_exporter_series_dropped_total", **labels) > 20_000


# The world below HTTP.


@contextmanager
def deaf_server():
    """Accept connections and never say a word: half-open, as after a firewall forgot them."""
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


async def test_connections_that_say_nothing_names_nobody_knows_and_closed_ports_are_told(site):
    with deaf_server() as port, socket.create_server(("127.0.0.1", 0)) as closed:
        closed_port = closed.getsockname()[1]
        closed.close()
        wanted = {
            f"http://127.0.0.1:{port}": "no whole answer within 0.25 s",
            f"http://127.0.0.1:{closed_port}": "cannot connect: Connection refused",
            "http://no-such-host.invalid": "the name is not known",
        }
        for url, says in wanted.items():
            org = site.org(base_url=url)
            async with exporter([org], limits=HASTE) as made:
                await made.visit("acme", "videos_today")
                assert says in made.outcome("videos_today").error


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
        async with exporter([org], limits=quick(timeout=5.0, retries=0)) as made:
            began = time.monotonic()
            await made.visit("acme", "videos_today")
            assert time.monotonic() - began < 4
            assert "not HTTP" in made.outcome("videos_today").error


async def test_a_platform_that_slows_down_gradually_is_served_until_the_limit_of_time(site):
    clock = FakeClock(NOON)
    async with exporter([site.org()], clock=clock, limits=quick(timeout=0.4, retries=0)) as made:
        said = []
        for seconds in (0.0, 0.0005, 0.001, 0.05):
            slow = Fault(kind="drip", seconds=seconds, endpoint="videos/over-time")
            with site.plan.during(slow):
                await made.visit("acme", "videos_today")
            said.append(made.outcome("videos_today").success)
        assert said == [True, True, True, False]
        assert await made.value("iblai_video_completions_today", org="acme") is not None


async def test_a_key_that_changes_while_it_is_used_costs_one_call_at_most(site, tmp_path):
    file = tmp_path / "key"
    right = site.university.org("acme").api_key
    file.write_text(right)
    org = site.org(api_key=None, api_key_file=file)
    async with exporter([org], clock=FakeClock(NOON)) as made:
        visit = asyncio.create_task(made.visit())
        for turn in range(40):
            await asyncio.sleep(0)
            file.write_text(("0123456789abcdef" * 4) if turn % 2 else right)
            org._key_file._looked = float("-inf")
        file.write_text(right)
        org._key_file._looked = float("-inf")
        await visit
        await made.visit()
        assert all(o.success for o in made.telemetry.outcomes("acme").values())


async def test_hundreds_of_visits_broken_off_leave_every_place_free(site):
    org = site.org()
    call = VIDEOS_OVER_TIME
    limits = Limits(timeout=5, concurrency=4, rate_limit=100_000)
    clock = FakeClock(NOON)
    async with exporter([org], clock=clock) as made:
        made.api.set_limits(limits)
        assert isinstance(made.api, ApiClient)
        with site.plan.during(replace(HANGS, endpoint=call.template.rpartition("{org}/")[2])):
            for _ in range(100):
                tasks = [
                    asyncio.create_task(made.poller.run("acme", COLLECTORS[name]))
                    for name in ("videos", "videos_today")
                ]
                await asyncio.sleep(0.002)
                made.set_orgs([])
                made.set_orgs([org])
                await asyncio.gather(*tasks)
        await made.visit()
        assert all(o.success for o in made.telemetry.outcomes("acme").values())
        (gate,) = made.api._gates.values()
        assert (gate.in_flight, gate.waiting) == (0, 0)
