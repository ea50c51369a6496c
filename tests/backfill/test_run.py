"""Whole backfills against the simulated platform: what is requested, written and continued."""

import dataclasses
import re
from datetime import UTC, date, datetime

import pytest

from exporter.api.errors import Kind, UnavailableError
from exporter.backfill.estimate import estimate, size_of
from exporter.backfill.job import Job, last_sample
from exporter.backfill.record import StateError
from exporter.check.series import ASSUMED_MENTORS, assumed_size
from exporter.demo.faults import Fault
from tests.backfill.conftest import NOW, Observer, backfill, digests

START, END = date(2026, 6, 20), date(2026, 6, 24)


class Failing:
    """Passes requests on until it breaks after `limit` of them."""

    def __init__(self, api, limit):
        self.api = api
        self.limit = limit

    async def get(self, org, call):
        self.limit -= 1
        if self.limit < 0:
            raise UnavailableError("acme: down", kind=Kind.CONNECTION)
        return await self.api.get(org, call)


@pytest.fixture
def platform(run):
    return run(orgs=2)


@pytest.fixture
def job(platform, tmp_path):
    return Job(
        orgs=(platform.org(mentors=(), timezone="America/New_York"),),
        start=START,
        end=END,
        step=3600,
        until=last_sample(NOW, step=3600),
        output=tmp_path / "history",
        directory=True,
        labels={"job": "iblai"},
    )


@pytest.fixture
async def whole(job, api, platform, tmp_path):
    """Return the digests of an uninterrupted run, after which nothing is recorded."""
    other = dataclasses.replace(job, output=tmp_path / "whole")
    await backfill(other, api)
    platform.recorder.clear()
    return digests(other)


def samples(job):
    for path in job.outputs():
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                series, value, at = line.rsplit(" ", 2)
                yield series, float(value), int(at)


async def test_nothing_is_requested_twice_and_as_much_as_estimated(job, api, platform):
    (org,) = job.orgs
    size = await size_of(api, org)
    assert (size.courses, size.mentors) == (4, 0)
    plan = estimate(job.labeled(org), job.days(org.zone), size, step=job.step)
    platform.recorder.clear()
    await backfill(job, api)
    requests = platform.requested()
    assert len(requests) == len(set(requests)) == plan.requests
    found = list(samples(job))
    # Expected ranges are absent where there is no pattern.
    assert 0.9 * plan.series < len({series for series, _, _ in found}) <= plan.series
    assert 0.9 * plan.samples < len(found) <= plan.samples
    assert plan.size == pytest.approx(sum(p.stat().st_size for p in job.outputs()), rel=0.2)


def test_mentors_that_are_to_be_discovered_are_assumed(job):
    (org,) = job.orgs
    days = job.days(org.zone)

    def plan(*mentors):
        of = dataclasses.replace(org, mentors=mentors)
        return estimate(of, days, assumed_size(of, courses=4), step=3600)

    assert plan("all") == plan(*(f"mentor-{n}" for n in range(ASSUMED_MENTORS)))
    assert plan("all").requests > plan("one").requests


@pytest.mark.parametrize("limit", [0, 1, 7, 23, 60, 200])
async def test_an_interrupted_run_requests_the_rest_and_ends_with_the_same_bytes(
    job, api, platform, whole, limit
):
    first = await backfill(job, Failing(api, limit))
    assert [gap.temporary for gap in first.gaps["acme"]].count(False) == 0
    done = len(platform.requested())
    # A later run at another time ends at the same time.
    second = await backfill(job, api, now=datetime(2026, 7, 9, tzinfo=UTC))
    assert second.gaps == {}
    assert digests(job) == whole
    requests = platform.requested()
    assert done == limit
    # A day whose windows did not all succeed is requested again.
    assert len(requests) <= len(set(requests)) + 3


async def test_a_complete_run_requests_and_writes_nothing(job, api, platform):
    await backfill(job, api)
    before = {path: path.stat().st_mtime_ns for path in job.outputs()}
    platform.recorder.clear()
    await backfill(job, api)
    assert platform.requested() == []
    assert before == {path: path.stat().st_mtime_ns for path in job.outputs()}


async def test_a_file_that_was_removed_is_written_again(job, api, whole):
    await backfill(job, api)
    min(job.outputs()).unlink()
    observer = Observer()
    await backfill(job, api, observer=observer)
    assert observer.files == [min(whole)]
    assert digests(job) == whole


class KilledError(Exception):
    pass


async def test_a_run_killed_while_it_writes_continues_with_the_other_files(job, api, whole):
    class Killer(Observer):
        def wrote(self, path):
            super().wrote(path)
            if len(self.files) == 3:
                raise KilledError

    with pytest.raises(KilledError):
        await backfill(job, api, observer=Killer())
    await backfill(job, api)
    assert digests(job) == whole


async def test_one_file_contains_everything(job, api, whole, tmp_path):
    await backfill(job, api)
    single = dataclasses.replace(job, output=tmp_path / "history.om", directory=False)
    await backfill(single, api)
    assert sorted(samples(single)) == sorted(samples(job))
    assert single.state == tmp_path / "history.om.state"


async def test_an_org_that_cannot_be_reached_costs_the_others_nothing(job, api, platform, tmp_path):
    globex = platform.org(1, mentors=())
    alone = dataclasses.replace(job, orgs=(globex,), output=tmp_path / "alone")
    await backfill(alone, api)
    away = dataclasses.replace(job.orgs[0], base_url="http://127.0.0.1:1")
    both = dataclasses.replace(job, orgs=(away, globex))
    work = await backfill(both, api)
    assert work.empty == ["acme"]
    assert all(gap.temporary for gap in work.gaps["acme"])
    assert list(work.gaps) == ["acme"]
    assert sorted(samples(both)) == sorted(samples(alone))


