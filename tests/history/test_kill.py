"""A process that is killed at any moment leaves the state of a committed moment."""

import random
import time

import pytest

from exporter.history.database import FILE_NAME
from tests.history.conftest import DAY, opened, process

ITEMS = 20
WRITER = """
import sys
from pathlib import Path
from exporter.history.state import StateFile
from tests.history.conftest import values
state = StateFile.open(Path(sys.argv[1]), interval=0.001)
assert state.problem is None, state.problem
print("open", flush=True)
number = int(sys.argv[2])
while True:
    number += 1
    for item in range(20):
        state.put_snapshot(
            "acme", "me", collector="c", item=str(item), payload=b"%d" % number + bytes(3000)
        )
        state.put_history("acme", "me", series="s", part=str(item), values=values(number))
    assert state.flush()
    print(number, flush=True)
"""


def stored(directory):
    """Return the numbers that the items have, in the order in which they are written."""
    with opened(directory) as state:
        assert state.problem is None
        content = state.load({"acme": "me"})
        assert content.unreadable == []
    snapshots = content.snapshots.get("acme", {})
    history = content.history.get("acme", {})
    numbers = []
    for item in range(ITEMS):
        payload = snapshots.get(("c", str(item)), b"0")
        numbers.append(int(payload.rstrip(b"\0")))
        series = history.get(("s", str(item)))
        numbers.append(0 if series is None else int(series.get(DAY)))
    return numbers


@pytest.mark.parametrize("seed", range(3))
def test_a_process_killed_while_writing_leaves_a_committed_state(directory, seed):
    chance = random.Random(seed)
    confirmed = 0
    for _ in range(5):
        with process(WRITER, directory, confirmed) as writer:
            assert writer.stdout.readline() == "open\n"
            for _ in range(chance.randrange(1, 40)):
                confirmed = int(writer.stdout.readline())
            time.sleep(chance.random() / 50)  # anywhere within a transaction
            writer.kill()
            confirmed = max([confirmed, *map(int, writer.stdout.read().split())])
        numbers = stored(directory)
        # Written in order: what is there is everything confirmed, and the beginning of the next.
        assert min(numbers) >= confirmed
        assert max(numbers) <= confirmed + 1
        assert numbers == sorted(numbers, reverse=True)
        confirmed = max(numbers)


def test_a_process_killed_while_it_creates_the_file_leaves_nothing_that_hinders(tmp_path):
    script = """
import os, sqlite3, sys
from pathlib import Path
from exporter.history import database
from exporter.history.state import StateFile
calls = 0
def killed_at(frame, event, argument):
    global calls
    if event in ("call", "line") and frame.f_code.co_filename == database.__file__:
        calls += 1
        if calls == int(sys.argv[2]):
            os.kill(os.getpid(), 9)
    return killed_at
sys.settrace(killed_at)
StateFile.open(Path(sys.argv[1]))
sys.settrace(None)
print("survived")
"""
    moments = 0
    for moment in range(5, 95, 5):
        with process(script, tmp_path / str(moment), moment) as child:
            survived = child.communicate()[0]
        moments += not survived
        for _ in range(2):
            with opened(tmp_path / str(moment)) as state:
                assert state.problem is None
                state.put_snapshot("acme", "me", collector="c", item="", payload=b"1")
                assert state.flush()
        names = {path.name for path in (tmp_path / str(moment)).iterdir()}
        assert names == {FILE_NAME, f"{FILE_NAME}.lock"}
    assert moments > 5
