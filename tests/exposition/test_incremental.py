"""Rendering after each change gives what rendering everything at once gives."""

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import catalog
from exporter.exposition.orgs import OrgRenderer
from exporter.exposition.rendered import RenderedLines
from exporter.settings import Courses
from tests.exposition.conftest import Served, item

COURSES = ("art", "bio", "law")
COLLECTORS = {
    "active_users": (catalog.ACTIVE_USERS.at("7d"), catalog.COURSE_ACTIVE_USERS.at("7d")),
    "course_videos": (catalog.REGISTERED_USERS, catalog.COURSE_VIDEO_WATCHED_RATIO),
    "course_grades": (catalog.AVERAGE_GRADE, catalog.COURSE_AVERAGE_GRADE),
    "enrollments": (catalog.ENROLLMENTS.at("7d"), catalog.COURSE_ENROLLMENTS.at("7d")),
}
values = st.integers(0, 12)
items = st.tuples(values, st.dictionaries(st.sampled_from(COURSES), values), st.booleans())
names = st.sampled_from(sorted(COLLECTORS))
changes = st.one_of(
    st.tuples(st.just("put"), names, st.sampled_from("xy"), items),
    st.tuples(st.just("drop"), names),
    st.tuples(st.just("keep"), names, st.sampled_from("xy")),
    st.tuples(
        st.just("configure"),
        st.fixed_dictionaries(
            {},
            optional={
                "min_group_size": st.sampled_from([0, 5, 100]),
                "courses": st.sampled_from([Courses(), Courses(exclude="a.*")]),
                "labels": st.sampled_from([{}, {"campus": "north"}]),
                "percentages": st.sampled_from(["percent", "ratio"]),
            },
        ),
    ),
)


def apply(served, change):
    kind, *rest = change
    if kind == "configure":
        served.configure(**rest[0])
    elif kind == "drop":
        served.snapshots.drop("acme", rest[0])
    elif kind == "keep":
        served.snapshots.keep("acme", rest[0], lambda key: key == rest[1])
    else:
        name, key, (own, of_courses, named) = rest
        of_org, of_course = COLLECTORS[name]
        rows = [(of_course, value, course) for course, value in of_courses.items()]
        titles = {course: course.title() for course in of_courses} if named else {}
        served.put(name, **{key: item((of_org, own), *rows, courses=titles)})


def rendered_at_once(served):
    """Return what a new renderer makes of the same items and settings."""
    fresh = Served()
    fresh.snapshots = served.snapshots
    fresh.lines = RenderedLines()
    renderer = OrgRenderer(served.snapshots, served.ranges, fresh.lines)
    renderer.configure(served.org)
    served.snapshots.listeners.pop()
    return fresh.samples(), {name: renderer.series("acme", name) for name in COLLECTORS}


@settings(max_examples=150)
@given(st.lists(changes, max_size=12))
def test_any_sequence_of_changes_gives_what_rendering_at_once_gives(sequence):
    served = Served()
    for change in sequence:
        apply(served, change)
        samples, counts = rendered_at_once(served)
        assert served.samples() == samples
        assert {name: served.renderer.series("acme", name) for name in COLLECTORS} == counts


@settings(max_examples=100)
@given(st.lists(changes, max_size=12), st.integers(1, 12))
def test_under_any_limit_whole_courses_are_served_and_all_others_are_counted(sequence, most):
    served, unlimited = Served(), Served()
    served.configure(series_limit=most)
    for change in sequence:
        for one in (served, unlimited):
            apply(one, change)
        found, everything = served.samples(), unlimited.samples()
        assert found.items() <= everything.items()
        dropped = served.renderer.dropped("acme")["series_limit"]
        assert len(everything) - len(found) == dropped
        own = {key for key in everything if not any(k == "course_id" for k, _ in key[1])}
        assert own <= found.keys()
        assert len(found) <= max(most, len(own))
