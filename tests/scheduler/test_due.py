from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.scheduler import Due, Timetable, spread

HOUR = 3600.0


def failed(due, times, *, at=100.0):
    for _ in range(times):
        due = due.failed(at)
    return due


def test_a_collector_is_due_at_once_and_then_every_interval():
    due = Due(300.0, 100.0, retry=300.0)
    assert due.at() == 100.0
    assert due.succeeded(120.0).at() == 420.0


def test_the_delay_doubles_after_the_first_failure_up_to_6_hours():
    due = Due(300.0, 0.0, retry=300.0)
    delays = [failed(due, times).at() - 100.0 for times in range(1, 12)]
    assert delays[:4] == [300.0, 600.0, 1200.0, 2400.0]
    assert delays[-1] == 6 * HOUR
    assert failed(due, 5000).at() - 100.0 == 6 * HOUR


def test_a_long_interval_delays_no_retry_and_a_retry_above_6_hours_is_not_doubled():
    assert failed(Due(25 * HOUR, 0.0, retry=300.0), 1).at() == 100.0 + 300.0
    assert failed(Due(25 * HOUR, 0.0, retry=300.0), 20).at() == 100.0 + 6 * HOUR
    assert failed(Due(24 * HOUR, 0.0, retry=24 * HOUR), 9).at() == 100.0 + 24 * HOUR


def test_an_attempt_that_sent_no_request_is_repeated_without_a_longer_delay():
    due = Due(HOUR, 0.0, retry=300.0)
    for _ in range(5):
        due = due.postponed(200.0, retry_at=0.0)
    assert due.at() == 500.0
    assert due.postponed(200.0, retry_at=1000.0).at() == 1000.0
    assert failed(due, 2).postponed(100.0, retry_at=0.0).at() == failed(due, 2).at()


def test_404_for_20_seconds_costs_one_interval():
    due = Due(60.0, 0.0, retry=60.0).succeeded(0.0).failed(60.0)
    assert due.at() == 120.0
    assert due.succeeded(120.0).at() == 180.0


def test_a_success_or_a_changed_key_ends_the_backoff():
    due = failed(Due(300.0, 0.0, retry=300.0), 7)
    assert due.backing_off
    assert due.succeeded(900.0).at() == 1200.0
    assert due.reset(900.0).at() == 900.0
    assert due.reset(900.0).failed(900.0).at() == 1200.0


def test_retry_after_may_only_delay():
    due = Due(300.0, 0.0, retry=300.0)
    assert due.failed(100.0, retry_at=1000.0).at() == 1000.0
    assert due.failed(100.0, retry_at=200.0).at() == 400.0
    assert due.failed(100.0, retry_at=1000.0).no_later_than(500.0).at() == 1000.0
    assert due.failed(100.0, retry_at=1000.0).succeeded(1000.0).at() == 1300.0


def test_a_collector_may_be_due_after_midnight_if_that_is_sooner():
    due = Due(6 * HOUR, 0.0, retry=300.0).succeeded(0.0)
    assert due.no_later_than(2 * HOUR).at() == 2 * HOUR
    assert due.no_later_than(7 * HOUR).at() == 6 * HOUR
    assert due.no_later_than(2 * HOUR).succeeded(2 * HOUR).at() == 8 * HOUR
    assert due.no_later_than(2 * HOUR).failed(2 * HOUR).at() == 2 * HOUR + 300.0


def test_a_collector_that_backs_off_ignores_midnight():
    due = Due(2 * HOUR, 0.0, retry=2 * HOUR)
    assert due.failed(0.0).no_later_than(HOUR).at() == HOUR
    assert failed(due, 2, at=0.0).no_later_than(HOUR).at() == 4 * HOUR


def test_a_changed_interval_counts_from_the_last_attempt():
    assert replace(Due(300.0, 0.0, retry=300.0).succeeded(50.0), interval=60.0).at() == 110.0


@given(st.text(), st.text(), st.integers(0, 20), st.floats(1, 1e6))
def test_orgs_differ_by_up_to_5_percent_and_never_come_early(org, collector, failures, interval):
    part = spread(org, collector)
    assert part == spread(org, collector)
    assert 0 <= part <= 0.05
    delay = failed(Due(interval, 0.0, retry=interval, spread=part), failures, at=0.0).at()
    if failures:
        assert interval <= delay <= max(interval * 1.05, 6 * HOUR) * (1 + 1e-9)


def test_orgs_spread_evenly():
    parts = sorted(spread(f"org{number}", "active_users") for number in range(1000))
    for tenth in range(10):
        assert parts[tenth * 100] == pytest.approx(tenth * 0.005, abs=0.004)


class TestTimetable:
    def test_what_is_due_comes_in_order_and_once(self):
        timetable = Timetable()
        timetable.set(("a", "x"), 30.0)
        timetable.set(("b", "x"), 10.0)
        timetable.set(("c", "x"), 20.0)
        timetable.set(("a", "x"), 5.0)
        timetable.remove(("c", "x"))
        timetable.remove(("unknown", "x"))
        assert timetable.next_at() == 5.0
        assert timetable.pop_due(15.0) == [("a", "x"), ("b", "x")]
        assert timetable.pop_due(1000.0) == []
        assert timetable.next_at() is None

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["set", "remove", "pop"]), st.integers(0, 8), st.integers(0, 30)
            ),
            max_size=60,
        )
    )
    def test_it_holds_the_last_time_of_each(self, steps):
        timetable, expected = Timetable(), {}
        for step, number, at in steps:
            key = ("org", str(number))
            if step == "set":
                timetable.set(key, float(at))
                expected[key] = float(at)
            elif step == "remove":
                timetable.remove(key)
                expected.pop(key, None)
            else:
                due = timetable.pop_due(float(at))
                assert sorted(due) == sorted(k for k, when in expected.items() if when <= at)
                times = [expected.pop(k) for k in due]
                assert times == sorted(times)
            assert len(timetable) == len(expected)
            assert timetable.next_at() == min(expected.values(), default=None)

    def test_times_that_no_longer_hold_do_not_pile_up(self):
        timetable = Timetable()
        for number in range(10_000):
            timetable.set(("a", "x"), float(number))
        assert len(timetable._heap) < 200
