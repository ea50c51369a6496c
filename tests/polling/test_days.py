"""Midnight in the time zone of an org."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from tests.integration.fake_api import Fault
from tests.polling.bench import only


async def test_today_ends_at_midnight_and_the_windows_follow(bench, acme, api, clock):
    exporter = bench(acme)
    await exporter.settle()
    until_midnight = (datetime(2026, 5, 7, tzinfo=UTC) - clock.now()).total_seconds()
    await exporter.pass_time(until_midnight - 120, step=300)
    assert await exporter.value("iblai_enrollments_today") == 3
    end = datetime(2026, 5, 6, tzinfo=UTC).timestamp()
    assert await exporter.value("iblai_window_end_timestamp_seconds", collector="videos") == end
    api.faults = [Fault(status=503)]
    clock.advance(121)
    exporter.poller.tick()
    names = await exporter.names()
    assert not {name for name in names if "_today" in name}
    assert await exporter.value("iblai_enrollments_1d") == 3
    await exporter.settle()
    api.faults = []
    await exporter.pass_time(4000, step=20)
    end += 86400
    assert await exporter.value("iblai_enrollments_today") == 3
    for collector in ("videos", "chat", "enrollments", "active_users"):
        found = await exporter.value("iblai_window_end_timestamp_seconds", collector=collector)
        assert found == end, collector


async def test_windows_are_served_until_the_next_ones_arrive_however_late_the_platform_is(
    bench, acme, api, clock
):
    exporter = bench(acme)
    await exporter.settle()
    late = clock.now()
    api.now = lambda: late  # no day after today arrives
    await exporter.pass_time(12 * 3600 + 8 * 3600, step=300)
    assert clock.now().date() > late.date()
    assert await exporter.value("iblai_enrollments_7d") == 21
    assert await exporter.value("iblai_enrollments_today") is None
    api.now = clock.now
    await exporter.pass_time(700, step=100)
    end = datetime(2026, 5, 7, tzinfo=UTC).timestamp()
    found = await exporter.value("iblai_window_end_timestamp_seconds", collector="enrollments")
    assert found == end


async def test_a_day_ends_in_the_zone_of_an_org_that_was_added_later(bench, acme, api, clock):
    exporter = bench(acme)
    await exporter.settle()
    tokyo = replace(acme, key="tokyo", timezone="Asia/Tokyo")
    await exporter.reload(acme, tokyo)
    await exporter.settle()
    assert await exporter.value("iblai_active_users_today", org="tokyo") == 40
    api.faults = [Fault(status=503)]
    clock.advance(3 * 3600 + 60)  # 15:01 UTC is midnight in Tokyo
    exporter.poller.tick()
    assert await exporter.value("iblai_active_users_today", org="tokyo") is None


async def test_complete_days_are_collected_within_two_minutes_of_midnight(bench, acme, clock):
    exporter = bench(acme)
    await exporter.settle()
    midnight = datetime(2026, 5, 7, tzinfo=UTC)
    await exporter.pass_time((midnight - clock.now()).total_seconds(), step=300)
    await exporter.pass_time(120, step=10)
    for collector in ("videos", "chat", "enrollments", "active_users"):
        end = await exporter.value("iblai_window_end_timestamp_seconds", collector=collector)
        assert end == midnight.timestamp(), collector


async def test_a_collection_that_runs_across_midnight_is_followed_by_one_of_the_new_day(
    bench, acme, api, clock
):
    midnight = datetime(2026, 5, 7, tzinfo=UTC)
    clock.advance((midnight - clock.now()).total_seconds() - 1)
    exporter = bench(replace(acme, collectors=only("active_users")))
    api.latency = 0.05
    exporter.poller.tick()
    await asyncio.sleep(0.02)
    clock.advance(2)
    await exporter.settle()
    await exporter.pass_time(120, step=10)
    end = await exporter.value("iblai_window_end_timestamp_seconds", collector="active_users")
    assert end == midnight.timestamp()


async def test_midnight_during_a_reload_ends_the_day_of_every_org(bench, acme, api, clock):
    orgs = [replace(acme, key=f"org{number}") for number in range(6)]
    clock.advance((datetime(2026, 5, 7, tzinfo=UTC) - clock.now()).total_seconds() - 30)
    exporter = bench(*orgs)
    await exporter.settle()
    changed = [replace(org, labels={"team": "x"}) for org in orgs]
    reload = asyncio.create_task(exporter.reload(*changed))
    for _ in range(3):  # half of the orgs
        await asyncio.sleep(0)
    assert not reload.done()
    clock.advance(31)
    exporter.poller.tick()
    await reload
    api.faults = [Fault(status=503)]
    assert not [name for name, _ in await exporter.series() if "_today" in name]
    api.faults = []
    await exporter.pass_time(120, step=10)
    found = await exporter.series()
    end = datetime(2026, 5, 7, tzinfo=UTC).timestamp()
    for org in orgs:
        labels = (("org", org.key), ("team", "x"))
        assert found["iblai_enrollments_today", labels] == 3
        window_end = "iblai_window_end_timestamp_seconds", (("collector", "videos"), *labels)
        assert found[window_end] == end
