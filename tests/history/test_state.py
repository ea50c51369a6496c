"""What was put into the state file is there after a restart, for the same org and identity."""

import sqlite3
import stat
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.history.database import APPLICATION_ID, VERSION, Database
from exporter.history.pending import Changes
from tests.history.conftest import DAY, opened, values


def test_history_and_snapshots_survive_a_restart(directory):
    with opened(directory) as state:
        assert state.problem is None
        assert state.persistent
        state.put_history("acme", "me", series="sessions", part="", values=values(1, None, 0))
        state.put_history("acme", "me", series="sessions", part="bot", values=values(2))
        state.put_snapshot("acme", "me", collector="videos", item="c-1", payload=b"\x00\xff")
    with opened(directory) as state:
        content = state.load({"acme": "me"})
    assert content.history == {
        "acme": {("sessions", ""): values(1, None, 0), ("sessions", "bot"): values(2)}
    }
    assert content.snapshots == {"acme": {("videos", "c-1"): b"\x00\xff"}}
    assert content.unreadable == []


def test_the_directory_is_created_and_everything_is_private(directory, file):
    with opened(directory) as state:
        state.put_snapshot("acme", "me", collector="videos", item="", payload=b"1")
        assert state.flush()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {file.name, f"{file.name}-wal", f"{file.name}.lock"} <= modes.keys()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_the_file_says_whose_it_is(directory, file):
    with opened(directory):
        pass
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_only_the_orgs_asked_for_are_loaded(directory):
    with opened(directory) as state:
        for org in ("acme", "beta"):
            state.put_history(org, "me", series="sessions", part="", values=values(1))
            state.put_snapshot(org, "me", collector="videos", item="", payload=b"1")
        assert state.flush()
        content = state.load({"beta": "me", "unknown": "me"})
        assert content.history.keys() == content.snapshots.keys() == {"beta"}
        assert state.load({"acme": "me"}).history.keys() == {"acme"}


def test_values_of_another_identity_are_not_loaded_and_are_removed(directory):
    with opened(directory) as state:
        state.put_snapshot("acme", "old key", collector="videos", item="", payload=b"1")
        assert state.flush()
        assert state.load({"acme": "new key"}).snapshots == {}
        assert state.flush()
        assert state.load({"acme": "old key"}).snapshots == {}


def test_a_value_of_a_new_identity_removes_those_of_the_old_one(directory):
    with opened(directory) as state:
        state.put_snapshot("acme", "old", collector="videos", item="", payload=b"1")
        assert state.flush()
        state.put_snapshot("acme", "new", collector="chat", item="", payload=b"2")
        assert state.flush()
        assert state.load({"acme": "new"}).snapshots == {"acme": {("chat", ""): b"2"}}


def test_what_was_removed_is_gone(directory):
    with opened(directory) as state:
        for org in ("acme", "beta", "gone"):
            state.put_history(org, "me", series="sessions", part="", values=values(1))
            state.put_history(org, "me", series="messages", part="", values=values(1))
            state.put_snapshot(org, "me", collector="videos", item="", payload=b"1")
        assert state.flush()
        state.remove_history("acme", series="sessions", part="")
        state.remove_snapshot("acme", collector="videos", item="")
        state.remove_org("beta")
        state.remove_history("never seen", series="sessions", part="")
        state.keep_orgs(["acme", "beta"])
    with opened(directory) as state:
        content = state.load(dict.fromkeys(("acme", "beta", "gone"), "me"))
    assert content.history == {"acme": {("messages", ""): values(1)}}
    assert content.snapshots == {}


def test_a_row_that_cannot_be_decoded_costs_only_itself(directory, file):
    with opened(directory) as state:
        for series in ("a", "b", "c", "d", "fine"):
            state.put_history("acme", "me", series=series, part="", values=values(1))
        state.put_snapshot("acme", "me", collector="videos", item="x", payload=b"1")
        state.put_snapshot("acme", "me", collector="videos", item="y", payload=b"1")
    with sqlite3.connect(file) as db:
        db.execute("UPDATE history SET daily = x'00' WHERE series = 'a'")
        db.execute("UPDATE history SET daily = 'text' WHERE series = 'b'")
        db.execute("UPDATE history SET first_day = 'yesterday' WHERE series = 'c'")
        db.execute("UPDATE history SET series = CAST(x'ff' AS TEXT) WHERE series = 'd'")
        db.execute("UPDATE snapshots SET item = CAST(x'ff' AS TEXT) WHERE item = 'y'")
    db.close()
    with opened(directory) as state:
        content = state.load({"acme": "me"})
        assert state.problem is None
    assert content.history == {"acme": {("fine", ""): values(1)}}
    assert content.snapshots == {"acme": {("videos", "x"): b"1"}}
    assert len(content.unreadable) == 5


def test_waiting_changes_take_memory_once_per_key(directory):
    with opened(directory, interval=3600) as state:
        for number in range(1000):
            state.put_history("acme", "me", series="sessions", part="", values=values(number))
            state.put_snapshot("acme", "me", collector="videos", item="", payload=b"%d" % number)
        assert len(state._changes.orgs["acme"].history) == 1
        assert len(state._changes.orgs["acme"].snapshots) == 1
        assert state.flush()
        content = state.load({"acme": "me"})
    assert content.history["acme"]["sessions", ""] == values(999)
    assert content.snapshots["acme"]["videos", ""] == b"999"


