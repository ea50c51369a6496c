"""A state file that cannot be used is reported with a remedy and is never fatal."""

import resource
import shutil
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.history.database import FILE_NAME
from exporter.history.state import StateFile
from tests.history.conftest import opened, process, values

ORGS = {"acme": "me"}


def fill(directory, *, count=50):
    with opened(directory) as state:
        for number in range(count):
            put(state, f"item-{number}")
        assert state.flush()


def put(state, item, payload=bytes(2048)):
    state.put_snapshot("acme", "me", collector="videos", item=item, payload=payload)


def assert_memory_only(state, reason, *words):
    assert state.problem.reason == reason
    for word in words:
        assert word in state.problem.message
    assert not state.persistent
    put(state, "x")
    state.put_history("acme", "me", series="sessions", part="", values=values(1))
    state.remove_org("acme")
    state.keep_orgs([])
    assert not state.flush()
    assert not state._changes
    assert state.load(ORGS).snapshots == {}


def assert_works(state):
    put(state, "new", b"1")
    assert state.flush()
    assert state.problem is None
    assert state.load(ORGS).snapshots["acme"]["videos", "new"] == b"1"


def other_application(file):
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE bookmarks (url)")
    db.close()


def foreign_application_id(file):
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA application_id = 252006674")
    db.close()


def newer_version(file):
    fill(file.parent)
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 2")
    db.close()


@pytest.mark.parametrize(
    ("make", "reason", "remedy"),
    [
        (lambda file: file.write_text("my notes\n"), "foreign", "change state_dir"),
        (other_application, "foreign", "change state_dir"),
        (foreign_application_id, "foreign", "change state_dir"),
        (newer_version, "newer", "Use that version"),
    ],
)
def test_a_file_of_something_else_or_a_newer_version_is_not_touched(
    directory, file, make, reason, remedy
):
    directory.mkdir()
    make(file)
    before = file.read_bytes()
    with opened(directory) as state:
        assert_memory_only(state, reason, str(file), remedy)
    assert file.read_bytes() == before
    assert {path.name for path in directory.iterdir()} <= {FILE_NAME, f"{FILE_NAME}.lock"}


def cut(file):
    file.write_bytes(file.read_bytes()[: 8192 + 100])


def cut_in_the_header(file):
    file.write_bytes(file.read_bytes()[:50])


def overwrite_tables(file):
    content = file.read_bytes()
    file.write_bytes(content[:100] + b"\xaa" * 8092 + content[8192:])


def spoil_the_schema(file):
    # SQLite quotes the name in its message, which then is no text either.
    content = file.read_bytes().replace(b"CREATE TABLE history", b"\xff" * 20)
    file.write_bytes(content.replace(b"tablehistory", b"table" + b"\xff" * 7))


def drop_a_table(file):
    with sqlite3.connect(file) as db:
        db.execute("DROP TABLE snapshots")
    db.close()


@pytest.mark.parametrize(
    "damage", [cut, cut_in_the_header, overwrite_tables, spoil_the_schema, drop_a_table]
)
def test_a_corrupt_file_is_renamed_and_a_new_one_is_begun(directory, file, damage):
    fill(directory)
    damage(file)
    damaged = file.read_bytes()
    with opened(directory) as state:
        assert state.problem.reason == "corrupt"
        assert f"renamed to {file}.corrupt" in state.problem.message
        assert state.persistent
        assert state.load(ORGS).snapshots == {}
        assert_works(state)
    assert file.with_name(f"{FILE_NAME}.corrupt").read_bytes() == damaged


def test_damage_found_while_reading_is_reported_and_a_new_file_is_begun(directory, file):
    fill(directory)
    content = file.read_bytes()
    # The second half is payloads, which opening does not read.
    half = len(content) // 2
    file.write_bytes(content[:half] + b"\xaa" * (len(content) - half))
    problems = []
    with opened(directory, on_problem=problems.append) as state:
        assert state.problem is None
        content = state.load(ORGS)
        assert [problem.reason for problem in problems] == ["corrupt"]
        assert content.snapshots == {}
        assert file.with_name(f"{FILE_NAME}.corrupt").exists()
        assert_works(state)
    with opened(directory) as state:
        assert state.problem is None
        assert_works(state)


