"""Demand above the limits of the API."""

from dataclasses import replace

import pytest

from exporter.settings import ApiLimits


async def test_demand_above_the_limit_is_reported_and_staleness_stretches(bench, acme):
    orgs = [replace(acme, key=f"org{n}") for n in range(40)]
    limits = ApiLimits(rate_limit=0.4, retries=0, timeout=5.0, concurrency=8)
    exporter = bench(*orgs, limits=limits)
    exporter.poller.maintain()
    ratio = (await exporter.series())["iblai_exporter_schedule_stretch_ratio", ()]
    assert 1.4 < ratio < 2.5
    stretches = {state.stretch for state in exporter.poller._schedule.orgs}
    assert min(stretches) == pytest.approx(ratio, rel=0.1)
