"""Costs: two stores, of which the one with data wins; models, providers, agents; the spend cap."""

from functools import partial

import pytest

from exporter.api import endpoints
from exporter.api.errors import ApiError
from exporter.api.paging import MAX_PAGES
from exporter.catalog import TOP
from exporter.collectors import costs
from exporter.windows import Span
from tests.collectors.conftest import (
    BROKEN,
    FORBIDDEN,
    NOT_FOUND,
    TODAY,
    YESTERDAY,
    ago,
    days_of,
    money,
)
from tests.collectors.responses import SPEND_CAP, agent

TENANT, FINANCIAL = endpoints.TENANT_COST, endpoints.COSTS
DETAILS, MODELS, AGENTS = endpoints.COST_DETAILS, endpoints.MODEL_COSTS, endpoints.MENTOR_COSTS
ALL = {"cost_today_usd", "cost_1d_usd", "cost_7d_usd", "cost_28d_usd"}


def tenant(per_day):
    return lambda call: {"total_cost": per_day * len(days_of(call))}


def of(per_day):
    """Return the cost of each window."""
    return {
        "cost_today_usd": per_day,
        "cost_1d_usd": per_day,
        "cost_7d_usd": 7 * per_day,
        "cost_28d_usd": 28 * per_day,
    }


# The two stores.


@pytest.mark.parametrize("stale", [0, 0.0])
async def test_if_the_older_store_returns_stale_zeros_the_newer_one_wins(bench, api, stale):
    api.answers = {TENANT: tenant(2), FINANCIAL: money(lambda _: stale)}
    assert await bench.values(costs.costs) == of(2)


async def test_if_the_newer_store_returns_stale_zeros_the_older_one_wins(bench, api):
    api.answers = {TENANT: tenant(0), FINANCIAL: money(lambda _: 2)}
    assert await bench.values(costs.costs) == of(2)


async def test_if_both_stores_have_data_the_one_of_the_spend_screen_wins(bench, api):
    api.answers = {TENANT: tenant(2), FINANCIAL: money(lambda _: 3)}
    assert await bench.values(costs.costs) == of(2)


async def test_if_both_stores_return_zeros_the_cost_is_0(bench, api):
    api.answers = {TENANT: tenant(0), FINANCIAL: money(lambda _: 0)}
    assert await bench.values(costs.costs) == of(0)


@pytest.mark.parametrize("error", [NOT_FOUND, FORBIDDEN, BROKEN], ids=["404", "403", "500"])
async def test_either_store_is_enough(bench, api, error):
    api.answers = {TENANT: error, FINANCIAL: money(lambda _: 2)}
    assert await bench.values(costs.costs) == of(2)
    other = type(bench)(api)
    api.answers = {TENANT: tenant(2), FINANCIAL: error}
    assert await other.values(costs.costs) == of(2)


async def test_if_both_stores_fail_the_run_fails_with_the_error_of_the_newer_one(bench, api):
    api.answers = {TENANT: NOT_FOUND, FINANCIAL: FORBIDDEN}
    with pytest.raises(ApiError) as caught:
        await bench.values(costs.costs)
    assert caught.value is NOT_FOUND


async def test_a_null_cost_is_unknown_and_not_0(bench, api):
    api.answers = {
        TENANT: {"total_cost": None},
        FINANCIAL: {"value": None, "overtime": [{"date": "2026-03-20", "value": 0}]},
    }
    assert await bench.values(costs.costs) == {}
    assert bench.errors["tenant_cost", "value"] == 4


async def test_a_null_in_one_store_leaves_the_value_of_the_other(bench, api):
    api.answers = {TENANT: {"total_cost": None}, FINANCIAL: money(lambda _: 2)}
    assert await bench.values(costs.costs) == of(2)


@pytest.mark.parametrize(("length", "name"), [(7, "7d"), (28, "28d")])
async def test_a_window_that_fails_in_one_store_is_taken_from_the_other(bench, api, length, name):
    api.answers = {TENANT: tenant(2), FINANCIAL: money(lambda _: 3)}
    api.fails = lambda call: (
        BROKEN if call.endpoint is TENANT and len(days_of(call)) == length else None
    )
    assert await bench.values(costs.costs) == of(2) | {f"cost_{name}_usd": 3 * length}