def test_values_are_saved_as_they_were_when_put(directory):
    with opened(directory, interval=3600) as state:
        mine = values(1)
        state.put_history("acme", "me", series="sessions", part="", values=mine)
        mine.update({DAY: 2})
        assert state.flush()
        assert state.load({"acme": "me"}).history["acme"]["sessions", ""] == values(1)


def test_changes_are_written_without_being_asked(directory):
    with opened(directory, interval=0.01) as state:
        state.put_snapshot("acme", "me", collector="videos", item="", payload=b"1")
        with state._changed:
            assert state._changed.wait_for(lambda: state._finished, timeout=60)
        assert state.load({"acme": "me"}).snapshots["acme"] == {("videos", ""): b"1"}


def test_many_threads_may_put_and_flush(directory):
    with opened(directory, interval=0.01) as state:

        def work(org):
            for number in range(20):
                state.put_snapshot(org, "me", collector="videos", item="", payload=b"%d" % number)
                assert state.flush()
                assert state.load({org: "me"}).snapshots[org]["videos", ""] == b"%d" % number
            done.append(org)

        done = []
        threads = [threading.Thread(target=work, args=(f"org-{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(done) == 4


def test_closing_twice_and_using_it_afterwards_is_harmless(directory):
    with opened(directory) as state:
        state.put_snapshot("acme", "me", collector="videos", item="", payload=b"1")
        state.close()
        state.put_snapshot("acme", "me", collector="videos", item="", payload=b"2")
        assert state.load({"acme": "me"}).snapshots == {}
        state.flush()
    with opened(directory) as state:
        assert state.load({"acme": "me"}).snapshots["acme"] == {("videos", ""): b"1"}


orgs = st.sampled_from(["a", "b"])
identities = st.sampled_from(["me", "you"])
keys = st.sampled_from(["x", "y"])
operations = st.one_of(
    st.tuples(st.just("history"), orgs, identities, keys, st.integers(0, 9)),
    st.tuples(st.just("snapshot"), orgs, identities, keys, st.integers(0, 9)),
    st.tuples(st.just("remove history"), orgs, keys),
    st.tuples(st.just("remove snapshot"), orgs, keys),
    st.tuples(st.just("remove"), orgs),
    st.tuples(st.just("keep"), st.frozensets(orgs)),
    st.tuples(st.just("write")),
    st.tuples(st.just("fail")),
)


def change(changes, operation):
    match operation:
        case "history", org, identity, key, number:
            changes.of(org, identity=identity).history["s", key] = values(number).pack()
        case "snapshot", org, identity, key, number:
            changes.of(org, identity=identity).snapshots["c", key] = b"%d" % number
        case "remove history", org, key:
            changes.of(org).history["s", key] = None
        case "remove snapshot", org, key:
            changes.of(org).snapshots["c", key] = None
        case "remove", org:
            changes.remove(org)
        case "keep", names:
            changes.keep(names)


def apply(model, operation):
    """Apply an operation at once: model is org -> (identity, history, snapshots)."""
    match operation:
        case ("history" | "snapshot") as kind, org, identity, key, number:
            if org not in model or model[org][0] != identity:
                model[org] = (identity, {}, {})
            if kind == "history":
                model[org][1]["s", key] = values(number)
            else:
                model[org][2]["c", key] = b"%d" % number
        case "remove history", org, key if org in model:
            model[org][1].pop(("s", key), None)
        case "remove snapshot", org, key if org in model:
            model[org][2].pop(("c", key), None)
        case "remove", org:
            model.pop(org, None)
        case "keep", names:
            for org in model.keys() - names:
                del model[org]


@settings(max_examples=150)
@given(st.lists(operations, max_size=15))
def test_any_order_of_changes_writes_and_failures_ends_in_the_same_state(
    tmp_path_factory, sequence
):
    database = Database(tmp_path_factory.mktemp("any") / "file", written_by="test")
    try:
        model, failed, newer = {}, Changes(), Changes()
        for operation in [*sequence, ("write",)]:
            change(newer, operation)
            apply(model, operation)
            if operation in {("write",), ("fail",)}:
                failed.add(newer)
                newer = Changes()
            if operation == ("write",):
                database.write(failed)
                failed = Changes()
        for identity in ("me", "you"):
            content = database.read({"a": identity, "b": identity})
            mine = {org: found for org, found in model.items() if found[0] == identity}
            assert content.history == {o: found[1] for o, found in mine.items() if found[1]}
            assert content.snapshots == {o: found[2] for o, found in mine.items() if found[2]}
    finally:
        database.close()


@pytest.mark.parametrize("orgs", [{}, {"acme": "me"}])
def test_loading_an_empty_file_returns_nothing(directory, orgs):
    with opened(directory) as state:
        content = state.load(orgs)
    assert (content.history, content.snapshots, content.unreadable) == ({}, {}, [])


def test_one_series_is_read_by_part(directory):
    with opened(directory) as state:
        for org in ("acme", "globex"):
            for part in ("", "bio"):
                state.put_history(org, "id", series="users", part=part, values=values(1, None, 3))
        state.put_history("acme", "id", series="videos", part="", values=values(9))
        state.flush()
        found = state.load_series("acme", "users")
        assert found == {"": values(1, None, 3), "bio": values(1, None, 3)}
        assert state.load_series("acme", "nothing") == {}
        assert state.load_series("nobody", "users") == {}
