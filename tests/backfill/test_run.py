"""Whole runs against the simulated platform: what is asked, what is written, how it goes on."""

import asyncio
import dataclasses
import hashlib
from datetime import UTC, date, datetime

import pytest

from exporter.api.errors import Kind, Unavailable
from exporter.backfill import desk
from exporter.backfill.desk import Unanswered
from exporter.backfill.ledger import Ledger, LedgerError
from exporter.backfill.run import Backfill, Job
from tests.backfill.conftest import NOW, SEEDS
from tests.conftest import FakeClock

START, END = date(2026, 6, 20), date(2026, 6, 24)


class Quiet:
    def __init__(self):
        self.files = []

    def visited(self, org):
        pass

    def wrote(self, path):
        self.files.append(path.name)


class Counting:
    """Passes questions on to the API until it breaks down after `limit` of them."""

    def __init__(self, api, limit=10**9):
        self.api = api
        self.limit = limit
        self.asked = []

    async def get(self, account, call):
        if len(self.asked) >= self.limit:
            raise Unavailable("acme: away", kind=Kind.CONNECTION)
        self.asked.append((call.endpoint.name, tuple(call.query.items())))
        return await self.api.get(account, call)


@pytest.fixture
def job(run, tmp_path):
    platform = run()
    return Job(
        orgs=(platform.org(mentors=(), collectors=SEEDS),),
        start=START,
        end=END,
        step=3600,
        output=tmp_path / "history",
        directory=True,
        labels={"job": "iblai"},
    )


async def backfill(job, api, *, now=NOW, reporter=None):
    """Run it whole and return what was asked, and the digest of each file."""
    counting = api if isinstance(api, Counting) else Counting(api)
    job.output.parent.mkdir(exist_ok=True)
    if job.directory:
        job.output.mkdir(exist_ok=True)
    with Ledger(job.state) as ledger:
        work = Backfill(
            job, api=counting, ledger=ledger, clock=FakeClock(now), reporter=reporter or Quiet()
        )
        await work.ask()
        work.write()
    return counting.asked, digests(job)


def digests(job):
    files = job.output.glob("*.om") if job.directory else [job.output]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def test_every_question_is_put_once_and_as_many_as_planned(job, api):
    with Ledger(None) as ledger:
        counting = Counting(api)
        work = Backfill(job, api=counting, ledger=ledger, clock=FakeClock(NOW), reporter=Quiet())
        share = (await work.foresee())["acme"]
        assert (len(counting.asked), share.asked) == (1, 1)
        await work.ask()
    # Unique users: 3 windows of 5 days, and baselines of 1d and 7d up to 4 weeks before.
    users = {query for name, query in counting.asked if name == "active_users_per_course"}
    assert len(users) == len({(k, w) for k in range(5) for w in (1, 7, 28)}) + 2 * 4 * 5
    assert len(counting.asked) == len(users) + 2 + 1 + 1 + 2 * 4
    assert share.courses == 4
    assert share.requests == len(counting.asked)


async def test_the_plan_tells_series_samples_and_size(job, api):
    with Ledger(None) as ledger:
        work = Backfill(job, api=api, ledger=ledger, clock=FakeClock(NOW), reporter=Quiet())
        share = (await work.foresee())["acme"]
    _, files = await backfill(job, api)
    lines = [
        line
        for name in files
        for line in (job.output / name).read_bytes().splitlines(keepends=True)
        if not line.startswith(b"#")
    ]
    series = {line.partition(b"} ")[0] for line in lines}
    assert share.series == len(series)
    assert share.samples == len(lines)
    assert share.size == pytest.approx(sum(map(len, lines)), rel=0.05)


@pytest.mark.parametrize("limit", [1, 7, 23, 60])
async def test_going_on_asks_for_the_rest_alone_and_ends_in_the_same_bytes(
    job,
    api,
    tmp_path,
    limit,
    monkeypatch,
):
    monkeypatch.setattr(desk, "ATTEMPTS", 1)
    other = dataclasses.replace(job, output=tmp_path / "uninterrupted")
    asked, whole = await backfill(other, api)
    broken = Counting(api, limit)
    with pytest.raises(Unanswered):
        await backfill(job, broken)
    # A later run has another present, and yet ends at the same moment.
    with Ledger(job.state) as ledger:
        ((kept,),) = ledger._db.execute("SELECT count(*) FROM answer")
    rest, files = await backfill(job, api, now=datetime(2026, 7, 9, tzinfo=UTC))
    assert files == whole
    assert set(broken.asked + rest) == set(asked)
    assert len(rest) == len(asked) - kept
    assert limit - kept < 16  # what was under way at the end