async def test_a_window_that_fails_in_both_stores_costs_only_itself(bench, api):
    api.answers = {TENANT: tenant(2), FINANCIAL: BROKEN}
    api.fails = lambda call: BROKEN if call.endpoint is TENANT and len(days_of(call)) == 7 else None
    result = await bench.run(costs.costs)
    assert result.failed.keys() == {"7d"}
    assert bench.served(costs.costs).keys() == ALL - {"cost_7d_usd"}


async def test_today_and_the_history_of_the_older_store_are_requested_together(bench, api):
    api.answers = {TENANT: NOT_FOUND, FINANCIAL: money(lambda day: 1 + ago(day))}
    await bench.values(costs.costs)
    [(first, last)] = {(s, e) for s, e in api.spans() if (e - s).days > 28}
    assert last == TODAY
    known = bench.history.series("acme", "cost")
    assert known.covers(Span(first, TODAY))
    assert known.get(YESTERDAY) == 2


async def test_stale_zeros_never_become_history(bench, api):
    """Neither in a run that requests all windows nor in one that requests only today."""
    api.answers = {TENANT: tenant(2), FINANCIAL: money(lambda _: 0)}
    bench.interval = 300
    for _ in range(15):
        await bench.run(costs.costs)
        bench.advance(hours=1 / 12)
    known = dict(bench.history.series("acme", "cost").items())
    assert set(known.values()) <= {2, None}
    assert known[YESTERDAY] == known[TODAY] == 2


async def test_complete_days_are_requested_less_often_than_today(bench, api):
    api.answers = {TENANT: tenant(2), FINANCIAL: money(lambda _: 2)}
    bench.interval = 300
    await bench.run(costs.costs)
    for minutes in range(5, 55, 5):
        api.calls.clear()
        bench.advance(hours=1 / 12)
        await bench.run(costs.costs)
        assert [call.endpoint for call in api.calls] == [TENANT, FINANCIAL], minutes
    bench.advance(hours=1 / 6)
    api.calls.clear()
    await bench.run(costs.costs)
    assert len(api.calls) == 5


# Parts: models, providers, agents.


def rows(group, **spent):
    return [{group: name, "total_cost": cost} for name, cost in spent.items()]


def by_group(call):
    found = rows(call.query["group_by"], a="2.5", b="1.5")
    return {"page": 1, "total_pages": 1, "total_records": 2, "rows": found}


def zeros(call):
    found = rows(call.query["group_by"], a=0, b=0)
    return {"page": 1, "total_pages": 1, "total_records": 2, "rows": found}


PARTS = {
    "model": (costs.model_costs, MODELS, "llm_model", rows("model", a=3)),
    "agent": (costs.agent_costs, AGENTS, "mentor", {"mentor_data": rows("mentor_name", a=3)}),
}


@pytest.mark.parametrize("name", PARTS)
async def test_costs_of_parts_come_from_the_store_of_the_spend_screen(bench, api, name):
    collect, endpoint, _, response = PARTS[name]
    api.answers = {endpoint: response, DETAILS: by_group}
    assert await bench.values(collect) == {
        f"{name}_cost_7d_usd a": 3,
        f"{name}_cost_28d_usd a": 3,
    }
    assert {call.endpoint for call in api.calls} == {endpoint}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("first", ["fails", "zeros", "empty"])
async def test_if_it_has_no_data_they_come_from_the_other_store(bench, api, name, first):
    collect, endpoint, group, _ = PARTS[name]
    nothing = rows("model" if name == "model" else "mentor_name", a=0)
    answers = {"fails": NOT_FOUND, "zeros": nothing, "empty": []}
    api.answers = {endpoint: answers[first], DETAILS: by_group}
    assert await bench.values(collect) == {
        f"{name}_cost_7d_usd a": 2.5,
        f"{name}_cost_7d_usd b": 1.5,
        f"{name}_cost_28d_usd a": 2.5,
        f"{name}_cost_28d_usd b": 1.5,
    }
    groups = {call.query["group_by"] for call in api.calls if call.endpoint is DETAILS}
    assert groups == {group}


@pytest.mark.parametrize("name", PARTS)
async def test_if_both_stores_have_zeros_parts_cost_0(bench, api, name):
    collect, endpoint, _, _ = PARTS[name]
    nothing = rows("model" if name == "model" else "mentor_name", a=0)
    api.answers = {endpoint: nothing, DETAILS: zeros}
    assert set((await bench.values(collect)).values()) == {0}


@pytest.mark.parametrize("name", PARTS)
async def test_if_both_fail_the_error_is_that_of_the_first_store(bench, api, name):
    collect, endpoint, _, _ = PARTS[name]
    api.answers = {endpoint: NOT_FOUND, DETAILS: FORBIDDEN}
    with pytest.raises(ApiError) as caught:
        await bench.values(collect)
    assert caught.value is NOT_FOUND


