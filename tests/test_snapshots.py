"""Snapshots: items that are replaced, expire and end with their day on their own."""

import json
import math
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import catalog
from exporter.samples import Samples
from exporter.snapshots import Item, Snapshots, decode, encode
from tests.fuzz.strategies import BODIES, JSON

TODAY = date(2026, 5, 6)
ERRORS = (ValueError, TypeError, KeyError, IndexError)


def item(
    *, collected=0.0, interval=100.0, of_day=False, day=TODAY, value=7.0, courses=None, mentors=None
):
    samples = Samples()
    samples.add(catalog.ACTIVE_USERS.at("7d"), value)
    return Item(
        samples=samples.compact(),
        day=day,
        collected=collected,
        interval=interval,
        of_day=of_day,
        courses=courses or {},
        mentors=mentors or {},
    )


@pytest.fixture
def snapshots():
    return Snapshots()


@pytest.fixture
def changes(snapshots):
    found = []
    snapshots.listeners.append(lambda *change: found.append(change))
    return found


def test_an_update_replaces_the_given_items_and_no_others(snapshots):
    snapshots.update("acme", "enrollments", {"bio": item(value=1), "art": item(value=2)})
    new = item(value=3)
    snapshots.update("acme", "enrollments", {"bio": new})
    items = snapshots.items("acme", "enrollments")
    assert items.keys() == {"bio", "art"}
    assert items["bio"] is new


def twice(_org, _collector, item):
    """Return a lifetime of two intervals."""
    return 2 * item.interval


def test_items_expire_on_their_own(snapshots, changes):
    snapshots.update("acme", "videos", {"today": item(interval=5), "org": item(interval=15)})
    snapshots.update("globex", "videos", {"org": item(interval=10)})
    changes.clear()
    for now in (9.9, 10, 10, 25):
        snapshots.expire(now, twice)
    assert snapshots.items("acme", "videos").keys() == {"org"}
    assert changes == [("acme", "videos", {"today": None}), ("globex", "videos", {"org": None})]


def test_an_item_that_is_collected_again_stays(snapshots):
    snapshots.update("acme", "videos", {"org": item(interval=5)})
    snapshots.update("acme", "videos", {"org": item(interval=5, collected=10)})
    snapshots.expire(15, twice)
    assert snapshots.items("acme", "videos").keys() == {"org"}
    snapshots.expire(20, twice)
    assert snapshots.of("acme") == {}


def test_a_lifetime_that_changed_applies_to_items_that_are_there(snapshots):
    snapshots.update("acme", "videos", {"org": item(interval=100)})
    snapshots.expire(150, twice)
    snapshots.expire(160, lambda *_: 500.0, every=True)
    snapshots.expire(499, lambda *_: 500.0)
    assert snapshots.items("acme", "videos").keys() == {"org"}
    snapshots.expire(499, lambda *_: 100.0, every=True)
    assert snapshots.of("acme") == {}


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 100), st.floats(0, 50)), max_size=20)
)
def test_whatever_the_order_nothing_is_served_beyond_its_lifetime(steps):
    snapshots, ends, now = Snapshots(), {}, 0.0
    for key, interval, passed in steps:
        now += passed
        snapshots.update("acme", "x", {key: item(interval=interval, collected=now)})
        ends[key] = now + 2 * interval
        snapshots.expire(now, twice)
        assert snapshots.items("acme", "x").keys() == {k for k, end in ends.items() if end > now}


def test_values_of_a_day_end_with_it_and_complete_days_stay(snapshots, changes):
    snapshots.update("acme", "videos", {"org/today": item(of_day=True), "org": item()})
    snapshots.update("globex", "videos", {"org/today": item(of_day=True)})
    changes.clear()
    snapshots.end_day("acme", TODAY)
    assert changes == []
    snapshots.end_day("acme", TODAY + timedelta(days=1))
    assert snapshots.items("acme", "videos").keys() == {"org"}
    assert snapshots.items("globex", "videos").keys() == {"org/today"}
    assert changes == [("acme", "videos", {"org/today": None})]