async def test_a_run_that_was_complete_asks_nothing_and_writes_nothing(job, api):
    _, files = await backfill(job, api)
    before = {name: (job.output / name).stat().st_mtime_ns for name in files}
    asked, again = await backfill(job, api)
    assert (asked, again) == ([], files)
    assert before == {name: (job.output / name).stat().st_mtime_ns for name in files}


class KillerError(Exception):
    pass


class Killer(Quiet):
    """Ends the run after some files."""

    def wrote(self, path):
        super().wrote(path)
        if len(self.files) == 3:
            raise KillerError


async def test_a_run_that_ends_while_it_writes_goes_on_with_the_files_that_lack(job, api, tmp_path):
    _, whole = await backfill(dataclasses.replace(job, output=tmp_path / "whole"), api)
    with pytest.raises(KillerError):
        await backfill(job, api, reporter=Killer())
    before = {path: path.stat().st_mtime_ns for path in job.output.glob("*.om")}
    assert len(before) == 3
    assert await backfill(job, api) == ([], whole)
    assert before.items() <= {p: p.stat().st_mtime_ns for p in job.output.glob("*.om")}.items()


async def test_a_file_that_was_taken_away_is_written_again(job, api):
    _, files = await backfill(job, api)
    (job.output / min(files)).unlink()
    assert await backfill(job, api) == ([], files)


async def test_one_file_holds_all(job, api, tmp_path):
    _, files = await backfill(job, api)
    single = dataclasses.replace(job, output=tmp_path / "history.om", directory=False)
    await backfill(single, api)
    lines = sorted(single.output.read_text().splitlines())
    parts = [(job.output / name).read_text().splitlines() for name in files]
    kept = [line for line in lines if not line.startswith("#")]
    assert kept == sorted(line for part in parts for line in part if not line.startswith("#"))
    assert single.state == tmp_path / "history.om.state"


async def test_the_last_three_hours_are_left_to_live_scrapes(job, api):
    now = datetime(2026, 6, 25, 5, 30, tzinfo=UTC)  # half past one in New York
    _, files = await backfill(job, api, now=now)
    last = max(
        int(line.rpartition(" ")[2])
        for line in (job.output / max(files)).read_text().splitlines()
        if not line.startswith("#")
    )
    assert datetime.fromtimestamp(last, UTC) == datetime(2026, 6, 25, 2, tzinfo=UTC)


async def test_today_is_written_up_to_three_hours_ago_and_tomorrow_is_not_asked(job, api):
    now = datetime(2026, 6, 26, 3, 30, tzinfo=UTC)  # the evening of the 25th in New York
    later = dataclasses.replace(job, start=date(2026, 6, 24), end=date(2026, 6, 26))
    asked, files = await backfill(later, api, now=now)
    assert max(files) == "2026-06-26.om"
    assert max(dict(query)["end_date"] for _, query in asked) == "2026-06-24"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"start": date(2026, 6, 19)}, "start"),
        ({"step": 60}, "step"),
        ({"labels": {}}, "labels"),
    ],
)
async def test_the_state_of_another_job_is_not_taken_up(job, api, change, named):
    await backfill(job, api)
    with pytest.raises(LedgerError, match=f"another {named}"):
        await backfill(dataclasses.replace(job, **change), api)


async def test_another_key_is_no_other_job_and_another_zone_is(job, api):
    await backfill(job, api)
    (org,) = job.orgs
    asked, _ = await backfill(
        dataclasses.replace(job, orgs=(dataclasses.replace(org, interval=60.0),)), api
    )
    assert asked == []
    with pytest.raises(LedgerError, match="another configuration"):
        await backfill(
            dataclasses.replace(job, orgs=(dataclasses.replace(org, timezone="UTC"),)), api
        )


async def test_a_run_that_is_stopped_leaves_no_task_behind(job, api):
    task = asyncio.create_task(backfill(job, api))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.2)
    assert asyncio.all_tasks() == {asyncio.current_task()}