async def test_costs_of_providers_are_requested_for_each_window(bench, api):
    api.answers[DETAILS] = by_group
    found = await bench.values(costs.provider_costs)
    assert found["provider_cost_7d_usd a"] == 2.5
    assert api.requested("group_by", "platform_key", "date_filter", "start_date", "limit") == [
        ("provider", "acme", "custom", "2026-04-29", "100"),
        ("provider", "acme", "custom", "2026-04-08", "100"),
    ]


async def test_a_null_cost_of_a_part_is_absent_and_makes_the_others_unknown(bench, api):
    api.answers[DETAILS] = {"rows": rows("provider", a=None, b="1.5"), "total_cost": None}
    assert set((await bench.values(costs.provider_costs)).values()) == {1.5}


async def test_costs_of_a_single_model_may_be_an_object(bench, api):
    api.answers[MODELS] = {"model": "gpt-4o", "total_cost": 4.25}
    assert (await bench.values(costs.model_costs))["model_cost_7d_usd gpt-4o"] == 4.25


# Agents across pages.


def agents_by_page(agents, per_page, call):
    first = int(call.query["offset"])
    return {
        "count": len(agents),
        "next": None,
        "results": agents[first : first + per_page],
    }


@pytest.mark.parametrize("per_page", [1000, 100, 40, 7])
async def test_agents_with_equal_names_are_added_up_across_pages(bench, api, per_page):
    """150 agents at 1.00, 75 of them with the same name: 150 in total, 75 for the name."""
    named = [agent(n, 1.0, "Coach" if n % 2 else None) for n in range(150)]
    api.answers[AGENTS] = partial(agents_by_page, named, per_page)
    found = await bench.values(costs.agent_costs)
    assert found["agent_cost_7d_usd Coach"] == 75
    of_week = [value for name, value in found.items() if "_7d_" in name]
    assert sum(of_week) == 150
    assert len(of_week) == TOP + 1


async def test_an_agent_that_moves_to_the_next_page_counts_once(bench, api):
    def moving(call):
        first = int(call.query["offset"])
        agents = [agent(n) for n in range(6)]
        page = agents[0:3] if first == 0 else agents[2:6]
        return {"count": 6, "results": page}

    api.answers[AGENTS] = moving
    found = await bench.values(costs.agent_costs)
    assert sum(value for name, value in found.items() if "_7d_" in name) == 6


async def test_the_most_expensive_are_found_on_whatever_page_they_are(bench, api):
    named = [agent(n, float(n)) for n in range(20)]
    api.answers[AGENTS] = partial(agents_by_page, named, 5)
    found = await bench.values(costs.agent_costs)
    assert found["agent_cost_7d_usd Coach 19"] == 19
    assert found["agent_cost_7d_usd other"] == sum(range(10))
    offsets = sorted(int(call.query["offset"]) for call in api.calls)
    assert offsets == [0, 0, 5, 5, 10, 10, 15, 15]


async def test_a_list_that_repeats_its_page_ends(bench, api):
    api.answers[AGENTS] = {"count": 10**6, "results": [agent(1)]}
    assert (await bench.values(costs.agent_costs))["agent_cost_7d_usd Coach 1"] == 1
    assert len(api.calls) == 4


async def test_an_endless_list_of_agents_is_cut_and_counted(bench, api):
    api.answers[AGENTS] = lambda call: {
        "count": 10**6,
        "results": [agent(call.query["offset"])],
    }
    found = await bench.values(costs.agent_costs)
    assert found["agent_cost_7d_usd other"] == MAX_PAGES - TOP
    assert bench.errors == {("costs_permentor", "pages"): 2}


# Spend cap.


async def test_the_spend_cap(bench, api):
    api.answers[endpoints.SPEND_CAP] = SPEND_CAP
    assert await bench.values(costs.spend_cap) == {
        "spend_cap_limit_usd": 100,
        "spend_cap_spent_usd": 40,
        "spend_cap_remaining_usd": 60,
        "spend_cap_exceeded": 0,
    }


async def test_a_disabled_spend_cap_has_no_limit(bench, api):
    api.answers[endpoints.SPEND_CAP] = {"enabled": False, "current_spend_usd": "3"}
    assert await bench.values(costs.spend_cap) == {
        "spend_cap_spent_usd": 3,
        "spend_cap_exceeded": 0,
    }
