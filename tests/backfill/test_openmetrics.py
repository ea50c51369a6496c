from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read

from exporter.backfill import openmetrics
from exporter.backfill.openmetrics import Source, Writer
from exporter.backfill.record import Record
from exporter.backfill.times import Times
from exporter.history.series import DailyValues

LATER = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())
FIRST, SECOND = date(2026, 5, 1), date(2026, 5, 2)
USERS, COURSE = "iblai_active_users_1d", "iblai_course_active_users_1d"
UTC_ORG = Source("acme", ZoneInfo("UTC"), {"org": "acme"})
BERLIN = Source("initech", ZoneInfo("Europe/Berlin"), {"org": "initech", "job": 'a"b'})


@pytest.fixture
def record(tmp_path):
    with Record(tmp_path / "state") as record:
        gauges = {
            (USERS, ()): DailyValues({FIRST: 5.0, SECOND: 7.5}),
            (COURSE, ("b",)): DailyValues({SECOND: 1.0}),
            (COURSE, ("a",)): DailyValues({FIRST: 3.0}),
        }
        record.put_gauges("acme", gauges)
        record.put_gauges("initech", {(USERS, ()): DailyValues({FIRST: 0.0})})
        yield record


@pytest.fixture
def output(tmp_path):
    (tmp_path / "output").mkdir()
    return tmp_path / "output"


def write(record, files, *, sources=(UTC_ORG, BERLIN)):
    return {path.name: count for path, count in Writer(sources, record).write(files)}


def test_a_file_lists_series_after_series_below_the_headers_of_the_page(record, output):
    times = Times(FIRST, SECOND, 43200, LATER)
    assert write(record, {output / "a.om": times.whole()}) == {"a.om": 10}
    lines = (output / "a.om").read_text().splitlines()
    assert lines[0].startswith(f"# HELP {USERS} Unique users with course activity yesterday.")
    assert lines[8].startswith(f"# HELP {COURSE} ")
    assert (
        lines[1:8] + lines[9:]
        == f"""\
# TYPE {USERS} gauge
{USERS}{{org="acme"}} 5.0 1777636800
{USERS}{{org="acme"}} 5.0 1777680000
{USERS}{{org="acme"}} 7.5 1777723200
{USERS}{{org="acme"}} 7.5 1777766400
{USERS}{{job="a\\"b",org="initech"}} 0.0 1777593600
{USERS}{{job="a\\"b",org="initech"}} 0.0 1777636800
# TYPE {COURSE} gauge
{COURSE}{{course_id="a",org="acme"}} 3.0 1777636800
{COURSE}{{course_id="a",org="acme"}} 3.0 1777680000
{COURSE}{{course_id="b",org="acme"}} 1.0 1777723200
{COURSE}{{course_id="b",org="acme"}} 1.0 1777766400
# EOF""".splitlines()
    )


def samples(*paths):
    return sorted(
        (s.name, sorted(s.labels.items()), float(s.timestamp), s.value)
        for path in paths
        for family in read(path.read_text())
        for s in family.samples
    )


@pytest.mark.parametrize("at_once", [1, 3, 32])
def test_files_by_day_contain_together_what_one_file_contains(record, output, monkeypatch, at_once):
    monkeypatch.setattr(openmetrics, "FILES_AT_ONCE", at_once)
    times = Times(FIRST, SECOND, 3600, LATER)
    whole = write(record, {output / "whole": times.whole()})["whole"]
    days = times.utc_days([UTC_ORG.zone, BERLIN.zone])
    parts = {output / str(day): times.within(day) for day in days}
    assert sum(write(record, parts).values()) == whole
    assert samples(*parts) == samples(output / "whole")
    assert [day.day for day in days] == [30, 1, 2, 3]


def test_nothing_is_written_after_the_end(record, output):
    until = int(datetime(2026, 5, 2, 10, tzinfo=UTC).timestamp())
    write(record, {output / "a": Times(FIRST, SECOND, 300, until).whole()}, sources=[UTC_ORG])
    assert max(sample[2] for sample in samples(output / "a")) == until


def test_without_samples_there_is_no_file(record, output):
    nobody = Source("nobody", ZoneInfo("UTC"), {"org": "nobody"})
    section = Times(FIRST, FIRST, 300, LATER).whole()
    assert write(record, {output / "a.om": section}, sources=[nobody]) == {}
    assert list(output.iterdir()) == []


def test_a_file_that_cannot_be_written_does_not_appear(record, output):
    (output / ".a.om.part").mkdir()
    with pytest.raises(OSError, match="part"):
        write(record, {output / "a.om": Times(FIRST, FIRST, 300, LATER).whole()})
    assert not (output / "a.om").exists()
