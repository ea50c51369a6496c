"""Every fault the simulated platform knows, and what it costs: the figures it hits, no others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exporter.demo.faults import Fault, Kind, Payload
from tests.conftest import FakeClock
from tests.integration.laboratory import FEW, exporter, platform, quick

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
HASTE = quick(timeout=1.5, retries=1, max_body=1 << 20)

BREAKING = {
    **{
        f"{status} {body}": Fault(kind="status", status=status, body=body)
        for status in (400, 401, 403, 404, 405, 410, 418, 422, 429, 500, 502, 503, 504, 520, 599)
        for body in ("json", "html")
    },
    "429 in 7 s": Fault(kind="status", status=429, retry_after=7),
    "429 at a date": Fault(kind="status", status=429, retry_after=NOON + timedelta(seconds=90)),
    "429 at a date long gone": Fault(
        kind="status", status=429, retry_after=NOON - timedelta(days=9)
    ),
    "429 in ages": Fault(kind="status", status=429, retry_after=1e300),
    "503 in 9 s": Fault(kind="status", status=503, retry_after=9),
    "hangs": Fault(kind="timeout"),
    "drips": Fault(kind="drip", seconds=0.05),
    "cut": Fault(kind="cut"),
    "half the JSON": Fault(kind="truncated"),
    "a page": Fault(kind="html"),
    "plain text": Fault(kind="content_type"),
    "huge": Fault(kind="huge", size=4 << 20),
    "a bomb": Fault(kind="gzip_bomb", size=32 << 20),
    "to another host": Fault(kind="redirect"),
    "to itself": Fault(kind="redirect", status=308, location="?again=1"),
    "to nowhere": Fault(kind="redirect", status=301, location="http://[::1"),
    **{
        f"JSON: {payload}": Fault(kind="json", payload=payload)
        for payload in (
            Payload.NULL,
            Payload.LIST,
            Payload.TEXT,
            Payload.EMPTY,
            Payload.DEEP,
            Payload.WORDS,
            Payload.NULLS,
            Payload.NAN,
            Payload.INFINITY,
        )
    },
}
"""Faults after which an answer says nothing."""

HARMLESS = {
    "the clock of the platform a day ahead": Fault(kind="clock_skew", seconds=86400),
    "the clock of the platform a year behind": Fault(kind="clock_skew", seconds=-86400 * 365),
    "a single 500": Fault(kind="status", status=500, times=1),
    "a single cut": Fault(kind="cut", times=1),
    "a single 429": Fault(kind="status", status=429, retry_after=2, times=1),
}
"""Faults that cost nothing."""


@pytest.fixture(scope="module")
def site():
    with platform(FakeClock(NOON), orgs=2) as running:
        yield running


@pytest.fixture(autouse=True)
def _whole(site, monkeypatch):
    site.plan.clear()
    # The clock of these tests stands still, so an org that was slowed down would stay so.
    monkeypatch.setattr("exporter.api.gate.SLOW_PACE", 0.001)


async def truth(site, memory={}):  # noqa: B006 - asked for once, since nothing changes it
    if not memory:
        async with exporter(site.orgs(collectors=FEW), clock=FakeClock(NOON)) as made:
            await made.visit_all()
            memory.update(await made.figures())
    return memory


def hit(name):
    return name.startswith("iblai_video_completions")


@pytest.mark.parametrize("fault", BREAKING.values(), ids=BREAKING)
async def test_a_fault_costs_the_figures_it_hits_and_no_others(site, fault):
    wanted = await truth(site)
    with site.plan.during(replace(fault, org="acme", endpoint="videos/over-time")):
        async with exporter(site.orgs(collectors=FEW), clock=FakeClock(NOON), limits=HASTE) as made:
            await made.visit_all()
            found = await made.figures()
            outcome = made.outcome("videos")
    assert found == {
        key: value
        for key, value in wanted.items()
        if not (hit(key[0]) and ("org", "acme") in key[1])
    }
    assert not outcome.success
    assert outcome.last_success == 0
    assert outcome.error.startswith("acme: ")
    assert "\n" not in outcome.error


@pytest.mark.parametrize("fault", HARMLESS.values(), ids=HARMLESS)
async def test_some_faults_cost_nothing(site, fault):
    with site.plan.during(replace(fault, org="acme", endpoint="videos/over-time")):
        async with exporter(site.orgs(collectors=FEW), clock=FakeClock(NOON)) as made:
            await made.visit_all()
            assert await made.figures() == await truth(site)


@pytest.mark.parametrize("fault", BREAKING.values(), ids=BREAKING)
async def test_after_a_fault_the_last_good_figures_stay_for_a_while_then_the_next_good_ones(
    site, fault
):
    clock = FakeClock(NOON)
    org = site.org("globex", mentors=())
    async with exporter([org], clock=clock, limits=HASTE) as made:
        await made.visit("globex", "videos_today")
        good = await made.figures()
        first = made.outcome("videos_today", "globex")
        with site.plan.during(replace(fault, endpoint="videos/over-time")):
            clock.advance(org.interval)
            await made.visit("globex", "videos_today")
            bad = made.outcome("videos_today", "globex")
            assert (first.success, bad.success) == (True, False)
            assert bad.last_success == first.last_success
            assert bad.last_attempt > first.last_attempt
            assert await made.figures() == good
            clock.advance(first.last_success + 3 * org.interval - clock.now().timestamp() - 1)
            assert await made.figures() == good
            clock.advance(2)
            assert await made.figures() == {}
        clock.advance(86400)
        await made.visit("globex", "videos_today")
        assert made.outcome("videos_today", "globex").error == ""
        assert await made.value("iblai_video_completions_today", org="globex") is not None


def test_every_kind_of_fault_is_among_them():
    kinds = {fault.kind for fault in [*BREAKING.values(), *HARMLESS.values()]}
    assert kinds == set(Kind) - {Kind.ENDLESS_PAGES}  # told with the bounds
