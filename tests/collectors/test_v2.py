"""The core values from the newer family, under the names that the seeds have."""

import pytest

from exporter.api import endpoints
from exporter.collectors import BY_NAME, COLLECTORS, v2
from tests.collectors.conftest import BROKEN, days_of
from tests.collectors.responses import ART, BIO, plausible, v2_content

OFFERED = [collector for collector in COLLECTORS if collector.v2 is not None]


@pytest.fixture(autouse=True)
def _prepared(api, bench):
    api.answers = plausible()
    bench.courses, bench.mentors = (BIO,), ("m1",)


@pytest.mark.parametrize("collector", OFFERED, ids=lambda collector: collector.name)
async def test_its_values_are_a_part_of_those_of_the_seeds(bench, api, collector):
    newer = type(bench)(api)
    newer.courses, newer.mentors = bench.courses, bench.mentors
    found = await newer.values(collector.v2)
    assert found.keys() <= (await bench.values(collector.collect)).keys()


@pytest.mark.parametrize("collector", OFFERED, ids=lambda collector: collector.name)
async def test_it_requests_nothing_of_the_seeds(bench, api, collector):
    await bench.run(collector.v2)
    assert {call.endpoint.v2 for call in api.calls} == {True}


@pytest.mark.parametrize("collector", OFFERED, ids=lambda collector: collector.name)
async def test_it_fails_if_every_request_fails(bench, api, collector):
    api.fails = lambda call: BROKEN
    assert await bench.error(collector.v2) is BROKEN


async def test_chat_of_both_generations_is_the_same(bench, api):
    seeds = await bench.values(BY_NAME["chat"].collect)
    newer = await type(bench)(api).values(v2.chat)
    assert newer == seeds


async def test_courses_of_other_orgs_are_left_out(bench, api):
    api.answers[endpoints.V2_CONTENT] = v2_content(BIO, ART, external=(ART,))
    await bench.run(v2.course_videos)
    assert bench.snapshots.courses("acme") == {BIO: "Biology 101"}
    found = await bench.values(v2.course_enrollments)
    assert found == {f"course_enrollments_{w} {BIO}": 3 for w in ("1d", "7d", "28d")}


async def test_a_window_that_fails_costs_only_itself(bench, api):
    api.fails = lambda call: (
        BROKEN if call.endpoint is endpoints.V2_USERS and len(days_of(call)) == 7 else None
    )
    result = await bench.run(v2.active_users)
    assert result.failed == {"7d": BROKEN}
    assert result.items.keys() == {"1d", "28d", "names"}


async def test_a_mentor_that_fails_costs_only_itself(bench, api):
    bench.mentors = ("m1", "m2")
    api.fails = lambda call: BROKEN if call.query.get("mentor_unique_id") == "m1" else None
    result = await bench.run(v2.mentor_chat)
    assert result.failed == {"m1": BROKEN}
    assert {key.partition("/")[0] for key in result.items} == {"m2"}


async def test_a_list_of_courses_that_fails_leaves_the_active_users(bench, api):
    api.fails = lambda call: BROKEN if call.endpoint is endpoints.V2_CONTENT else None
    result = await bench.run(v2.active_users)
    assert result.failed == {"names": BROKEN}
    assert result.items.keys() == {"1d", "7d", "28d"}


async def test_averages_that_fail_leave_the_sessions(bench, api):
    api.fails = lambda call: BROKEN if call.query.get("metric") == "headline" else None
    result = await bench.run(v2.chat)
    assert result.error is None
    assert result.failed == {"org": BROKEN}
    assert bench.served(v2.chat)["chat_sessions_7d"] == 70
