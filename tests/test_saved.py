"""What survives a restart, through a real state file."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from exporter import catalog
from exporter.history.state import StateFile
from exporter.history.store import History
from exporter.samples import Samples
from exporter.saved import Attempt, SavedState, identity_of, scope_of
from exporter.settings import Courses, Org
from exporter.snapshots import Item, Snapshots
from tests.conftest import FakeClock

TODAY = date(2026, 5, 6)
ACME = Org(key="acme", user_id="ops", api_key=SecretStr("key-1"))
GLOBEX = Org(key="globex", user_id="ops", api_key=SecretStr("key-2"))
OTHER_IDENTITIES = {
    "address": {"base_url": "https://elsewhere.example"},
    "user": {"user_id": "somebody-else"},
    "key": {"api_key": SecretStr("another-key")},
}
OTHER_SCOPES = {
    "main platform": {"include_main_platform": False},
    "department": {"department_id": 7},
    "time zone": {"timezone": "America/New_York"},
    "end of ranges": {"range_end": "exclusive"},
}
SAME_DATA = {
    "labels": {"labels": {"campus": "north"}},
    "interval": {"interval": 60.0},
    "min_group_size": {"min_group_size": 10},
    "courses": {"courses": Courses(exclude="x")},
    "percentages": {"percentages": "ratio"},
    "mentors": {"mentors": ("m1",)},
}


def item(clock, *, value=7.0):
    samples = Samples()
    samples.add(catalog.ACTIVE_USERS.at("7d"), value)
    samples.add_column(catalog.COURSE_ACTIVE_USERS.at("7d"), {"bio": 3.0, "art": 4.0})
    return Item(
        samples=samples.compact(),
        day=TODAY,
        collected=clock.monotonic(),
        interval=3600.0,
        courses={"bio": "Biology", "art": ""},
        mentors={"m1": "Coach"},
    )


class Process:
    """What one run of the exporter has: a history, snapshots, and the state file."""

    def __init__(self, directory, clock):
        self.clock = clock
        self.problems = []
        self.file = StateFile.open(directory, on_problem=self.problems.append, interval=0.01)
        self.saved = SavedState(self.file, clock)
        self.history = History(on_change=self.saved.history_changed)
        self.snapshots = Snapshots()
        self.snapshots.listeners.append(self.saved.items_changed)
        self.attempts = {}

    def start(self, *orgs):
        self.attempts = self.saved.restore(orgs, self.history, self.snapshots)
        for org in orgs:
            self.saved.register(org, identity_of(org))
        return self

    def collect(self, org, collector="active_users", **items):
        self.snapshots.update(org.key, collector, items)

    def values(self, org, series="active_users"):
        return dict(self.history.series(org.key, series).items())


@pytest.fixture
def begin(tmp_path):
    """Return what starts a process; the one before ends first."""
    running = []

    def start(*orgs, clock=None):
        if running:
            running.pop().saved.close()
        process = Process(tmp_path / "state", clock or FakeClock()).start(*orgs)
        running.append(process)
        return process

    yield start
    for process in running:
        process.saved.close()


def later(seconds):
    """Return the clock of another process: another monotonic origin, so much later."""
    clock = FakeClock(datetime(2026, 5, 6, 12, tzinfo=UTC) + timedelta(seconds=seconds))
    clock._monotonic = 5.0
    return clock


# Which data an org is shown.


@pytest.mark.parametrize("other", OTHER_IDENTITIES.values(), ids=OTHER_IDENTITIES)
def test_address_user_and_key_make_another_identity(other):
    assert identity_of(replace(ACME, **other)) != identity_of(ACME)


@pytest.mark.parametrize("other", {**SAME_DATA, **OTHER_SCOPES}.values())
def test_no_other_setting_makes_another_identity(other):
    assert identity_of(replace(ACME, **other)) == identity_of(ACME)


def test_the_key_is_not_part_of_the_identity_in_plain_text_and_without_one_there_is_none(tmp_path):
    assert "key-1" not in identity_of(ACME)
    assert identity_of(replace(ACME, api_key=None)) == ""
    missing = replace(ACME, api_key=None, api_key_file=tmp_path / "none")
    assert identity_of(missing) == ""


@pytest.mark.parametrize("other", OTHER_SCOPES.values(), ids=OTHER_SCOPES)
def test_settings_that_change_what_a_day_counts_make_another_scope(other):
    assert scope_of(replace(ACME, **other)) != scope_of(ACME)


@pytest.mark.parametrize("other", SAME_DATA.values(), ids=SAME_DATA)
def test_no_other_setting_makes_another_scope(other):
    assert scope_of(replace(ACME, **other)) == scope_of(ACME)


# A restart.


def test_items_history_and_attempts_survive_a_restart(begin):
    first = begin(ACME)
    saved = item(first.clock)
    first.collect(ACME, **{"7d": saved})
    first.history.update("acme", "active_users", days={TODAY: 5.0, TODAY - timedelta(days=1): None})
    first.history.update("acme", "course_enrollments", days={TODAY: 2.0}, part="bio")
    first.saved.save_attempt("acme", "active_users", Attempt(1000.0, 900.0))
    second = begin(ACME, clock=later(600))
    found = second.snapshots.items("acme", "active_users")["7d"]
    assert replace(found, collected=saved.collected) == saved
    assert found.collected == pytest.approx(5.0 - 600)
    assert second.values(ACME) == {TODAY: 5.0, TODAY - timedelta(days=1): None}
    assert second.history.series("acme", "course_enrollments", part="bio").get(TODAY) == 2
    assert second.attempts == {("acme", "active_users"): Attempt(1000.0, 900.0)}


def test_removed_items_and_series_do_not_come_back(begin):
    first = begin(ACME)
    first.collect(ACME, gone=item(first.clock), stays=item(first.clock))
    for part in ("bio", "art"):
        first.history.update("acme", "x", days={TODAY: 1.0}, part=part)
    first.snapshots.keep("acme", "active_users", {"stays"}.__contains__)
    first.history.keep_parts("acme", "x", parts=["art"])
    second = begin(ACME, clock=later(1))
    assert second.snapshots.items("acme", "active_users").keys() == {"stays"}
    assert second.history.parts("acme", "x") == ("art",)


@pytest.mark.parametrize(
    "other", {**OTHER_IDENTITIES, **OTHER_SCOPES}.values(), ids={**OTHER_IDENTITIES, **OTHER_SCOPES}
)
def test_another_identity_or_scope_gets_nothing_of_what_was_saved(begin, other):
    first = begin(ACME, GLOBEX)
    for org in (ACME, GLOBEX):
        first.collect(org, **{"7d": item(first.clock)})
        first.history.update(org.key, "active_users", days={TODAY: 5.0})
    second = begin(replace(ACME, **other), GLOBEX, clock=later(1))
    assert second.snapshots.of("acme") == {}
    assert second.values(ACME) == {}
    assert second.values(GLOBEX) == {TODAY: 5.0}
    third = begin(ACME, clock=later(2))
    assert third.snapshots.of("acme") == {}, "it was removed for good"


@pytest.mark.parametrize("other", SAME_DATA.values(), ids=SAME_DATA)
def test_other_settings_get_all_that_was_saved(begin, other):
    first = begin(ACME)
    first.collect(ACME, **{"7d": item(first.clock)})
    second = begin(replace(ACME, **other), clock=later(1))
    assert second.snapshots.items("acme", "active_users").keys() == {"7d"}


def test_an_org_without_a_readable_key_gets_nothing_and_loses_nothing(begin):
    first = begin(ACME)
    first.collect(ACME, **{"7d": item(first.clock)})
    second = begin(replace(ACME, api_key=None), clock=later(1))
    assert second.snapshots.of("acme") == {}
    third = begin(ACME, clock=later(2))
    assert third.snapshots.items("acme", "active_users").keys() == {"7d"}


# A reload.


def test_a_reload_keeps_what_is_saved(begin):
    """Data that was collected before the reload survives a restart after it."""
    first = begin(ACME)
    first.collect(ACME, **{"7d": item(first.clock)})
    first.history.update("acme", "active_users", days={TODAY: 5.0})
    changed = replace(ACME, labels={"campus": "north"})
    first.saved.register(changed, identity_of(changed))
    second = begin(changed, clock=later(1))
    assert second.snapshots.items("acme", "active_users").keys() == {"7d"}
    assert second.values(ACME) == {TODAY: 5.0}


def test_a_reload_while_the_key_cannot_be_read_keeps_what_is_saved(begin):
    first = begin(ACME)
    first.collect(ACME, **{"7d": item(first.clock)})
    first.saved.register(replace(ACME, api_key=None), "")
    first.saved.register(ACME, identity_of(ACME))
    first.collect(ACME, **{"1d": item(first.clock)})
    second = begin(ACME, clock=later(1))
    assert second.snapshots.items("acme", "active_users").keys() == {"7d", "1d"}


def test_a_reload_with_another_key_removes_what_is_saved(begin):
    first = begin(ACME)
    first.collect(ACME, **{"7d": item(first.clock)})
    other = replace(ACME, api_key=SecretStr("another-key"))
    first.saved.register(other, identity_of(other))
    first.collect(other, **{"1d": item(first.clock)})
    second = begin(other, clock=later(1))
    assert second.snapshots.items("acme", "active_users").keys() == {"1d"}


def test_an_org_that_is_forgotten_is_removed_from_the_file(begin):
    first = begin(ACME, GLOBEX)
    for org in (ACME, GLOBEX):
        first.collect(org, **{"7d": item(first.clock)})
    first.saved.forget("acme")
    second = begin(ACME, GLOBEX, clock=later(1))
    assert second.snapshots.of("acme") == {}
    assert second.snapshots.of("globex") != {}


def test_nothing_is_saved_of_an_org_that_is_not_registered(begin):
    first = begin(ACME)
    first.collect(GLOBEX, **{"7d": item(first.clock)})
    first.history.update("globex", "active_users", days={TODAY: 5.0})
    first.saved.save_attempt("globex", "active_users", Attempt(1.0, 1.0))
    second = begin(ACME, GLOBEX, clock=later(1))
    assert (second.snapshots.of("globex"), second.attempts) == ({}, {})


# Records that cannot be used.


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[1]", b"{}", b"\xff", b"[" * 100_000, b'{"courses": null}', b"[1, 1e999]"],
    ids=lambda payload: payload[:12].decode("latin-1"),
)
@pytest.mark.parametrize("key", ["7d", ".attempt"])
def test_an_unreadable_record_costs_only_itself_and_its_org_is_polled_at_once(begin, payload, key):
    first = begin(ACME, GLOBEX)
    for org in (ACME, GLOBEX):
        first.collect(org, good=item(first.clock))
        first.saved.save_attempt(org.key, "videos", Attempt(1.0, 1.0))
    identity = first.saved._identity("acme")
    first.file.put_snapshot("acme", identity, collector="active_users", item=key, payload=payload)
    second = begin(ACME, GLOBEX, clock=later(1))
    assert second.snapshots.items("acme", "active_users").keys() == {"good"}
    assert second.attempts == {("globex", "videos"): Attempt(1.0, 1.0)}


def test_without_a_state_directory_nothing_is_written_and_nothing_fails(clock):
    saved = SavedState(None, clock)
    saved.register(ACME, identity_of(ACME))
    saved.items_changed("acme", "x", {"7d": item(clock), "1d": None})
    saved.save_attempt("acme", "x", Attempt(1.0, 1.0))
    saved.history_changed("acme", "x", "", None)
    saved.forget("acme")
    assert saved.restore([ACME], History(), Snapshots()) == {}
    saved.close()


def test_no_key_is_in_the_file(begin, tmp_path):
    first = begin(ACME)
    first.collect(ACME, **{"7d": item(first.clock)})
    begin(ACME, clock=later(1))
    files = [path for path in Path(tmp_path / "state").iterdir() if path.is_file()]
    assert files
    assert not any(b"key-1" in path.read_bytes() for path in files)
