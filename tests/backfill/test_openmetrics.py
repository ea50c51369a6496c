from datetime import UTC, date, datetime

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read

from exporter.backfill import openmetrics
from exporter.backfill.job import Job
from exporter.backfill.record import Record
from exporter.history.series import DailyValues
from exporter.settings import Org

LATER = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())
FIRST, SECOND = date(2026, 5, 1), date(2026, 5, 2)
USERS, COURSE = "iblai_active_users_1d", "iblai_course_active_users_1d"
UTC_ORG = Org(key="acme", user_id="ops")
BERLIN = Org(key="initech", user_id="ops", timezone="Europe/Berlin")


@pytest.fixture
def record(tmp_path):
    with Record(tmp_path / "state") as record:
        gauges = {
            (USERS, f'{USERS}{{org="acme"}}'): DailyValues({FIRST: 5.0, SECOND: 7.5}),
            (COURSE, f'{COURSE}{{course_id="b",org="acme"}}'): DailyValues({SECOND: 1.0}),
            (COURSE, f'{COURSE}{{course_id="a",org="acme"}}'): DailyValues({FIRST: 3.0}),
        }
        record.put_gauges("acme", gauges)
        series = f'{USERS}{{job="a\\"b",org="initech"}}'
        record.put_gauges("initech", {(USERS, series): DailyValues({FIRST: 0.0})})
        yield record


@pytest.fixture
def output(tmp_path):
    (tmp_path / "output").mkdir()
    return tmp_path / "output"


def job(output, *, orgs=(UTC_ORG, BERLIN), last=SECOND, step=300, until=LATER):
    return Job(
        orgs=orgs,
        start=FIRST,
        end=last,
        step=step,
        until=until,
        output=output,
        directory=output.is_dir(),
        labels={},
    )


def write(record, work):
    return {path.name: count for path, count in openmetrics.write(work, record, work.files())}


def test_a_file_lists_series_after_series_below_the_headers_of_the_page(record, output):
    assert write(record, job(output / "a.om", step=43200)) == {"a.om": 10}
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
    assert write(record, job(output / "whole", step=3600)) == {"whole": 120}
    parts = write(record, job(output, step=3600))
    assert sum(parts.values()) == 120
    assert samples(*(output / name for name in parts)) == samples(output / "whole")
    assert list(parts) == ["2026-04-30.om", "2026-05-01.om", "2026-05-02.om", "2026-05-03.om"]


def test_nothing_is_written_after_the_end(record, output):
    until = int(datetime(2026, 5, 2, 10, tzinfo=UTC).timestamp())
    write(record, job(output / "a", orgs=[UTC_ORG], until=until))
    assert max(sample[2] for sample in samples(output / "a")) == until


def test_without_samples_there_is_no_file(record, output):
    nobody = Org(key="nobody", user_id="ops")
    assert write(record, job(output / "a.om", orgs=[nobody])) == {}
    assert list(output.iterdir()) == []


def test_a_file_that_cannot_be_written_does_not_appear(record, output):
    (output / ".a.om.part").mkdir()
    with pytest.raises(OSError, match="part"):
        write(record, job(output / "a.om", last=FIRST))
    assert not (output / "a.om").exists()
