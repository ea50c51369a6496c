"""Demand above the limits of the API."""

from dataclasses import replace

import pytest

from exporter.scheduler.hostqueue import MARGIN
from exporter.settings import ApiLimits
from tests.integration.fake_api import Fault
from tests.polling.bench import is_value


async def test_demand_above_the_limit_is_reported_and_staleness_stretches(bench, acme):
    orgs = [replace(acme, key=f"org{n}") for n in range(40)]
    limits = ApiLimits(rate_limit=0.4, retries=0, timeout=5.0, concurrency=8)
    exporter = bench(*orgs, limits=limits)
    exporter.poller.maintain()
    ratio = (await exporter.series())["iblai_exporter_schedule_stretch_ratio", ()]
    assert 1.4 < ratio < 2.5
    stretches = {state.stretch for state in exporter.poller._schedule.orgs}
    assert min(stretches) == pytest.approx(ratio, rel=0.1)


async def test_courses_that_a_start_still_lacks_delay_no_interval(bench, acme, api, clock):
    """As 1,000 orgs at 20 requests per second: the courses of all take many hours."""
    api.courses = [f"course-v1:Acme+C{number}+2026" for number in range(50)]
    orgs = [replace(acme, key=f"org{number}") for number in range(10)]
    limits = ApiLimits(rate_limit=MARGIN / 5, retries=0, timeout=5.0, concurrency=8)
    exporter = bench(*orgs, limits=limits)
    polled, gaps = {}, []
    for _ in range(3600 // 5):  # one slot each
        seen = len(api.received)
        await exporter.pass_time(5, step=5)
        for request in api.received[seen:]:
            if request.path.endswith("videos/over-time"):
                now = clock.monotonic()
                gaps.append((now, now - polled.get(request.org, now)))
                polled[request.org] = now
    assert len(polled) == len(orgs)
    start = clock.monotonic() - 3600
    assert max(gap for at, gap in gaps if at > start + 1800) <= 1.5 * orgs[0].interval


@pytest.mark.parametrize("status", [429, 503])
async def test_an_outage_at_twice_the_capacity_loses_no_value(bench, acme, api, status):
    orgs = [replace(acme, key=f"org{number}") for number in range(6)]
    exporter = bench(*orgs)
    await exporter.settle()
    wanted = {key: v for key, v in (await exporter.series()).items() if is_value(key[0])}
    demand = sum(map(exporter.poller._overload._demand, exporter.poller._schedule.orgs))
    exporter.limits = ApiLimits(rate_limit=demand / 2, retries=3, timeout=5.0, concurrency=4)
    await exporter.reload(*orgs)
    ratio = (await exporter.series())["iblai_exporter_schedule_stretch_ratio", ()]
    assert ratio == pytest.approx(2, rel=0.05)
    attempts_before = attempts(exporter)
    for _ in range(2):
        api.faults = [Fault(status=status)]
        await exporter.pass_time(20, step=5)
        api.faults = []
        for _ in range(3):
            await exporter.pass_time(300, step=10)
            found = await exporter.series()
            assert {key: found.get(key) for key in wanted} == wanted
    assert all(at > attempts_before[key] for key, at in attempts(exporter).items())
    assert not any(queue.in_flight for queue in exporter.queues())


def attempts(exporter):
    """Return when each collector that is polled every interval was attempted last."""
    return {
        (state.key, name): outcome.last_attempt
        for state in exporter.poller._schedule.orgs
        for name, outcome in exporter.pipeline.telemetry.outcomes(state.key).items()
        if state.collectors[name].due.interval <= state.org.interval
    }
