from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read

from exporter.backfill.era import Era
from exporter.backfill.openmetrics import Source, Writer

LATER = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())
FIRST, SECOND = date(2026, 5, 1), date(2026, 5, 2)
USERS, COURSE = "iblai_active_users_1d", "iblai_course_active_users_1d"
UTC_ORG = Source("acme", ZoneInfo("UTC"), {"org": "acme"})
BERLIN = Source("initech", ZoneInfo("Europe/Berlin"), {"org": "initech", "job": 'a"b'})


@pytest.fixture
def figures(ledger):
    ledger.put_day("acme", FIRST, {USERS: [((), 5.0)], COURSE: [(("a",), 3.0)]}, whole=True)
    ledger.put_day("acme", SECOND, {USERS: [((), 7.5)], COURSE: [(("b",), 1.0)]}, whole=True)
    ledger.put_day("initech", FIRST, {USERS: [((), 0.0)]}, whole=True)
    return ledger


def test_a_file_reads_series_by_series_with_the_headers_of_the_page(figures, tmp_path):
    era = Era(FIRST, SECOND, 43200, LATER)
    assert Writer([UTC_ORG, BERLIN], figures).write(tmp_path / "a.om", era.whole()) == 10
    assert (
        (tmp_path / "a.om").read_text()
        == """\
# HELP iblai_active_users_1d Unique active users yesterday. Polled from \
/api/ai-analytics/audience/orgs/{org}/active-users/per-course.
# TYPE iblai_active_users_1d gauge
iblai_active_users_1d{org="acme"} 5.0 1777636800
iblai_active_users_1d{org="acme"} 5.0 1777680000
iblai_active_users_1d{org="acme"} 7.5 1777723200
iblai_active_users_1d{org="acme"} 7.5 1777766400
iblai_active_users_1d{job="a\\"b",org="initech"} 0.0 1777593600
iblai_active_users_1d{job="a\\"b",org="initech"} 0.0 1777636800
# HELP iblai_course_active_users_1d Unique active users of the course yesterday. Polled from \
/api/ai-analytics/audience/orgs/{org}/active-users/per-course.
# TYPE iblai_course_active_users_1d gauge
iblai_course_active_users_1d{course_id="a",org="acme"} 3.0 1777636800
iblai_course_active_users_1d{course_id="a",org="acme"} 3.0 1777680000
iblai_course_active_users_1d{course_id="b",org="acme"} 1.0 1777723200
iblai_course_active_users_1d{course_id="b",org="acme"} 1.0 1777766400
# EOF
"""
    )


def samples(*paths):
    return sorted(
        (s.name, sorted(s.labels.items()), float(s.timestamp), s.value)
        for path in paths
        for family in read(path.read_text())
        for s in family.samples
    )


def test_files_by_day_hold_together_what_one_file_holds(figures, tmp_path):
    era = Era(FIRST, SECOND, 3600, LATER)
    writer = Writer([UTC_ORG, BERLIN], figures)
    whole = writer.write(tmp_path / "whole", era.whole())
    days = era.utc_days([UTC_ORG.zone, BERLIN.zone])
    parts = [tmp_path / str(day) for day in days]
    assert sum(writer.write(p, era.within(d)) for p, d in zip(parts, days, strict=True)) == whole
    assert samples(*parts) == samples(tmp_path / "whole")
    assert [day.day for day in days] == [30, 1, 2, 3]


def test_nothing_is_written_after_the_end(figures, tmp_path):
    until = int(datetime(2026, 5, 2, 10, tzinfo=UTC).timestamp())
    Writer([UTC_ORG], figures).write(tmp_path / "a", Era(FIRST, SECOND, 300, until).whole())
    found = samples(tmp_path / "a")
    assert max(s[2] for s in found) == until


def test_without_samples_there_is_no_file(ledger, tmp_path):
    path = tmp_path / "a.om"
    path.write_text("of an earlier time")
    assert Writer([UTC_ORG], ledger).write(path, Era(FIRST, FIRST, 300, LATER).whole()) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_leaves_the_old_one(figures, tmp_path):
    path = tmp_path / "a.om"
    path.write_text("of an earlier time")
    (tmp_path / ".a.om.part").mkdir()
    with pytest.raises(OSError, match="part"):
        Writer([UTC_ORG], figures).write(path, Era(FIRST, FIRST, 300, LATER).whole())
    assert path.read_text() == "of an earlier time"
