"""Samples: one by one, in compact form, and packed for the state file."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import catalog
from exporter.samples import Samples, pack, unpack
from tests.fuzz.strategies import JSON

ACTIVE = catalog.ACTIVE_USERS.at("7d")
OF_COURSE = catalog.COURSE_ACTIVE_USERS.at("7d")
ENROLLED = catalog.COURSE_ENROLLMENTS.at("7d")
VIDEOS = catalog.VIDEO_COMPLETIONS.at("7d")


def values(compact):
    return {
        (family.metric.name, *labels): value
        for family in compact
        for labels, value in family.items()
    }


def test_a_value_that_was_not_returned_makes_no_sample_and_a_zero_does():
    samples = Samples()
    samples.add(ACTIVE, None)
    samples.add(VIDEOS, 0)
    assert values(samples.compact()) == {("iblai_video_completions_7d",): 0}
    assert len(samples) == 1


def test_a_label_set_exists_once_whatever_the_api_repeats():
    samples = Samples()
    samples.add(OF_COURSE, 3, "bio")
    samples.add(OF_COURSE, 4, "bio")
    assert values(samples.compact()) == {("iblai_course_active_users_7d", "bio"): 4}


def test_a_column_adds_what_is_known_by_its_one_label():
    samples = Samples()
    samples.add_column(OF_COURSE, {"bio": 3, "art": None})
    samples.add_column(OF_COURSE, {"law": 5})
    samples.add_column(ENROLLED, {"bio": None})
    assert values(samples.compact()) == {
        ("iblai_course_active_users_7d", "bio"): 3,
        ("iblai_course_active_users_7d", "law"): 5,
    }


def test_families_about_the_same_courses_share_their_labels():
    samples = Samples()
    samples.add_column(OF_COURSE, {"bio": 3, "art": 4})
    samples.add_column(ENROLLED, {"bio": 5, "art": 6})
    one, other = samples.compact()
    assert one.labels is other.labels
    one, other = unpack(json.loads(json.dumps(pack(samples.compact()))))
    assert one.labels is other.labels


METRICS = [m for m in catalog.METRICS if m.labels[:1] == ("org",)]
texts = st.text(max_size=8)


@st.composite
def compacts(draw):
    samples = Samples()
    for metric in draw(st.lists(st.sampled_from(METRICS), max_size=6)):
        rows = draw(st.lists(st.tuples(*[texts] * (len(metric.labels) - 1)), max_size=4))
        for labels in rows:
            samples.add(metric, draw(st.floats(allow_nan=False, allow_infinity=False)), *labels)
    return samples.compact()


@given(compacts())
def test_what_was_packed_is_what_is_unpacked(compact):
    assert unpack(json.loads(json.dumps(pack(compact)))) == compact


def test_a_metric_that_the_catalog_no_longer_has_is_left_out():
    samples = Samples()
    samples.add_column(OF_COURSE, {"bio": 3})
    samples.add_column(ENROLLED, {"bio": 5})
    packed = pack(samples.compact())
    packed[0][0] = "iblai_of_an_earlier_version"
    assert values(unpack(packed)) == {("iblai_course_enrollments_7d", "bio"): 5}


@pytest.mark.parametrize(
    "packed",
    [
        [["iblai_active_users_7d", [["extra"]], [1.0]]],
        [["iblai_course_active_users_7d", [[]], [1.0]]],
        [["iblai_course_active_users_7d", [["bio"]], [1.0, 2.0]]],
        [["iblai_course_active_users_7d", [["bio"], ["art"]], [1.0]]],
        [["iblai_course_active_users_7d", [[7]], [1.0]]],
        [["iblai_course_active_users_7d", 3, [1.0]]],
        [["iblai_course_active_users_7d", [["bio"]], ["many"]]],
        [["iblai_course_active_users_7d", [["bio"]], [None]]],
        [["iblai_course_active_users_7d", [["bio"]], [10**400]]],
        [["iblai_course_active_users_7d", [["bio"]], [1e999]]],
        [["iblai_course_active_users_7d"]],
        [[]],
        [3],
        [[["x"], [["bio"]], [1.0]]],
        "text",
        7,
        None,
        {"a": 1},
    ],
)
def test_anything_else_is_an_error(packed):
    with pytest.raises((ValueError, TypeError, IndexError, KeyError)):
        unpack(packed)


PACKED = st.lists(
    st.tuples(
        st.sampled_from([m.name for m in METRICS]) | JSON,
        st.integers(-3, 3) | st.lists(st.lists(JSON, max_size=2), max_size=3) | JSON,
        st.lists(JSON, max_size=3) | JSON,
    ).map(list)
    | JSON,
    max_size=4,
)


@given(PACKED | JSON)
def test_hostile_payloads_give_samples_or_an_error(packed):
    try:
        compact = unpack(packed)
    except (ValueError, TypeError, IndexError, KeyError):
        return
    for family in compact:
        assert family.metric.name in catalog.BY_NAME
        assert len(family.labels) == len(family.values)
        for labels, value in family.items():
            assert len(labels) == len(family.metric.labels) - 1
            assert all(isinstance(label, str) for label in labels)
            assert math.isfinite(value)
