"""All of it: `python -m benchmarks`, about half an hour on two cores.

nginx, Prometheus and Pushgateway must be installed for the parts that compare with them.
"""

import subprocess
import sys

PARTS = ("scrape", "prometheus", "memory", "latency", "polling", "growth", "start")


def main() -> None:
    """Run one part after the other, each in a process of its own."""
    failed = [
        part
        for part in PARTS
        if subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=False).returncode  # noqa: S603
    ]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
