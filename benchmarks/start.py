"""From the command to the first figures, and memory at rest: three orgs, the real command.

`python -m benchmarks.start`: against a platform that answers at once.
"""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import figures
from benchmarks.measure import ROUNDS, Report, free_port, middle, module, program

ORGS = 3
_COMMAND = Path(sys.executable).with_name("iblai-exporter")
_REST = 20.0


def import_time() -> float:
    """Return the seconds in which all that `serve` needs is imported, beyond Python's own start."""
    took = []
    for code in ("import exporter.service, exporter.cli", "pass"):
        rounds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own code
            rounds.append(time.perf_counter() - began)
        took.append(middle(rounds))
    return took[0] - took[1]


def config(url: str) -> str:
    """Return a configuration of three orgs."""
    orgs = "".join(
        f"  - {{key: {figures.org_name(number)}, user_id: ops, api_key: {'k' * 64}}}\n"
        for number in range(ORGS)
    )
    return f"base_url: {url}\nlog: {{level: error}}\norgs:\n{orgs}"


def ready(url: str) -> bool:
    """Tell whether every org has been tried."""
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:  # noqa: S310 - loopback
            found: bool = answer.status == 200  # noqa: PLR2004 - OK
            return found
    except urllib.error.URLError:
        return False


def main() -> None:
    """Print the table."""
    with TemporaryDirectory() as folder, module("benchmarks.api_server", 50) as platform:
        path = Path(folder) / "iblai.yml"
        path.touch(mode=0o600)
        path.write_text(config(platform.url))
        port = free_port()
        began = time.perf_counter()
        address = f"--listen-address=127.0.0.1:{port}"
        with program(str(_COMMAND), "serve", "--config", path, address, port=port) as child:
            while not ready(child.url):
                time.sleep(0.02)
            first = time.perf_counter() - began
            time.sleep(_REST)
            held = child.memory()
    report = Report(f"Start, {ORGS} orgs", "what", "figure")
    report.row("imports", f"{import_time():.2f} s")
    report.row("from the command to every org tried", f"{first:.2f} s")
    report.row(f"memory after {_REST:.0f} s", f"{held / 1e6:.0f} MB")
    report.show()


if __name__ == "__main__":
    main()
