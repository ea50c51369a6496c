import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.rounds import Rounds

START = datetime(2026, 3, 8, 3, 59, tzinfo=UTC)


def rounds(*, every, zone="America/New_York", offset=5, missed=lambda count: None):
    return Rounds(
        first=START,
        every=timedelta(seconds=every),
        zone=ZoneInfo(zone),
        after_midnight=timedelta(seconds=offset),
        missed=missed,
    )


def times(trigger, count):
    moment, found = None, []
    for _ in range(count):
        moment = trigger.get_next_fire_time(moment, START)
        found.append(moment)
    return found


def test_complete_days_are_asked_for_right_after_midnight_of_the_org():
    # 05:00 UTC is midnight in New York, until the clocks change that night.
    assert times(rounds(every=3600), 4) == [
        START,
        datetime(2026, 3, 8, 4, 59, tzinfo=UTC),
        datetime(2026, 3, 8, 5, 0, 5, tzinfo=UTC),
        datetime(2026, 3, 8, 6, 0, 5, tzinfo=UTC),
    ]


@given(
    every=st.integers(1, 200_000),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    offset=st.integers(0, 3600),
)
def test_every_day_has_a_run_soon_after_its_midnight_and_runs_are_never_further_apart(
    every, zone, offset
):
    found = times(rounds(every=every, zone=zone, offset=offset), 20)
    for before, after in itertools.pairwise(found):
        assert timedelta(0) < after - before <= timedelta(seconds=every)
        assert after - before <= timedelta(hours=25)


def test_runs_that_passed_while_nothing_ran_are_counted():
    missed = []
    trigger = rounds(every=60, missed=missed.append)
    late = START + timedelta(seconds=150)
    assert runs_until(trigger, late) <= 2
    assert sum(missed) == 2


def test_a_clock_set_right_after_decades_costs_a_few_steps_and_all_runs_are_counted():
    missed = []
    trigger = rounds(every=1, missed=missed.append)
    late = START + timedelta(days=20_000)
    assert runs_until(trigger, late) < 10
    assert sum(missed) == pytest.approx(20_000 * 86400, rel=1e-4)


def runs_until(trigger, late):
    """Return how many runs are due after the first until `late`, as the scheduler asks."""
    moment, count = trigger.get_next_fire_time(None, late), 0
    while moment <= late:
        moment = trigger.get_next_fire_time(moment, late)
        count += 1
    return count