def test_items_that_are_not_wanted_are_dropped(snapshots, changes):
    snapshots.update("acme", "enrollments", {"bio": item(), "art": item()})
    changes.clear()
    for _ in range(2):
        snapshots.keep("acme", "enrollments", {"bio"}.__contains__)
    assert changes == [("acme", "enrollments", {"art": None})]


def test_a_collector_or_an_org_is_dropped_whole(snapshots):
    for org in ("acme", "globex"):
        for collector in ("videos", "chat"):
            snapshots.update(org, collector, {"org": item()})
    snapshots.drop("acme", "chat")
    assert snapshots.of("acme").keys() == {"videos"}
    snapshots.drop("acme")
    assert snapshots.of("acme") == {}
    assert snapshots.of("globex").keys() == {"videos", "chat"}
    snapshots.drop("unknown")
    snapshots.drop("unknown", "chat")


def test_names_of_courses_and_mentors_are_those_of_all_items(snapshots):
    names = {"bio": "Biology", "art": ""}
    snapshots.update("acme", "active_users", {"7d": item(courses=names)})
    snapshots.update("acme", "course_videos", {"courses": item(courses={"bio": "", "law": "Law"})})
    snapshots.update("acme", "mentors", {"names": item(mentors={"m1": "Coach"})})
    assert snapshots.courses("acme") == {"bio": "Biology", "art": "", "law": "Law"}
    assert snapshots.mentors("acme") == {"m1": "Coach"}
    snapshots.drop("acme", "active_users")
    assert snapshots.courses("acme") == {"bio": "", "law": "Law"}


def test_an_update_without_items_is_no_change(snapshots, changes):
    snapshots.update("acme", "videos", {})
    assert changes == []
    assert snapshots.of("acme") == {}


def test_an_item_knows_its_number_of_series():
    assert item().series == 1
    assert item(value=None).series == 0


# For the state file.


@given(
    day=st.dates(),
    interval=st.floats(0, 1e6),
    age=st.floats(0, 1e6),
    of_day=st.booleans(),
    names=st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3),
)
def test_a_decoded_item_is_the_encoded_one_on_another_monotonic_clock(
    day, interval, age, of_day, names
):
    before = item(of_day=of_day, day=day, interval=interval, courses=names, mentors=names)
    now = 1.7e9
    after = decode(encode(before, collected=now - age), now=now, monotonic=3.0)
    assert replace(after, collected=0) == replace(before, collected=0)
    assert after.collected == pytest.approx(3.0 - age, abs=1e-3)


def test_an_item_that_was_saved_while_the_clock_was_ahead_is_no_younger_than_now():
    payload = encode(item(), collected=1.8e9)
    assert decode(payload, now=1.7e9, monotonic=3.0).collected == 3.0


VALID = json.loads(encode(item(courses={"bio": "Biology"}), collected=1.7e9))


@given(
    member=st.sampled_from(sorted(VALID)),
    value=JSON,
    missing=st.booleans(),
)
def test_a_record_with_any_other_member_is_an_item_or_an_error(member, value, missing):
    record = {**VALID, member: value}
    if missing:
        del record[member]
    assert_item_or_error(json.dumps(record).encode())


@given(BODIES)
def test_any_payload_is_an_item_or_an_error(payload):
    assert_item_or_error(payload)


def assert_item_or_error(payload):
    try:
        found = decode(payload, now=0.0, monotonic=0.0)
    except ERRORS:
        return
    assert isinstance(found.day, date)
    assert math.isfinite(found.collected + found.interval)
    assert all(isinstance(t, str) for names in (found.courses, found.mentors) for t in names)


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("interval", "Infinity"),
        ("interval", "1e999"),
        ("interval", "NaN"),
        ("collected", "9" * 400),
        ("interval", "9" * 400),
        ("samples", '[["iblai_active_users_7d", [[]], [' + "9" * 400 + "]]]"),
        ("samples", '[["iblai_active_users_7d", [[]], [NaN]]]'),
        ("samples", "[" * 100_000),
        ("courses", "null"),
        ("mentors", "[]"),
        ("day", "7"),
    ],
)
def test_a_record_that_is_out_of_range_is_an_error(member, text):
    record = json.dumps({**VALID, member: "REPLACED"})
    with pytest.raises(ERRORS):
        decode(record.replace('"REPLACED"', text).encode(), now=0.0, monotonic=0.0)
