"""The gauges of a past day, compared to what the exporter served on that day."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter import catalog, collectors
from exporter.api.errors import RejectedError
from exporter.backfill.collecting import Past, is_per_day
from exporter.backfill.gauges import gauges_of
from exporter.backfill.record import Record
from exporter.collectors.run import Run
from exporter.demo.faults import Fault
from exporter.exposition import Format
from exporter.settings import ApiLimits, Courses, Settings
from exporter.windows import Span
from exporter.wiring import Pipeline
from tests.conftest import FakeClock

DAYS = Span(date(2026, 5, 22), date(2026, 5, 25))
PAST_RUNS = 8
EXTRAS = ("learning", "agents", "costs")


async def served(platform, org, day):
    """Return what an exporter that was started on `day` serves at noon."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(org.timezone))
    platform.moment = noon
    limits = ApiLimits(rate_limit=0, concurrency=16, retries=0)
    pipeline = Pipeline(Settings(orgs=(org,), api=limits), FakeClock(noon))
    pipeline.restore([org])
    for collector in collectors.of(org):
        for _ in range(PAST_RUNS if collector.name == "past_active_users" else 1):
            await pipeline.poller.run_once(org.key, collector.name)
    text = (await pipeline.page.read(Format.TEXT, gzip=False)).decode()
    await pipeline.close()
    return samples_of(text, org)


def samples_of(text, org):
    """Return the values of an org by name and labels."""
    return {
        (s.name, tuple(v for k, v in sorted(s.labels.items()) if k != "org")): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
        if s.labels.get("org") == org.key
    }


async def derived(org, api, directory, *, days=DAYS):
    """Return the gauges of each day by metric and labels, and what could not be collected."""
    with Record(directory) as state:
        past = Past(org=org, days=days, record=state.org(org.key), api=api)
        await past.collect()
        gauges = await gauges_of(org, past)
    found = {day: {} for day in days}
    for (_, series), values in gauges.items():
        for day, value in values.items():
            found[day] |= samples_of(f"{series} {value}\n", org)
    return found, past.gaps


NOT_OF_THE_PAST = {
    metric.name
    for metric in catalog.METRICS
    if metric.name.endswith("_today")
    or "_today_" in metric.name
    or metric.area is catalog.Area.EXPORTER
} | {
    metric.name
    for metric in catalog.METRICS
    if metric.name
    not in {m.name for measure in catalog.WINDOWED for m in measure.metrics()}
    | {catalog.COURSE_INFO.name, catalog.MENTOR_INFO.name}
}


@pytest.mark.parametrize(
    ("how", "more"),
    [
        ({}, {"extras": EXTRAS, "topics": True}),
        ({"range_end": "exclusive"}, {"range_end": "exclusive"}),
        ({}, {"courses": Courses(exclude=".*Bio.*"), "mentors": ("all",)}),
        ({}, {"min_group_size": 8, "percentages": "ratio", "extras": ("learning",)}),
        ({}, {"series_limit": 60}),
        ({}, {"quiet_days": (Span(date(2026, 5, 20), date(2026, 5, 20)),), "timezone": "UTC"}),
    ],
    ids=["extras", "exclusive", "courses", "min_group_size", "series_limit", "quiet_days"],
)
async def test_the_gauges_of_a_past_day_are_those_that_were_served_on_it(
    run, api, tmp_path, how, more
):
    platform = run(**how)
    org = platform.org(**more)
    found, gaps = await derived(org, api, tmp_path / "state")
    assert gaps == []
    # The limit counts current values, too; which courses are kept is compared below.
    limited = "series_limit" in more
    for day in (DAYS.first, DAYS.last):
        expected = {
            key: value
            for key, value in (await served(platform, org, day)).items()
            if key[0] not in NOT_OF_THE_PAST and not (limited and key[1])
        }
        values = {k: v for k, v in found[day].items() if not (limited and k[1])}
        assert values == pytest.approx(expected)
        assert {name for name, _ in values if "_expected" in name}


