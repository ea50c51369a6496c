"""One item that fails, in every loop over windows, measures, courses, mentors, days and pages."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest

from exporter.api import endpoints
from exporter.collectors import BY_NAME, COLLECTORS
from exporter.history.expected import REACH
from tests.collectors.conftest import (
    BROKEN,
    FAILURES,
    NOT_FOUND,
    TODAY,
    YESTERDAY,
    days_of,
    page,
    values_of,
)
from tests.collectors.responses import ART, BIO, agent, plausible

COURSES = (BIO, ART, "course-v1:Acme+Law+2026")
MENTORS = ("m1", "m2", "m3")


@dataclass(frozen=True)
class Loop:
    """The keys of the items of a collector, and which requests belong to one of them."""

    keys: tuple[str, ...]
    hits: object


def of_length(lengths):
    """A loop over windows, told apart by the number of their days."""

    def hits(key, call):
        return len(days_of(call)) == lengths[key]

    return Loop(tuple(lengths), hits)


WEEKS = of_length({"7d": 7, "28d": 28})
COMPLETE = of_length({"1d": 1, "7d": 7, "28d": 28})


def in_query(parameter, values):
    return Loop(tuple(values), lambda key, call: call.query.get(parameter) == values[key])


LOOPS = {
    "active_users": COMPLETE,
    "time_per_learner": COMPLETE,
    "course_time": WEEKS,
    "agent_returns": WEEKS,
    "sentiments": WEEKS,
    "topics": WEEKS,
    "message_summary": WEEKS,
    "per_conversation": WEEKS,
    "per_session": WEEKS,
    "model_costs": WEEKS,
    "provider_costs": WEEKS,
    "agent_costs": WEEKS,
    "usage": of_length({"1d": 1, "7d": 7}),
    "enrollments": in_query("active", {"enrollments": "y", "unenrollments": "n"}),
    "agent_users_now": in_query(
        "metric",
        {name: name for name in ("currently_active", "active_users_last_30d")},
    ),
    "course_enrollments": Loop(COURSES, lambda key, call: call.path_params["course_id"] == key),
    "mentor_chat": Loop(MENTORS, lambda key, call: call.query["mentor_id"] == key),
}


@pytest.fixture(autouse=True)
def _prepared(api, bench):
    api.answers = plausible()
    bench.courses = COURSES
    bench.mentors = MENTORS


def item_keys(result):
    return {key.removesuffix("/today") for key in result.items}


@pytest.mark.parametrize("name", LOOPS)
async def test_all_items_are_collected_if_none_fails(bench, name):
    result = await bench.run(BY_NAME[name].collect)
    assert item_keys(result) == set(LOOPS[name].keys)
    assert result.failed == {}


@pytest.mark.parametrize("error", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize(
    ("name", "failing"), [(name, key) for name, loop in LOOPS.items() for key in loop.keys]
)
async def test_an_item_that_fails_leaves_the_others(bench, api, name, failing, error):
    loop, collect = LOOPS[name], BY_NAME[name].collect
    whole = await bench.run(collect)
    fresh = type(bench)(api)
    fresh.courses, fresh.mentors = COURSES, MENTORS
    api.fails = lambda call: error if loop.hits(failing, call) else None
    result = await fresh.run(collect)
    assert result.failed.keys() == {failing}
    assert item_keys(result) == set(loop.keys) - {failing}
    assert result.error is None
    others = {key: whole.items[key] for key in result.items}
    assert values_of(d.samples.compact() for d in result.items.values()) == values_of(
        d.samples.compact() for d in others.values()
    )


@pytest.mark.parametrize("name", LOOPS)
async def test_an_item_that_fails_keeps_its_last_values(bench, api, name):
    loop, collect = LOOPS[name], BY_NAME[name].collect
    await bench.run(collect)
    before = bench.served(collect)
    api.fails = lambda call: BROKEN if loop.hits(loop.keys[-1], call) else None
    bench.advance(hours=9)
    await bench.run(collect)
    assert bench.served(collect) == before


@pytest.mark.parametrize("collector", COLLECTORS, ids=lambda collector: collector.name)
async def test_a_run_fails_if_every_request_fails(bench, api, collector):
    api.fails = lambda call: BROKEN
    assert await bench.error(collector.collect) is BROKEN
    assert api.calls


@pytest.mark.parametrize("collector", COLLECTORS, ids=lambda collector: collector.name)
async def test_every_collector_with_several_items_is_tested_here(bench, collector):
    result = await bench.run(collector.collect)
    assert result.items
    assert result.failed == {}
    if len(item_keys(result)) > 1:
        assert collector.name in LOOPS.keys() | {"past_active_users", "costs"}  # costs: test_costs


# Past days.


@pytest.mark.parametrize("back", [2, 5, 29])
async def test_a_past_day_that_fails_does_not_hold_back_the_others(bench, api, back):
    end = TODAY - timedelta(days=back)
    collect = BY_NAME["past_active_users"].collect
    bad = end.isoformat()
    api.fails = lambda call: (
        BROKEN if (call.query["start_date"], call.query["end_date"]) == (bad, bad) else None
    )
    for _ in range(20):
        result = await bench.run(collect)
        assert result.error is None
        assert bench.snapshots.items("acme", collect.__name__) == {}
        bench.is_due = lambda key: key != f"1d/{bad}"
        if not result.again:
            break
    known = bench.history.series("acme", "active_users")
    past = [YESTERDAY - timedelta(days=n) for n in range(1, REACH + 1)]
    assert [day for day in past if not known.requested(day)] == [end]


# Pages.

PAGED = {
    name: (BY_NAME[name].collect, endpoint)
    for name, endpoint in {
        "course_videos": endpoints.COURSE_VIDEOS,
        "course_completions": endpoints.COMPLETIONS_PER_COURSE,
        "course_activity": endpoints.COURSE_ACTIVITY,
        "course_grades": endpoints.GRADES_PER_COURSE,
        "course_time": endpoints.TIME_PER_COURSE,
        "active_learners": endpoints.ACTIVE_LEARNERS,
        "provider_costs": endpoints.COST_DETAILS,
        "mentors": endpoints.MENTOR_COSTS,
        "agent_costs": endpoints.MENTOR_COSTS,
    }.items()
}


def paged(endpoint, call):
    """Return one of three pages."""
    if endpoint is endpoints.MENTOR_COSTS:
        number = int(call.query["offset"]) + 1
        return {"count": 3, "results": [agent(number)]}
    number = int(call.query.get("page", 1))
    if endpoint is endpoints.COST_DETAILS:
        rows = [{call.query["group_by"]: f"p{number}", "total_cost": 1}]
        return {"page": number, "total_pages": 3, "total_records": 3, "rows": rows}
    [row] = plausible()[endpoint]["data"]
    row = {**row, "course_id": f"c{number}", "username": f"jane{number}"}
    return page(row, totalItems=3, totalPages=3, currentPage=number)


def is_page(endpoint, number, call):
    if call.endpoint is not endpoint:
        return False
    if endpoint is endpoints.MENTOR_COSTS:
        return call.query["offset"] == str(number - 1)
    return call.query.get("page", "1") == str(number)


@pytest.mark.parametrize("name", PAGED)
@pytest.mark.parametrize("error", [BROKEN, NOT_FOUND], ids=["500", "404"])
@pytest.mark.parametrize("failing", [2, 3])
async def test_a_page_that_fails_fails_the_list_and_its_last_values_stay(
    bench, api, name, error, failing
):
    collect, endpoint = PAGED[name]
    bench.configure(learner_indexes=True)
    bench.page_size = 1
    api.answers[endpoint] = partial(paged, endpoint)
    # The other store of costs would stand in.
    api.answers[endpoints.COST_DETAILS] = (
        NOT_FOUND if endpoint is not endpoints.COST_DETAILS else api.answers[endpoint]
    )
    await bench.run(collect)
    before = bench.snapshots.items("acme", collect.__name__).copy()
    assert before
    api.fails = lambda call: error if is_page(endpoint, failing, call) else None
    bench.advance(hours=9)
    assert await bench.error(collect) is error
    assert bench.snapshots.items("acme", collect.__name__) == before


def test_every_paged_collector_is_tested_here():
    assert {collector.name for collector in COLLECTORS if collector.paged} <= PAGED.keys()
