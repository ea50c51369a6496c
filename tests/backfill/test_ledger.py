import os
import signal
import stat
import subprocess
import sys
from datetime import date

import pytest

from exporter.api.payloads import Reason
from exporter.backfill.kept import Kept
from exporter.backfill.ledger import Ledger, LedgerError

DAY = date(2026, 5, 1)
FAMILY = "iblai_active_users_1d"


def figures(ledger):
    return list(ledger.figures(FAMILY, "acme", date.min, date.max))


def test_what_was_kept_is_there_in_the_next_run(tmp_path):
    kept = Kept(b'{"data":{},"total":0}', {Reason.DATE: 2})
    with Ledger(tmp_path) as ledger:
        ledger.keep("question", kept)
        ledger.keep("too long", Kept(None, {}))
        ledger.note({"step": "300"})
    with Ledger(tmp_path) as ledger:
        assert ledger.answer("question") == kept
        assert ledger.answer("question").misplaced
        assert ledger.answer("too long") == Kept(None, {})
        assert ledger.answer("other") is None
        assert ledger.asked("too long")
        assert ledger.notes() == {"step": "300"}
        assert ledger.flaws() == 2


def test_a_day_is_replaced_whole_and_files_written_before_are_void(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.put_day("acme", DAY, {FAMILY: [((), 1.0)], "iblai_up": []}, whole=False)
        ledger.wrote("a.om")
        assert ledger.is_written("a.om")
        assert not ledger.is_done("acme", DAY)
        ledger.put_day("acme", DAY, {FAMILY: [(("x",), 2.5)]}, whole=True)
        assert figures(ledger) == [(DAY, [(("x",), 2.5)])]
        assert ledger.is_done("acme", DAY)
        assert not ledger.is_done("globex", DAY)
        assert not ledger.is_written("a.om")
        ledger.put_day("acme", DAY, {}, whole=True)
        assert figures(ledger) == []
        assert not ledger.has_figures("acme")


def test_only_the_owner_can_read_it(tmp_path):
    directory = tmp_path / "new" / "state"
    old = os.umask(0)
    try:
        with Ledger(directory) as ledger:
            ledger.note({"a": "b"})
            files = list(directory.iterdir())
    finally:
        os.umask(old)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} <= {0o600}


def test_two_runs_do_not_share_it(tmp_path):
    with Ledger(tmp_path) as first:
        first.note({"a": "b"})
        with pytest.raises(LedgerError, match="another backfill is at work"):
            Ledger(tmp_path)


def test_a_file_that_is_something_else_is_refused(tmp_path):
    (tmp_path / "backfill.sqlite").write_text("figures " * 1000)
    with pytest.raises(LedgerError, match="remove it to begin anew"):
        Ledger(tmp_path)


def test_what_was_kept_outlives_a_killed_process(tmp_path):
    script = (
        "import sys, pathlib, datetime\n"
        "from exporter.backfill.ledger import Ledger\n"
        "from exporter.backfill.kept import Kept\n"
        "with Ledger(pathlib.Path(sys.argv[1])) as ledger:\n"
        "    for n in range(10**9):\n"
        "        ledger.keep(str(n), Kept(b'{}', {}))\n"
        "        print(n, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if int(line) >= 500:
                process.send_signal(signal.SIGKILL)
                break
    with Ledger(tmp_path) as ledger:
        assert all(ledger.asked(str(n)) for n in range(501))
