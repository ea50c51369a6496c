"""Every command of docs/getting-started.md runs, and the notification arrives."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import fetch, free_port, until

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "getting-started.md").read_text()
PORTS = (10880, 9090, 9093, 5001)


def blocks(ports):
    """Return the shell blocks of the page, with free ports and shorter waits."""
    found = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for index, block in enumerate(found):
        for port, free in ports.items():
            block = re.sub(rf"\b{port}\b", str(free), block)  # noqa: PLW2901
        block = block.replace("for: 1m/", "for: 2s/").replace("/interval: 15s/", "/interval: 1s/")  # noqa: PLW2901
        block = block.replace("15s", "1s").replace("10s", "1s")  # noqa: PLW2901
        found[index] = block
    return found


def test_its_commands_lead_from_nothing_to_a_notification(tmp_path):
    ports = {port: free_port() for port in PORTS}
    install, *others = blocks(ports)
    shutil.copytree(ROOT / "deploy" / "prometheus", tmp_path / "deploy" / "prometheus")
    # This environment has what `pip install .` would install.
    assert ".venv/bin/pip install" in install
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    demo = install.splitlines()[1].replace(
        "iblai-exporter demo", f"iblai-exporter demo --listen-address 127.0.0.1:{ports[10880]}"
    )
    # Debian's name for it is another one.
    (tmp_path / "bin").mkdir()
    program = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")
    (tmp_path / "bin" / "alertmanager").symlink_to(program)
    environ = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    (tmp_path / "acme.key").write_text("0123456789abcdef" * 4)
    (tmp_path / "log").touch()
    running = []

    def sh(text):
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(
                ["sh", "-ec", text],
                cwd=tmp_path,
                env=environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        running.append(process)
        assert process.wait(60) == 0, (text, (tmp_path / "log").read_text()[-2000:])

    try:
        sh(demo)
        until(
            lambda: fetch(f"http://127.0.0.1:{ports[10880]}/-/ready")[0] == 200,
            within=60,
            what="the demo",
        )
        look, scrape, notify, result, own = others
        until(lambda: not sh(look), within=30, what="values")
        sh(scrape)
        sh(notify)
        until(lambda: _ok(sh, result), within=120, what="the notification")
        sh(own)
    finally:
        for process in running:
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                continue


def _ok(sh, text):
    try:
        sh(f'test -n "$({text.strip()})"')
    except AssertionError:
        return False
    return True