def test_a_second_corrupt_file_replaces_the_first(directory, file):
    for marker in (b"first", b"second"):
        fill(directory, count=1)
        file.write_bytes(file.read_bytes()[:90] + marker)
        with opened(directory) as state:
            assert state.problem is not None
    fill(directory, count=1)
    file.write_bytes(file.read_bytes()[:50])
    with opened(directory) as state:
        assert state.problem.reason == "corrupt"
    assert len(file.with_name(f"{FILE_NAME}.corrupt").read_bytes()) == 50


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=400)), max_size=6))
def test_no_damage_is_fatal(tmp_path_factory, damages):
    directory = tmp_path_factory.mktemp("damaged")
    fill(directory, count=5)
    file = directory / FILE_NAME
    content = bytearray(file.read_bytes())
    for place, junk in damages:
        start = int(place * len(content))
        content[start : start + len(junk)] = junk
    file.write_bytes(content)
    with opened(directory) as state:
        state.load(ORGS)
        put(state, "new", b"1")
        state.flush()
        if not state.persistent:
            assert state.problem.message
            assert file.read_bytes() == content
    shutil.rmtree(directory)


def test_an_empty_file_is_filled(directory, file):
    directory.mkdir()
    file.touch()
    with opened(directory) as state:
        assert state.problem is None
        assert_works(state)


def test_the_log_of_a_removed_file_does_not_spoil_the_new_one(directory, file):
    with opened(directory) as state:
        put(state, "old")
        assert state.flush()
        log = file.with_name(f"{FILE_NAME}-wal").read_bytes()
    file.unlink()
    file.with_name(f"{FILE_NAME}-wal").write_bytes(log)
    with opened(directory) as state:
        assert state.load(ORGS).snapshots == {}
        assert_works(state)


@pytest.mark.parametrize("place", ["missing/state", "a file/state", "a file"])
def test_a_directory_that_cannot_be_created_is_reported(tmp_path, place):
    (tmp_path / "a file").touch()
    with opened(tmp_path / place) as state:
        assert_memory_only(state, "missing", f"Create the directory {tmp_path / place}")


def test_a_directory_that_cannot_be_written_is_reported(public, unprivileged):
    directory = public / "state"
    fill(directory)
    before = (directory / FILE_NAME).read_bytes()
    for path in directory.iterdir():
        path.chmod(0o444)
    directory.chmod(0o555)
    with unprivileged(), opened(directory) as state:
        assert_memory_only(state, "read_only", "write access")
    assert (directory / FILE_NAME).read_bytes() == before
    directory.chmod(0o755)


def test_a_directory_that_cannot_be_created_for_want_of_rights_is_reported(public, unprivileged):
    public.chmod(0o555)
    with unprivileged(), opened(public / "state") as state:
        assert_memory_only(state, "read_only", "write access")
    public.chmod(0o755)


def test_a_file_that_cannot_be_written_is_reported(public, unprivileged):
    directory = public / "state"
    fill(directory)
    directory.chmod(0o777)
    (directory / f"{FILE_NAME}.lock").chmod(0o666)
    (directory / FILE_NAME).chmod(0o444)
    with unprivileged(), opened(directory) as state:
        assert_memory_only(state, "read_only", "write access")


def test_a_second_exporter_is_kept_out_until_the_first_is_gone(directory):
    script = """
import sys
from pathlib import Path
from exporter.history.state import StateFile
state = StateFile.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""
    with process(script, directory) as other:
        assert other.stdout.readline() == "open\n"
        with opened(directory) as state:
            assert_memory_only(state, "locked", "Give every exporter its own state_dir")
        other.kill()
        other.wait()
        with opened(directory) as state:
            assert state.problem is None
            assert_works(state)


def test_a_file_locked_by_another_program_is_reported(directory, file):
    fill(directory)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with opened(directory) as state:
        assert_memory_only(state, "locked", "in use")
    other.close()


def test_a_disk_without_room_for_a_new_file_is_reported(tmp_path):
    script = """