async def test_what_was_refused_is_added_once_it_is_permitted(job, api, platform, whole):
    platform.plan.add(Fault.parse("status=403,endpoint=videos/over-time,org=acme"))
    work = await backfill(job, api)
    assert [(gap.collector.name, gap.temporary) for gap in work.gaps["acme"]] == [("videos", False)]
    assert digests(job) != whole
    platform.plan.clear()
    platform.recorder.clear()
    await backfill(job, api)
    assert [request[0].rsplit("/", 2)[1:] for request in platform.requested()] == [
        ["videos", "over-time"]
    ]
    assert digests(job) == whole


async def test_a_run_without_an_end_continues_to_the_end_that_it_began_with(job, api, whole):
    await backfill(job, api, end_given=False)
    later = dataclasses.replace(job, end=date(2026, 6, 29))
    await backfill(later, api, end_given=False)
    assert digests(job) == whole


async def test_the_last_three_hours_are_left_to_live_scrapes(job, api):
    now = datetime(2026, 6, 25, 5, 30, tzinfo=UTC)  # half past one in New York
    await backfill(job, api, now=now)
    last = max(at for _, _, at in samples(job))
    assert datetime.fromtimestamp(last, UTC) == datetime(2026, 6, 25, 2, tzinfo=UTC)


async def test_today_is_written_and_no_later_day_is_requested(job, api, platform):
    now = datetime(2026, 6, 26, 3, 30, tzinfo=UTC)  # the evening of the 25th in New York
    later = dataclasses.replace(job, start=date(2026, 6, 24), end=date(2026, 6, 26))
    await backfill(later, api, now=now)
    assert max(path.name for path in job.outputs()) == "2026-06-26.om"
    ends = [dict(query).get("end_date", "") for _, *query in platform.requested()]
    assert max(ends) == "2026-06-25"


@pytest.mark.parametrize(
    ("change", "named"),
    [({"start": date(2026, 6, 19)}, "start"), ({"step": 60}, "step"), ({"labels": {}}, "labels")],
)
async def test_the_state_of_another_job_is_not_used(job, api, change, named):
    await backfill(job, api)
    with pytest.raises(StateError, match=f"another {named}"):
        await backfill(dataclasses.replace(job, **change), api)


async def test_another_interval_is_the_same_job_and_another_zone_is_not(job, api, platform):
    await backfill(job, api)
    platform.recorder.clear()
    (org,) = job.orgs
    await backfill(dataclasses.replace(job, orgs=(dataclasses.replace(org, interval=60.0),)), api)
    assert platform.requested() == []
    other = dataclasses.replace(org, timezone="UTC")
    with pytest.raises(StateError, match="another configuration"):
        await backfill(dataclasses.replace(job, orgs=(other,)), api)


async def test_series_are_complete_and_in_the_order_of_time(job, api):
    await backfill(job, api)
    for path in job.outputs():
        seen, last = set(), None
        for line in path.read_text().splitlines():
            if line.startswith("#"):
                continue
            series, _, at = line.rsplit(" ", 2)
            if series != last:
                assert series not in seen
                seen.add(series)
                last, before = series, 0
            assert int(at) > before
            before = int(at)
            assert re.search(r'job="iblai"', series)


COMMON = re.compile(r"iblai_(course_)?(active_users|enrollments|chat_sessions)_(1d|7d|28d){")
"""Series that both generations of the API have, except active users of courses."""


async def test_history_comes_from_the_newer_family_where_the_seeds_are_gone(
    job, api, run, tmp_path
):
    found = {}
    for generation in ("seeds", "v2"):
        platform = run(generation=generation)
        # The newer family never includes the main platform.
        org = platform.org(timezone="America/New_York", include_main_platform=False)
        of = dataclasses.replace(job, orgs=(org,), output=tmp_path / generation)
        work = await backfill(of, api)
        found[generation] = {(s, at): v for s, v, at in samples(of) if COMMON.match(s)}
    assert {gap.collector.name for gap in work.gaps["acme"]} == {"videos", "past_active_users"}
    series = {series for series, _ in found["v2"]}
    assert len([name for name in series if name.startswith("iblai_course_enrollments_7d")]) == 4
    assert {"active_users", "enrollments", "chat_sessions"} <= {
        match[2] for name in series if (match := COMMON.match(name))
    }
    of_courses = "iblai_course_active_users"
    assert found["v2"] == {
        key: value for key, value in found["seeds"].items() if not key[0].startswith(of_courses)
    }


@pytest.mark.parametrize("limit", [5, 30, 60])
async def test_an_interrupted_run_from_the_newer_family_ends_with_the_same_bytes(
    job, api, run, tmp_path, limit
):
    platform = run(generation="v2")
    job = dataclasses.replace(job, orgs=(platform.org(),))
    other = dataclasses.replace(job, output=tmp_path / "whole")
    await backfill(other, api)
    await backfill(job, Failing(api, limit))
    assert digests(job) != digests(other)
    await backfill(job, api)
    assert digests(job) == digests(other)


async def test_one_404_does_not_end_the_seeds(job, api, platform):
    platform.plan.add(Fault("status", status=404, times=1, endpoint="average-messages*"))
    work = await backfill(job, api)
    assert work.gaps == {}
    assert not [path for path, *_ in platform.requested() if path.startswith("/api/analytics/")]
