"""Calls of language models, and spend caps."""

import json

import pytest

from exporter.api.payloads import NAMELESS, PayloadError, Reason, parse_llm_usage, parse_spend_cap

COST = ("total_cost",)


def usage(rows, measures=COST, group="model", **more):
    body = {"resource": "metrics", "data": rows, "meta": {"limit": 1000}}
    return parse_llm_usage(json.dumps(body).encode(), measures, group, **more)


@pytest.mark.parametrize(
    "member",
    [
        "total_cost",
        "totalCost",
        "sum_total_cost",
        "sumTotalCost",
        "sum_totalCost",
        "total_cost_sum",
        "totalCostSum",
        "totalCost_sum",
    ],
)
@pytest.mark.parametrize("group", ["model", "provided_model_name", "providedModelName"])
def test_a_sum_is_found_in_every_spelling(member, group):
    rows = [{group: "gpt-4o", member: "4.25"}, {group: "haiku", member: 1}]
    assert usage(rows)["total_cost"] == {"gpt-4o": 4.25, "haiku": 1}


@pytest.mark.parametrize(
    "member", ["latency", "latency_p95", "latencyP95", "p95_latency", "p95Latency"]
)
def test_a_percentile_is_found_in_every_spelling(member):
    rows = [{"model": "gpt-4o", member: 1834.5}]
    assert usage(rows, ("latency",), aggregation="p95")["latency"] == {"gpt-4o": 1834.5}


@pytest.mark.parametrize("member", ["count", "count_count", "countCount", "sum_count", "countSum"])
def test_a_count_is_found_in_every_spelling(member):
    assert usage([{"model": "m", member: "12"}], ("count",))["count"] == {"m": 12}


def test_the_requested_aggregation_is_used_of_several():
    row = {"model": "m", "latency": 3, "latency_p50": 1, "latency_p95": 2}
    assert usage([row], ("latency",), aggregation="p95")["latency"] == {"m": 2}
    assert usage([row], ("latency",), aggregation="p50")["latency"] == {"m": 1}


def test_several_measures_have_a_column_each():
    row = {"model": "m", "sum_totalTokens": 9, "inputTokens": 6, "output_tokens_sum": 3}
    columns = usage([row], ("total_tokens", "input_tokens", "output_tokens")).columns
    assert columns == {
        "total_tokens": {"m": 9},
        "input_tokens": {"m": 6},
        "output_tokens": {"m": 3},
    }


def test_rows_of_one_model_are_added_up_but_percentiles_are_not():
    rows = [{"model": "m", "total_cost": 1, "latency": 5}] * 2
    assert usage(rows)["total_cost"] == {"m": 2}
    assert usage(rows, ("latency",), aggregation="p95")["latency"] == {"m": None}


def test_another_group_has_its_own_name_and_no_group_has_none():
    assert usage([{"environment": "live", "total_cost": 1}], group="environment")["total_cost"] == {
        "live": 1
    }
    assert usage([{"total_cost": 1}])["total_cost"] == {NAMELESS: 1}


@pytest.mark.parametrize("model", [None, "", 7, "jane@example.org"])
def test_a_model_without_a_name_or_with_one_of_a_person_counts_without_it(model):
    assert usage([{"model": model, "total_cost": 1}])["total_cost"] == {NAMELESS: 1}


@pytest.mark.parametrize("rows", [[], [[]], None, {}])
def test_an_empty_list_is_no_calls(rows):
    assert usage(rows).columns == {"total_cost": {}}


@pytest.mark.parametrize("raw", [-1, "dear", True, [1]])
def test_an_unreadable_value_costs_only_its_own_row(raw):
    found = usage([{"model": "a", "total_cost": raw}, {"model": "b", "total_cost": 1}])
    assert found["total_cost"] == {"a": None, "b": 1}
    assert found.errors == {Reason.VALUE: 1}


@pytest.mark.parametrize("rows", [[{"model": "m", "price": 1}], [3], [{"total_cost": "x"}], "x", 3])
def test_rows_without_the_measure_are_an_error(rows):
    with pytest.raises(PayloadError):
        usage(rows)


@pytest.mark.parametrize("body", [b"{}", b'{"detail": "bad gateway"}', b"3"])
def test_what_is_no_list_of_usage_is_an_error(body):
    with pytest.raises(PayloadError):
        parse_llm_usage(body, COST, "model")


# Spend caps.

CAP = {
    "interval_type": "month",
    "max_cost_usd": "500.00",
    "current_spend_usd": "120.50",
    "remaining_usd": "379.50",
    "is_exceeded": False,
    "enabled": True,
    "enforcement": "block",
}


def cap(**members):
    return parse_spend_cap(json.dumps({**CAP, **members}).encode())


def test_the_reference_s_own_cap_is_parsed():
    found = cap()
    assert (found.limit, found.spent, found.remaining) == (500, 120.5, 379.5)
    assert (found.enabled, found.exceeded, found.interval) == (True, False, "month")


def test_an_exceeded_cap_may_have_a_negative_remainder():
    found = cap(current_spend_usd=520, remaining_usd="-20.00", is_exceeded=True)
    assert (found.spent, found.remaining, found.exceeded) == (520, -20, True)


def test_a_disabled_cap_has_no_limit_and_is_never_exceeded():
    found = cap(enabled=False, is_exceeded=True)
    assert (found.enabled, found.limit, found.remaining, found.exceeded) == (
        False,
        None,
        None,
        False,
    )
    assert found.spent == 120.5


def test_what_is_not_returned_is_none_and_not_derived():
    found = parse_spend_cap(b'{"max_cost_usd": "500", "remaining_usd": null, "is_exceeded": null}')
    assert (found.limit, found.spent, found.remaining) == (500, None, None)
    assert (found.enabled, found.exceeded) == (True, None)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"detail": "no"}', b'{"max_cost_usd": "lots"}'])
def test_what_is_no_cap_is_an_error(body):
    with pytest.raises(PayloadError):
        parse_spend_cap(body)
