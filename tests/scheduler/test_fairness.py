import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.scheduler import excess, stretch

all_demands = st.dictionaries(st.text(max_size=3), st.floats(1e-4, 100), min_size=1, max_size=30)


def test_a_single_org_is_never_greedy():
    assert excess({"a": 1000.0}) == {}
    assert excess({"a": 1000.0, "off": 0.0}) == {}
    assert excess({}) == {}


def test_of_two_orgs_the_one_with_an_interval_of_a_second_is_greedy():
    found = excess({"a": 1.0, "b": 1 / 300})
    assert found == {"a": pytest.approx(75, rel=0.1)}


def test_orgs_with_equal_demand_are_not_greedy():
    assert excess({"a": 9.0, "b": 9.0}) == {}
    assert excess(dict.fromkeys("abcdef", 9.0)) == {}


def test_an_org_may_have_four_times_the_median_demand():
    demands = dict.fromkeys("abcde", 1.0)
    assert excess(demands | {"f": 4.0}) == {}
    assert excess(demands | {"f": 8.0}) == {"f": 2.0}


@given(all_demands)
def test_there_are_few_different_excesses(demands):
    for factor in excess(demands).values():
        assert factor > 1
        assert math.log2(factor) * 4 == pytest.approx(round(math.log2(factor) * 4))


@given(all_demands, st.floats(0.01, 1000))
def test_what_remains_after_stretching_is_the_capacity(demands, capacity):
    total = sum(demands.values())
    found = stretch(demands, capacity=capacity)
    remains = sum(demand / found.orgs[org] for org, demand in demands.items())
    assert found.k == pytest.approx(max(1.0, total / capacity))
    assert remains == pytest.approx(min(total, capacity), rel=1e-6)


@given(all_demands, st.floats(0.01, 1000))
def test_only_greedy_orgs_stretch_by_more_than_k_and_all_others_equally(demands, capacity):
    found = stretch(demands, capacity=capacity)
    greedy = excess(demands)
    others = {round(found.orgs[org], 9) for org in demands if org not in greedy}
    assert len(others) <= 1
    assert all(1 <= factor <= found.k * (1 + 1e-9) for factor in others)


def test_an_org_with_an_interval_of_a_second_slows_down_only_itself():
    demands = {f"org{number}": 0.02 for number in range(200)} | {"greedy": 7.0}
    found = stretch(demands, capacity=5.0)
    assert found.k == pytest.approx(2.2)
    assert found.orgs["org1"] == 1.0
    assert found.orgs["greedy"] == pytest.approx(7.0)


def test_no_rate_limit_is_no_stretch():
    found = stretch({"a": 5.0}, capacity=0.0)
    assert found.k == 1.0
    assert found.orgs == {"a": 1.0}
    assert stretch({}, capacity=1.0).orgs == {}
