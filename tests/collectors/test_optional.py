"""What a deployment lacks, or a key may not read."""

import io
from dataclasses import replace

import pytest
from pydantic import SecretStr
from rich.console import Console

from exporter import check, collectors
from exporter.demo.background import Background
from exporter.demo.faults import Fault, FaultPlan
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from exporter.poller import Poller
from exporter.settings import ApiLimits, Org, Settings
from tests.collectors.conftest import BROKEN, FORBIDDEN, NOT_FOUND, ORG, series

BY_NAME = {collector.name: collector for collector in collectors.COLLECTORS}
REQUIRED = {"active_users", "enrollments", "videos", "course_videos", "chat", "active_learners"}


@pytest.fixture
def poller(api, store, telemetry, clock):
    made = Poller(api=api, store=store, telemetry=telemetry, limits=ApiLimits(), clock=clock)
    made.set_orgs([ORG])
    return made


def names_of(telemetry, store):
    telemetry.flush()
    return {
        metric.name
        for metric, lines in store.pieces_of(ORG.key, check.catalog.METRICS)
        for line in b"".join(lines).splitlines()
        if b'collector="time"' in line
    }


@pytest.mark.parametrize("refusal", [FORBIDDEN, NOT_FOUND], ids=["403", "404"])
async def test_what_is_refused_from_the_start_is_no_failure_but_told_in_words(
    poller, api, store, telemetry, refusal
):
    time = BY_NAME["time"]
    api.answers[time.endpoint] = refusal
    await poller.run(ORG.key, time)
    outcome = telemetry.outcome(ORG.key, "time")
    assert (outcome.absent, outcome.error) == (True, str(refusal))
    assert names_of(telemetry, store) == set()


async def test_what_was_there_before_and_is_refused_now_is_a_failure(poller, api, telemetry):
    time = BY_NAME["time"]
    api.answers[time.endpoint] = series(1)
    await poller.run(ORG.key, time)
    api.answers[time.endpoint] = FORBIDDEN
    await poller.run(ORG.key, time)
    outcome = telemetry.outcome(ORG.key, "time")
    assert (outcome.absent, outcome.success) == (False, False)


async def test_what_comes_to_be_offered_is_there_from_then_on(poller, api, store, telemetry):
    time = BY_NAME["time"]
    api.answers[time.endpoint] = NOT_FOUND
    await poller.run(ORG.key, time)
    api.answers[time.endpoint] = series(1)
    await poller.run(ORG.key, time)
    assert telemetry.outcome(ORG.key, "time").success
    assert "iblai_collector_success" in names_of(telemetry, store)


async def test_any_other_trouble_is_a_failure(poller, api, telemetry):
    time = BY_NAME["time"]
    api.answers[time.endpoint] = BROKEN
    await poller.run(ORG.key, time)
    assert not telemetry.outcome(ORG.key, "time").absent


async def test_what_the_exporter_is_for_fails_when_it_is_refused(poller, api, telemetry):
    for name in REQUIRED:
        api.answers[BY_NAME[name].endpoint] = FORBIDDEN
        await poller.run(ORG.key, BY_NAME[name])
        assert not telemetry.outcome(ORG.key, name).absent


@pytest.fixture
def platform(clock):
    plan = FaultPlan([])
    university = University(orgs=1, courses=2)
    with Background(build_platform(university, now=clock.now, faults=plan)) as running:
        org = university.orgs[0]
        yield (
            plan,
            Org(
                key=org.key,
                user_id=org.user_id,
                api_key=SecretStr(org.api_key),
                base_url=running.url,
                timezone=org.timezone,
                collectors={c: c in {"videos", "costs", "topics"} for c in BY_NAME},
            ),
        )


async def checked(org):
    page = io.StringIO()
    settings = Settings(orgs=(org,), api=ApiLimits(rate_limit=1000, retries=0))
    well = await check.live(settings, Console(file=page, width=300))
    return well, page.getvalue()


async def test_a_check_is_well_without_what_the_deployment_lacks_and_says_what_that_is(platform):
    plan, org = platform
    plan.add(Fault("status", status=404, endpoint="financial/"))
    plan.add(Fault("status", status=403, endpoint="tenant-cost/"))
    well, page = await checked(org)
    assert well
    assert "2 of 2 collectors succeeded, and 1 are not offered there." in page
    (line,) = [line for line in page.splitlines() if " costs " in line]
    assert "404" in line
    assert "/api/analytics/financial/" in line
    assert (await checked(replace(org, collectors=org.collectors | {"costs": False})))[0]


async def test_either_family_of_costs_will_do(platform):
    plan, org = platform
    plan.add(Fault("status", status=404, endpoint="financial/"))
    well, page = await checked(org)
    assert well
    assert "3 of 3 collectors succeeded." in page
