"""`series_limit` keeps a stable set of courses, mentors and other parts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import catalog
from exporter.exposition.visible import limit
from tests.exposition.conftest import Served, item

ACTIVE, OF_COURSE = catalog.ACTIVE_USERS.at("7d"), catalog.COURSE_ACTIVE_USERS.at("7d")


def courses(*ids):
    """Return an item with one value of the org, and one value and a name of each course."""
    rows = [(OF_COURSE, 1, id_) for id_ in ids]
    return item((ACTIVE, 7), *rows, courses={id_: id_.upper() for id_ in ids})


def shown(served):
    return {name.split()[1] for name in served.values() if " " in name}


def test_courses_are_kept_by_id_whatever_the_order_of_the_api(served):
    served.configure(series_limit=5)
    served.put("active_users", **{"7d": courses("d", "b", "a", "c")})
    assert shown(served) == {"a", "b"}
    served.put("active_users", **{"7d": courses("c", "d", "a", "b")})
    assert shown(served) == {"a", "b"}


def test_courses_that_were_kept_before_stay_when_a_smaller_id_appears(served):
    served.configure(series_limit=5)
    served.put("active_users", **{"7d": courses("c", "d", "e")})
    assert shown(served) == {"c", "d"}
    served.put("active_users", **{"7d": courses("a", "b", "c", "d", "e")})
    assert shown(served) == {"c", "d"}
    served.put("active_users", **{"7d": courses("a", "b", "d", "e")})
    assert shown(served) == {"a", "d"}


@pytest.mark.parametrize("settings", [{}, {"min_group_size": 1}], ids=["plain", "withholding"])
def test_courses_that_were_served_before_the_limit_was_reached_stay(served, settings):
    served.configure(series_limit=5, **settings)
    served.put("active_users", **{"7d": courses("c", "d")})
    assert shown(served) == {"c", "d"}
    served.put("active_users", **{"7d": courses("a", "b", "c", "d")})
    assert shown(served) == {"c", "d"}


def test_courses_that_were_served_stay_through_a_reload(served):
    served.configure(series_limit=5)
    served.put("active_users", **{"7d": courses("c", "d")})
    served.snapshots.listeners.clear()
    served.put("active_users", **{"7d": courses("a", "b", "c", "d")})
    served.configure(labels={"campus": "north"})
    assert {"a", "b"}.isdisjoint(name.split()[-1] for name in served.values())


def test_at_no_moment_are_more_series_served_than_the_limit(served):
    seen = []
    served.lines.listeners.append(lambda: seen.append(len(served.values())))
    served.configure(series_limit=5)
    for ids in ("cd", "abcd", "efgh", "a", "dcba"):
        served.put("active_users", **{"7d": courses(*ids)})
    assert max(seen) <= 5


def test_the_values_of_the_org_come_first(served):
    served.configure(series_limit=1)
    served.put("active_users", **{"7d": courses("a", "b")})
    assert served.values() == {"active_users_7d": 7}


def test_a_course_is_served_whole_or_not_at_all(served):
    served.put("active_users", **{"7d": courses("a", "b", "c")})
    served.put("course_videos", courses=item(*[(catalog.COURSE_VIDEOS, 5, c) for c in "abc"]))
    for most in range(1, 12):
        served.configure(series_limit=most)
        sizes = Counter(name.split()[1] for name in served.values() if " " in name)
        assert set(sizes.values()) <= {3}
        assert len(served.values()) <= most


def test_names_are_within_the_limit_too(served):
    served.configure(series_limit=3)
    served.put("active_users", **{"7d": courses("a", "b")})
    assert served.values() == {
        "active_users_7d": 7,
        "course_active_users_7d a": 1,
        "course_info a A": 1,
    }


def test_the_number_of_dropped_series_is_a_gauge_that_does_not_grow_with_polls(served):
    served.configure(series_limit=5)
    for _ in range(10):
        served.put("active_users", **{"7d": courses("a", "b", "c", "d")})
        assert served.renderer.dropped("acme")["series_limit"] == 4
    served.put("active_users", **{"7d": courses("a", "b")})
    assert served.renderer.dropped("acme")["series_limit"] == 0


def test_nothing_is_dropped_at_the_limit(served):
    served.configure(series_limit=5)
    served.put("active_users", **{"7d": courses("a", "b")})
    assert len(served.values()) == 5


def test_the_limit_holds_across_collectors(served):
    served.configure(series_limit=6)
    served.put("active_users", **{"7d": courses("a", "b")})
    assert len(served.values()) == 5
    served.put("course_videos", courses=item(*[(catalog.COURSE_VIDEOS, 5, c) for c in "ab"]))
    assert shown(served) == {"a"}
    assert len(served.values()) == 4


def test_models_and_topics_are_parts_as_courses_are(served):
    metric = catalog.MODEL_COST.at("7d")
    served.configure(series_limit=2)
    served.put("model_costs", **{"7d": item(*[(metric, 1, m) for m in ("c", "b", "a")])})
    assert shown(served) == {"a", "b"}


PARTS = st.dictionaries(st.sampled_from([(c,) for c in "abcdefgh"]), st.integers(1, 5), max_size=8)


@given(
    sizes=st.lists(PARTS, max_size=3),
    own=st.integers(0, 5),
    at_most=st.integers(1, 40),
    before=st.frozensets(st.sampled_from([(c,) for c in "abcdefgh"])),
)
def test_what_is_kept_fits_and_what_is_dropped_is_counted(sizes, own, at_most, before):
    total = Counter()
    for part in sizes:
        total.update(part)
    found = limit([*sizes, {(): own}], at_most=at_most, before=before)
    if found.parts is None:
        assert total.total() + own <= at_most
        assert found.dropped == 0
        return
    kept = sum(total[part] for part in found.parts)
    assert kept + own <= max(at_most, own)
    assert found.dropped == total.total() - kept
    again = limit([*sizes, {(): own}], at_most=at_most, before=found.parts)
    assert again.parts == found.parts


@given(st.permutations("abcdef"), st.integers(1, 13))
def test_the_order_in_which_courses_arrive_does_not_matter(order, at_most):
    one, other = Served(), Served()
    for made, ids in ((one, order), (other, "abcdef")):
        made.configure(series_limit=at_most)
        made.put("active_users", **{"7d": courses(*ids)})
    assert one.values() == other.values()


@pytest.mark.parametrize("most", [1, 7, 100])
def test_the_limit_is_never_exceeded(most):
    served = Served()
    served.configure(series_limit=most)
    for count in (3, 10, 1, 60):
        served.put("active_users", **{"7d": courses(*(f"c{n:02}" for n in range(count)))})
        assert len(served.values()) <= most
