"""Every fault that the simulated platform knows costs the values that it affects, and no others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exporter.demo.faults import Fault, Kind, Payload
from tests.conftest import FakeClock
from tests.integration.laboratory import FEW, exporter, platform, quick

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
SHORT = quick(timeout=1.0, retries=1, max_body=1 << 20)
VIDEOS = "videos/over-time"

STATUSES = {
    f"{status} {body}": Fault(kind="status", status=status, body=body)
    for status, body in (
        (400, "json"),
        (401, "json"),
        (403, "html"),
        (404, "json"),
        (404, "html"),
        (410, "json"),
        (418, "html"),
        (429, "json"),
        (500, "json"),
        (502, "html"),
        (503, "json"),
        (599, "html"),
    )
}
WAITS = {
    "429 in 7 s": Fault(kind="status", status=429, retry_after=7),
    "429 at a date": Fault(kind="status", status=429, retry_after=NOON + timedelta(seconds=90)),
    "429 at a past date": Fault(kind="status", status=429, retry_after=NOON - timedelta(days=9)),
    "429 in 1e300 s": Fault(kind="status", status=429, retry_after=1e300),
    "503 in 9 s": Fault(kind="status", status=503, retry_after=9),
}
KINDS = {
    "no response": Fault(kind="timeout"),
    "a byte at a time": Fault(kind="drip", seconds=0.05),
    "cut": Fault(kind="cut"),
    "half the JSON": Fault(kind="truncated"),
    "a web page": Fault(kind="html"),
    "plain text": Fault(kind="content_type"),
    "a huge body": Fault(kind="huge", size=4 << 20),
    "a gzip bomb": Fault(kind="gzip_bomb", size=32 << 20),
    "a redirect to another host": Fault(kind="redirect"),
}
OTHER_REDIRECTS = {
    "a redirect to itself": Fault(kind="redirect", status=308, location="?again=1"),
    "a redirect to nowhere": Fault(kind="redirect", status=301, location="http://[::1"),
}
PAYLOADS = {
    f"JSON {payload}": Fault(kind="json", payload=payload)
    for payload in Payload
    if payload not in {Payload.SURROGATES, Payload.NO_COSTS}  # there is no text and no cost here
}
BREAKING = {**STATUSES, **WAITS, **KINDS, **OTHER_REDIRECTS, **PAYLOADS}
"""Faults after which a response says nothing."""

HARMLESS = {
    "a clock a day ahead": Fault(kind="clock_skew", seconds=86400),
    "a clock a year behind": Fault(kind="clock_skew", seconds=-86400 * 365),
    "one 500": Fault(kind="status", status=500, times=1),
    "one cut connection": Fault(kind="cut", times=1),
    "one 429": Fault(kind="status", status=429, retry_after=2, times=1),
}
"""Faults that cost nothing."""


@pytest.fixture(scope="module")
def site():
    with platform(FakeClock(NOON), orgs=2) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_faults(site):
    site.plan.clear()


@pytest.fixture(scope="module")
def truth():
    return {}


async def without_faults(site, truth):
    """Return the values of both orgs without any fault, which are collected once."""
    if not truth:
        async with exporter(site.orgs(collectors=FEW), clock=FakeClock(NOON)) as made:
            await made.collect_all()
            truth.update(await made.values())
    return truth


@pytest.mark.parametrize("fault", BREAKING.values(), ids=BREAKING)
async def test_a_fault_costs_the_values_that_it_affects_and_no_others(site, truth, fault):
    wanted = await without_faults(site, truth)
    with site.plan.during(replace(fault, org="acme", endpoint=VIDEOS)):
        async with exporter(site.orgs(collectors=FEW), clock=FakeClock(NOON), limits=SHORT) as made:
            await made.collect_all()
            found = await made.values()
            outcome = made.outcome("videos")
            up = await made.value("iblai_up", org="acme")
    assert found == {
        key: value
        for key, value in wanted.items()
        if not (key[0].startswith("iblai_video_completions") and ("org", "acme") in key[1])
    }
    assert not outcome.success
    assert outcome.last_success == 0
    assert outcome.last_attempt > 0
    assert outcome.error
    assert "unexpected" not in outcome.error
    assert "\n" not in outcome.error
    assert up == 1


@pytest.mark.parametrize("fault", HARMLESS.values(), ids=HARMLESS)
async def test_a_fault_that_a_retry_overcomes_costs_nothing(site, truth, fault):
    with site.plan.during(replace(fault, org="acme", endpoint=VIDEOS)):
        async with exporter(site.orgs(collectors=FEW), clock=FakeClock(NOON)) as made:
            await made.collect_all()
            assert await made.values() == await without_faults(site, truth)


LASTING = {**KINDS, "500": STATUSES["500 json"], "JSON nulls": PAYLOADS["JSON nulls"]}


@pytest.mark.parametrize("fault", LASTING.values(), ids=LASTING)
async def test_the_last_good_values_stay_until_they_are_stale_and_return_with_a_success(
    site, fault
):
    clock = FakeClock(NOON)
    org = site.org("globex", mentors=(), collectors=FEW)
    async with exporter([org], clock=clock, limits=SHORT) as made:
        await made.collect("globex", "videos")
        good = await made.values()
        complete = {key: value for key, value in good.items() if "_today" not in key[0]}
        first = made.outcome("videos", "globex")
        collected = clock.monotonic()
        assert first.success
        assert good.keys() > complete.keys()
        with site.plan.during(replace(fault, endpoint=VIDEOS)):
            clock.advance(org.interval)
            await made.collect("globex", "videos")
            bad = made.outcome("videos", "globex")
            assert not bad.success
            assert bad.last_success == first.last_success
            assert bad.last_attempt > first.last_attempt
            for age, left in (
                (3 * org.interval - 1, good),
                (3 * org.interval + 1, complete),
                (3 * org.history_interval - 1, complete),
                (3 * org.history_interval + 1, {}),
            ):
                clock.advance(collected + age - clock.monotonic())
                made.expire()
                assert await made.values() == left, age
        clock.advance(org.history_interval)
        await made.collect("globex", "videos")
        assert made.outcome("videos", "globex").error == ""
        assert (await made.values()).keys() == good.keys()


def test_every_kind_of_fault_is_among_them():
    kinds = {fault.kind for fault in [*BREAKING.values(), *HARMLESS.values()]}
    assert kinds == set(Kind) - {Kind.ENDLESS_PAGES}  # tested with the limits
