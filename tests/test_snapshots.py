from datetime import UTC, datetime

from exporter import catalog
from exporter.samples import Samples
from exporter.snapshots import Snapshot, SnapshotStore, headline, render

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ACTIVE = catalog.ACTIVE_USERS.at("7d")
OF_COURSE = catalog.COURSE_ACTIVE_USERS.at("7d")


def snapshot(org="acme", collector="active_users", *, courses=None, expires=100.0, value=7):
    samples = Samples()
    samples.add(ACTIVE, value)
    for course in courses or {}:
        samples.add(OF_COURSE, 1, course)
    constants = {"org": org}
    return Snapshot(
        org,
        collector,
        NOON,
        expires,
        render(samples, constants),
        len(samples),
        courses or {},
        headline(samples),
    )


def put(store, made):
    store.put(made, {"org": made.org})


def text(store):
    return b"".join(line for _, found in store.pieces(catalog.METRICS) for line in found).decode()


def test_a_snapshot_is_replaced_whole():
    store = SnapshotStore()
    put(store, snapshot(courses={"bio": "Biology", "art": "Art"}))
    put(store, snapshot(courses={"art": "Art"}, value=8))
    assert text(store) == (
        'iblai_active_users_7d{org="acme"} 8.0\n'
        'iblai_course_active_users_7d{course_id="art",org="acme"} 1.0\n'
        'iblai_course_info{course_id="art",course_name="Art",org="acme"} 1.0\n'
    )


def test_the_name_of_a_course_is_written_once_however_many_collectors_bring_it():
    store = SnapshotStore()
    put(store, snapshot(collector="active_users", courses={"bio": ""}))
    put(store, snapshot(collector="course_videos", courses={"bio": "Biology"}))
    assert text(store).count("iblai_course_info") == 1
    assert 'course_name="Biology"' in text(store)


def test_a_course_that_only_one_collector_still_knows_keeps_its_name():
    store = SnapshotStore()
    put(store, snapshot(collector="active_users", courses={"bio": "Biology"}))
    put(store, snapshot(collector="course_videos", courses={"bio": "Biology"}))
    put(store, snapshot(collector="active_users"))
    assert store.courses("acme") == {"bio": "Biology"}


def test_a_snapshot_vanishes_when_its_time_is_over_and_the_others_stay():
    store = SnapshotStore()
    put(store, snapshot("acme", expires=10.0))
    put(store, snapshot("globex", expires=20.0))
    assert store.expire(9.9) == []
    assert store.expire(10.0) == [("acme", "active_users")]
    assert text(store) == 'iblai_active_users_7d{org="globex"} 7.0\n'


def test_an_org_that_is_dropped_leaves_no_series():
    store = SnapshotStore()
    put(store, snapshot("acme", courses={"bio": "Biology"}))
    store.write(("acme", "telemetry"), {"iblai_up": b"up 1\n"})
    put(store, snapshot("globex"))
    store.drop("acme")
    assert "acme" not in text(store)
    assert "up 1" not in text(store)
    assert "globex" in text(store)


def test_the_lines_of_one_org_are_those_of_no_other():
    store = SnapshotStore()
    put(store, snapshot("acme"))
    put(store, snapshot("globex"))
    found = store.pieces_of("globex", catalog.METRICS)
    assert [(m.name, lines) for m, lines in found] == [
        ("iblai_active_users_7d", [b'iblai_active_users_7d{org="globex"} 7.0\n'])
    ]


def test_every_change_makes_a_new_generation_and_is_told():
    store = SnapshotStore()
    told = []
    store.listeners.append(lambda: told.append(store.generation))
    put(store, snapshot())
    store.remove("acme", "active_users")
    store.remove("acme", "active_users")
    assert told == sorted(set(told))
    assert len(told) == 2


def test_the_headline_holds_the_figures_of_the_org_itself():
    made = snapshot(courses={"bio": "Biology"})
    assert made.headline == {"iblai_active_users_7d": 7}
    assert made.series == 2


def test_its_size_is_that_of_its_text_whatever_comes_and_goes():
    store = SnapshotStore()
    for change in (
        lambda: put(store, snapshot(courses={"bio": "Biology", "art": "Art"})),
        lambda: put(store, snapshot(courses={"art": "Art"}, value=12345)),
        lambda: put(store, snapshot(org="globex", expires=7)),
        lambda: store.expire(8),
        lambda: store.remove("acme", "active_users"),
        lambda: put(store, snapshot()),
        lambda: store.drop("acme"),
    ):
        change()
        assert store.size == len(text(store))
    assert store.size == 0