async def test_whole_courses_are_left_out_at_the_series_limit(run, api, tmp_path):
    platform = run()
    whole, _ = await derived(platform.org(mentors=()), api, tmp_path / "whole")
    limit = min(map(len, whole.values())) - 1
    org = platform.org(mentors=(), series_limit=limit)
    found, _ = await derived(org, api, tmp_path / "limited")
    for day in DAYS:
        assert len(found[day]) <= limit
        courses = {labels[0] for _, labels in found[day] if labels}
        assert len(courses) == 3
        assert found[day] == {
            (name, labels): value
            for (name, labels), value in whole[day].items()
            if not labels or labels[0] in courses
        }


@pytest.mark.parametrize("payload", ["nulls", "null", "words"])
async def test_a_series_that_cannot_be_read_is_absent_and_costs_nothing_else(
    run, api, tmp_path, payload
):
    platform = run()
    whole, _ = await derived(platform.org(), api, tmp_path / "whole")
    platform.plan.add(Fault.parse(f"payload={payload},endpoint=videos/over-time"))
    found, gaps = await derived(platform.org(), api, tmp_path / "state")
    assert [gap.collector.name for gap in gaps] == ["videos"]
    for day in DAYS:
        gone = {key for key in whole[day] if key[0].startswith("iblai_video_completions")}
        assert found[day] == {k: v for k, v in whole[day].items() if k not in gone}


async def test_a_course_that_fails_costs_only_itself(run, api, tmp_path):
    platform = run()
    whole, _ = await derived(platform.org(), api, tmp_path / "whole")
    platform.plan.add(Fault.parse("status=403,endpoint=enrollments/courses/*Bio*"))
    found, gaps = await derived(platform.org(), api, tmp_path / "state")
    assert [(gap.collector.name, gap.items) for gap in gaps] == [("course_enrollments", 1)]
    assert isinstance(gaps[0].error, RejectedError)
    for day in DAYS:
        gone = {
            key for key in whole[day] if "enrollments" in key[0] and key[1] and "Bio" in key[1][0]
        }
        assert len(gone) == 6
        assert found[day] == {k: v for k, v in whole[day].items() if k not in gone}


async def test_an_extra_that_is_not_offered_is_known_as_such(run, api, tmp_path):
    platform = run()
    platform.plan.add(Fault.parse("status=404,endpoint=time/over-time"))
    found, gaps = await derived(platform.org(extras=("learning",)), api, tmp_path / "state")
    assert [(gap.collector.name, gap.not_offered, gap.temporary) for gap in gaps] == [
        ("time", True, False)
    ]
    names = {name for name, _ in found[DAYS.first]}
    assert "iblai_completions_7d" in names
    assert "iblai_time_spent_7d_seconds" not in names


async def test_exactly_the_collectors_of_daily_values_need_only_the_history(
    run, api, tmp_path, monkeypatch
):
    asked = set()
    original = Run.unsettled

    def unsettled(self, series, *, days, part=""):
        asked.add(self.queued.name)
        return original(self, series, days=days, part=part)

    monkeypatch.setattr(Run, "unsettled", unsettled)
    platform = run()
    org = platform.org(extras=("learning", "agents", "costs", "usage"), topics=True)
    with Record(tmp_path / "state") as state:
        past = Past(org=org, days=DAYS, record=state.org(org.key), api=api)
        await past.collect()
    assert past.gaps == []
    assert asked - {"costs"} == {c.name for c in collectors.of(org) if c.daily}
    assert not asked & {c.name for c in collectors.of(org) if is_per_day(c)} - {"costs"}


async def test_a_collector_that_crashes_costs_only_itself(run, api, tmp_path, monkeypatch):
    platform = run()

    def broken(*_, **__):
        raise RuntimeError("a key or a name")

    monkeypatch.setattr("exporter.collectors.chat.parse_sessions", broken)
    found, gaps = await derived(platform.org(mentors=()), api, tmp_path / "state")
    [gap] = gaps
    assert str(gap.error).startswith("acme: unexpected RuntimeError in ")
    assert "a key or a name" not in str(gap.error)
    assert "iblai_enrollments_7d" in {name for name, _ in found[DAYS.last]}
