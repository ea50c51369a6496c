"""The guarantees of the contract, over simulated hours."""

import itertools

import pytest

from exporter.scheduler import excess, stretch
from tests.scheduler.simulation import Collector, Host, demand, demands, orgs


@pytest.mark.parametrize(("k", "hours", "concurrency"), [(1, 2, 16), (2, 4, 16), (5, 8, 8)])
def test_every_collector_of_5000_orgs_is_attempted_every_1_5_k_intervals(k, hours, concurrency):
    collectors = orgs(5000, hanging=0.02, failing=0.05)
    rate = demand(collectors) / k
    host = Host(collectors, rate=rate, concurrency=concurrency)
    host.start_settled(k)
    host.run(hours * 3600)

    gaps = host.gaps()
    assert len(gaps) > 0.9 * len(collectors)
    assert max(gaps.values()) < 1.5 * k
    assert max(gaps.values()) < 1.1 * k, "equally for all but for the spread of 5 %"
    # The longest interval is not starved: as many collections start as in any part of its day.
    long = sum(each.name == "courses" for each in host.started)
    assert long > 0.9 * 5000 * hours / 24 / k * 0.95
    # The rate is used, apart from the margin between requests, and never exceeded.
    if k > 1:
        assert host.sent / (rate * hours * 3600) > 0.96
    assert host.sent <= rate * hours * 3600 + 1


def test_half_of_all_orgs_may_hang_at_the_default_limits():
    collectors = orgs(1000, hanging=0.5, failing=0.05)
    k = demand(collectors) / 20
    assert k < 0.5
    host = Host(collectors, rate=20, concurrency=8)
    host.start_cold()
    host.run(3 * 3600)
    gaps = host.gaps(since=1.5 * 3600)
    assert max(gap for (_, name), gap in gaps.items() if name != "courses") < 1.5


def test_core_values_of_every_org_are_collected_before_any_org_is_polled_again():
    collectors = orgs(1000)
    host = Host(collectors, rate=20, concurrency=8)
    host.start_cold()
    host.run(1800)
    core = [each for each in collectors if each.core]
    last_first = max(each.attempts[0] for each in core)
    seconds = [each.attempts[1] for each in core if len(each.attempts) > 1]
    assert last_first < min(seconds)
    assert last_first < 900
    assert all(each.core for each in itertools.islice(host.started, len(core)))


@pytest.mark.parametrize("count", [100, 1000])
def test_an_org_with_an_interval_of_a_second_slows_down_only_itself(count):
    def run(collectors, capacity):
        weights = excess(demands(collectors))
        host = Host(collectors, rate=capacity * 1.05, concurrency=32, weights=weights)
        host.start_settled(1)
        host.run(3 * 3600)
        return host

    def plain():
        return [
            Collector(f"org{number}", name, interval, requests)
            for number in range(count)
            for name, interval, requests in (("today", 300.0, 2), ("days", 3600.0, 4))
        ]

    capacity = demand(plain())
    alone = run(plain(), capacity).gaps(since=1000)
    greedy = [Collector("greedy", f"c{number}", 1.0, 2) for number in range(7)]
    together = run(plain() + greedy, capacity)
    beside = together.gaps(since=1000)
    assert max(beside[key] / gap for key, gap in alone.items()) < 1.10

    # The spread makes intervals 2.5 % longer on average, which leaves room for as much more.
    room = together.queue_rate * 1.025
    expected = stretch(demands(together.collectors), capacity=room)
    for each in greedy:
        assert 3 * 3600 / len(each.attempts) == pytest.approx(expected.orgs["greedy"], rel=0.35)


def test_a_greedy_org_runs_at_its_own_interval_if_there_is_room():
    collectors = [Collector(f"org{number}", "today", 300.0, 2) for number in range(50)]
    greedy = Collector("greedy", "today", 1.0, 1)
    weights = excess(demands([*collectors, greedy]))
    assert weights["greedy"] > 20
    host = Host([*collectors, greedy], rate=5, concurrency=8, weights=weights)
    host.start_settled(1)
    host.run(3600)
    assert 3600 / len(greedy.attempts) < 1.3
    gaps = host.gaps(since=300)
    assert max(gap for (org, _), gap in gaps.items() if org != "greedy") < 1.1


def test_one_hanging_org_of_twenty_stops_nobody():
    collectors = [
        Collector(f"org{number}", f"c{index}", interval, 2, "hanging" if number == 3 else "healthy")
        for number in range(20)
        for index, interval in enumerate([2.0] * 6 + [4.0] * 6)
    ]
    host = Host(collectors, rate=200, concurrency=64)
    host.start_settled(1)
    host.run(600)
    assert host.most_in_flight["org3"] <= 32
    assert max(host.gaps(since=60).values()) < 1.5


def test_history_collectors_of_1000_orgs_run_beside_those_of_today():
    collectors = [
        Collector(f"org{number}", name, interval, requests)
        for number in range(1000)
        for name, interval, requests in (("today", 300.0, 6), ("days", 3600.0, 20))
    ]
    k = demand(collectors) / 20
    assert k > 1.2
    host = Host(collectors, rate=20, concurrency=8)
    host.start_settled(k)
    host.run(5400)
    assert max(host.gaps().values()) < 1.1 * k


def test_requests_that_take_5_seconds_have_their_time():
    collectors = orgs(30, hanging=0, failing=0)
    host = Host(collectors, rate=20, concurrency=8)
    host.latency = (5.0, 5.0)
    host.start_cold()
    host.run(21 * 60)
    assert all(each.attempts for each in collectors if each.core)
    assert host.queue.in_flight + host.answered == host.sent
