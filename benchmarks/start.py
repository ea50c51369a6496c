"""From the command to the first values, and memory at rest: three orgs, the real command.

`python -m benchmarks.start`: against a platform that responds at once.
"""

import os
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import dataset
from benchmarks.measure import ROUNDS, Report, free_port, module, program

ORGS = 3
_COMMAND = Path(sys.executable).with_name("iblai-exporter")
_REST = 20.0

_SERVE = """
import click
from exporter.cli import main
main.get_command(click.Context(main), "serve")
"""
_FIXED = "import apscheduler.schedulers.asyncio, httpx, prometheus_client, pydantic_settings"
"""Libraries that the exporter cannot do without, and nothing else."""


def import_time(code: str) -> float:
    """Return the processor time in which `code` imports, beyond Python's own start, in seconds."""
    # As after an installation, whatever the environment says of writing bytecode.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    took = []
    for script in (code, "pass"):
        rounds = []
        for _ in range(1 + ROUNDS):  # the first compiles
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", script], check=True, env=environment)  # noqa: S603 - our own code
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            rounds.append(spent)
        took.append(min(rounds))
    return took[0] - took[1]


def config(url: str) -> str:
    """Return a configuration of three orgs."""
    orgs = "".join(
        f"  - {{key: {dataset.org_name(number)}, user_id: ops, api_key: {'k' * 64}}}\n"
        for number in range(ORGS)
    )
    return f"base_url: {url}\nlog: {{level: error}}\norgs:\n{orgs}"


def page_at(url: str) -> str | None:
    """Return the text of a page; None unless the status is 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as found:  # noqa: S310 - loopback
            return str(found.read().decode())
    except urllib.error.URLError:
        return None


def wait(url: str, until: Callable[[str], bool]) -> float:
    """Return the moment at which a page is as wanted."""
    while (text := page_at(url)) is None or not until(text):
        time.sleep(0.02)
    return time.perf_counter()


def values_of_all(page: str) -> bool:
    """Return whether every org has its first value."""
    return page.count("\niblai_active_users_today{") == ORGS


def main() -> None:
    """Print the table."""
    with TemporaryDirectory() as folder, module("benchmarks.api_server", 50) as platform:
        path = Path(folder) / "iblai.yml"
        path.touch(mode=0o600)
        path.write_text(config(platform.url))
        port = free_port()
        imports = {code: import_time(code) for code in (_SERVE, _FIXED)}
        began = time.perf_counter()
        address = f"--listen-address=127.0.0.1:{port}"
        with program(str(_COMMAND), "serve", "--config", path, address, port=port) as child:
            first = wait(f"{child.url}/metrics", values_of_all) - began
            ready = wait(f"{child.url}/-/ready", bool) - began
            time.sleep(_REST)
            held = child.memory()
    report = Report(f"Start, {ORGS} orgs", "what", "result")
    report.row("imports of `serve`, processor time", f"{imports[_SERVE]:.2f} s")
    report.row("of these, the libraries that are fixed", f"{imports[_FIXED]:.2f} s")
    report.row("from the command to the first value of each org", f"{first:.2f} s")
    report.row("from the command until it is ready", f"{ready:.2f} s")
    report.row(f"memory after {_REST:.0f} s", f"{held / 1e6:.0f} MB")
    report.show()


if __name__ == "__main__":
    main()
