import dataclasses
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.backfill.job import Job
from exporter.settings import Org

LATER = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo"]


def job(start, end, *, step=300, until=LATER, zone="UTC"):
    return Job(
        orgs=(Org(key="acme", user_id="ops", timezone=zone),),
        start=start,
        end=end,
        step=step,
        until=until,
        output=Path("history"),
        directory=True,
        labels={},
    )


def at(*moment, zone="UTC"):
    return int(datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp())


def test_a_day_has_samples_from_after_its_midnight_to_the_next():
    found = job(date(2026, 5, 1), date(2026, 5, 2)).times(
        date(2026, 5, 1), ZoneInfo("America/New_York")
    )
    assert found[0] == at(2026, 5, 1, 0, 5, zone="America/New_York")
    assert found[-1] == at(2026, 5, 2, zone="America/New_York")
    assert len(found) == 288


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25)])
def test_a_day_on_which_clocks_change_is_shorter_or_longer(day, hours):
    assert len(job(day, day).times(day, ZoneInfo("America/New_York"))) == hours * 12


@settings(deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2024, 1, 1), date(2026, 6, 1)),
    length=st.integers(1, 5),
    step=st.sampled_from([15, 60, 300, 420, 3600, 86400]),
    cut=st.integers(0, 7 * 86400),
)
def test_files_by_day_hold_each_sample_once_in_the_order_of_time(zone, first, length, step, cut):
    until = at(first.year, first.month, first.day) + cut
    work = job(first, first + timedelta(days=length - 1), step=step, until=until, zone=zone)
    zone = ZoneInfo(zone)
    days = [first + timedelta(days=n) for n in range(length)]
    whole = [moment for day in days for moment in work.times(day, zone)]
    assert all(moment <= until and moment % step == 0 for moment in whole)
    assert [b - a for a, b in pairwise(whole)] == [step] * (len(whole) - 1)

    def written(files):
        stamps = [work.stamps(zone, file) for file in files.values()]
        return [int(stamp) for days in stamps for day in days.values() for stamp in day]

    assert written(work.files()) == whole
    assert written(dataclasses.replace(work, directory=False).files()) == whole
