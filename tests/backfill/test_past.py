"""The figures of a day that is over, beside those that the service showed on that day."""

from datetime import date, datetime, time

import pytest

from exporter import collectors
from exporter.api.payloads import PayloadError
from exporter.backfill import past
from exporter.backfill.desk import Desk
from exporter.catalog import COURSE_INFO, ORG_FIGURES
from exporter.clock import SystemClock
from exporter.collectors import Rhythm
from exporter.collectors.visit import Visit
from exporter.demo.faults import Fault
from exporter.settings import Courses
from exporter.windows import Span, history
from tests.backfill.conftest import NOW

FIRST, LAST = date(2026, 5, 18), date(2026, 5, 24)


async def shown_then(platform, api, org, day):
    """Return what the collectors bring on `day` itself, at noon, when asked by the service."""
    platform.moment = datetime.combine(day, time(12), org.zone)
    api.forget(org.key)
    shown, courses = {}, {}

    async def known():
        return courses

    wanted = {c.name for c in past.answerable(org)}
    for collector in collectors.of(org):
        if collector.rhythm is Rhythm.HISTORY and collector.name in wanted:
            visit = Visit(
                org=org,
                api=api,
                day=day,
                rhythm=3600,
                priority=1,
                page_size=100,
                kept={},
                courses=known,
                flawed=lambda *_: None,
            )
            try:
                findings = await collector.visit(visit)
            except PayloadError:
                continue
            findings.samples.withhold(below=org.min_group_size)
            courses |= findings.courses
            shown |= {metric.name: sorted(rows.items()) for metric, rows in findings.samples}
    shown[COURSE_INFO.name] = sorted(((c, name), 1) for c, name in courses.items())
    platform.moment = NOW
    return {name: rows for name, rows in shown.items() if rows}


@pytest.mark.parametrize(
    ("how", "more"),
    [
        ({}, {}),
        ({"range_end": "exclusive"}, {"range_end": "exclusive", "timezone": "America/New_York"}),
        ({}, {"min_group_size": 30, "quiet_days": (Span(FIRST, FIRST),)}),
        ({}, {"courses": Courses(include=".*1.*"), "mentors": (), "include_main_platform": True}),
        ({}, {"collectors": {"chat": False}, "courses": Courses(enrollments=False)}),
    ],
)
async def test_the_past_shows_what_the_service_showed_then(run, api, ledger, how, more):
    platform = run(**how)
    org = platform.org(**more)
    hull = Span(history(FIRST).first, history(LAST).last)
    desk = Desk(api, ledger, SystemClock(), hull=hull, reach=20)
    kept = {}
    for day in Span(FIRST, LAST):
        figures = await past.visit(org, day, desk, kept)
        assert figures.failures == []
        rows = figures.rows()
        assert rows == await shown_then(platform, api, org, day)
        assert "iblai_active_users_7d_baseline" in rows


async def test_figures_that_the_api_withholds_are_missing_as_they_were_then(run, api, ledger):
    platform = run()
    org = platform.org()
    platform.plan.add(Fault.parse("payload=nulls,endpoint=videos/over-time"))
    desk = Desk(api, ledger, SystemClock(), hull=Span(history(FIRST).first, LAST))
    figures = await past.visit(org, LAST, desk, {})
    assert [(f.collector, f.lasting) for f in figures.failures] == [("videos", True)]
    assert figures.rows() == await shown_then(platform, api, org, LAST)


async def test_an_endpoint_that_is_refused_costs_its_own_figures_alone(run, api, ledger):
    platform = run()
    org = platform.org()
    platform.plan.add(Fault.parse("kind=status,status=403,endpoint=videos/over-time"))
    desk = Desk(api, ledger, SystemClock(), hull=Span(history(FIRST).first, LAST))
    figures = await past.visit(org, FIRST, desk, {})
    assert [(f.collector, f.lasting) for f in figures.failures] == [("videos", False)]
    rows = figures.rows()
    assert "iblai_enrollments_7d" in rows
    assert not [name for name in rows if name.startswith("iblai_video")]


async def test_whole_courses_are_left_out_where_the_limit_of_series_cuts(run, api, ledger):
    platform = run()
    org = platform.org(series_limit=ORG_FIGURES + 25)
    desk = Desk(api, ledger, SystemClock(), hull=Span(history(FIRST).first, LAST))
    whole = (await past.visit(platform.org(), FIRST, desk, {})).rows()
    rows = (await past.visit(org, FIRST, desk, {})).rows()
    assert sum(map(len, rows.values())) <= ORG_FIGURES + 25
    assert 0 < len(rows[COURSE_INFO.name]) < len(whole[COURSE_INFO.name])
    courses = {labels[0] for labels, _ in rows[COURSE_INFO.name]}
    for name, kept in rows.items():
        if name.startswith("iblai_course"):
            assert {labels[0] for labels, _ in kept} == courses
    assert rows["iblai_active_users_28d"] == whole["iblai_active_users_28d"]