import resource, sys
from pathlib import Path
from exporter.history.state import StateFile
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
state = StateFile.open(Path(sys.argv[1]))
print(state.problem.reason, state.persistent, state.flush(), "Free space" in state.problem.message)
"""
    with process(script, tmp_path) as child:
        assert child.communicate()[0] == "full False False True\n"
    with opened(tmp_path) as state:
        assert state.problem is None
        assert_works(state)


def test_what_did_not_fit_is_written_once_there_is_room(tmp_path):
    script = """
import resource, sys
from pathlib import Path
from exporter.history.state import StateFile
problems = []
state = StateFile.open(Path(sys.argv[1]), on_problem=problems.append, interval=3600)
def put(count, payload):
    for number in range(count):
        state.put_snapshot(
            "acme", "me", collector="videos", item=str(number), payload=payload * 2048
        )
put(1, b"0")
print(state.flush())
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
put(500, b"1")
print(state.flush(), state.flush(), state.problem.reason, [p.reason for p in problems])
put(1, b"2")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(state.flush(), state.problem)
state.close()
"""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    with process(script, tmp_path) as child:
        lines = child.communicate()[0].splitlines()
    assert lines == ["True", "False False full ['full']", "True None"]
    with opened(tmp_path) as state:
        payloads = state.load(ORGS).snapshots["acme"]
    assert len(payloads) == 500
    assert payloads["videos", "0"] == b"2" * 2048
    assert payloads["videos", "499"] == b"1" * 2048


def limit_pages(state, *, spare):
    """Let SQLite believe that the disk is full after `spare` more pages."""
    with state._database_lock:
        db = state._database._db
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages + spare}")


def test_failed_writes_are_reported_once_and_repeated_without_being_asked(directory):
    problems = []
    with opened(directory, on_problem=problems.append, interval=0.01) as state:
        assert_works(state)
        limit_pages(state, spare=1)
        for number in range(50):
            put(state, f"item-{number}")
        with state._changed:
            assert state._changed.wait_for(lambda: state._failures > 2, timeout=60)
        assert [problem.reason for problem in problems] == ["full"]
        assert state.problem.reason == "full"
        assert state.load(ORGS).snapshots["acme"] == {("videos", "new"): b"1"}
        limit_pages(state, spare=10_000)
        with state._changed:
            assert state._changed.wait_for(lambda: state._failures == 0, timeout=60)
        assert state.problem is None
        assert len(state.load(ORGS).snapshots["acme"]) == 51
        limit_pages(state, spare=0)
        for number in range(50, 100):
            put(state, f"item-{number}")
        assert not state.flush()
        assert [problem.reason for problem in problems] == ["full", "full"]


def test_a_receiver_that_fails_does_not_end_the_writer(directory):
    def broken(problem):
        raise RuntimeError(problem.reason)

    with opened(directory, on_problem=broken, interval=0.01) as state:
        assert_works(state)
        limit_pages(state, spare=0)
        for number in range(50):
            put(state, f"item-{number}")
        assert not state.flush()
        limit_pages(state, spare=1000)
        assert_works(state)


@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_file_removed_while_in_use_is_reported_and_begun_anew(directory, file, what):
    problems = []
    with opened(directory, on_problem=problems.append) as state:
        put(state, "old")
        assert state.flush()
        if what == "file":
            file.unlink()
        else:
            shutil.rmtree(directory)
        put(state, "new", b"1")
        assert state.flush()
        assert [problem.reason for problem in problems] == ["missing"]
        assert "removed or replaced" in problems[0].message
    with opened(directory) as state:
        assert state.load(ORGS).snapshots == {"acme": {("videos", "new"): b"1"}}


def test_closing_with_a_full_disk_ends(directory):
    state = StateFile.open(directory, interval=3600)
    limit_pages(state, spare=0)
    for number in range(50):
        put(state, f"item-{number}")
    state.close()
    assert state.problem.reason == "full"
    assert not state.flush()
    assert not state._thread.is_alive()
