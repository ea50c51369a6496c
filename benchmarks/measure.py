"""Processes, their CPU time and memory, and tables of the results."""

import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

ROUNDS = 3
"""Times that each value is measured; the median is reported."""

_START_WITHIN = 30.0
_STOP_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Child:
    """A process under measurement, and the port it serves on."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Return the CPU time of all its threads so far, in seconds, to the microsecond."""
        return time.clock_gettime((~self.pid << 3) | 2)  # CPUCLOCK_SCHED of another process

    def memory(self) -> int:
        """Return its memory in bytes that is not shared with a file."""
        return _status(self.pid, "RssAnon")

    def peak(self) -> int:
        """Return the most memory in bytes that it ever held."""
        return _status(self.pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


@contextmanager
def module(name: str, *arguments: object) -> Iterator[Child]:
    """Run a module that prints its port as soon as it serves, for as long as the context lasts."""
    with _running(sys.executable, "-m", name, *arguments) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.strip().isdecimal():
            raise RuntimeError(f"{name} did not start")
        yield Child(process.pid, int(line))


@contextmanager
def program(name: str, *arguments: object, port: int) -> Iterator[Child]:
    """Run a server that is installed, from the moment its port is open."""
    with _running(name, *arguments) as process:
        end = time.monotonic() + _START_WITHIN
        while not _open(port):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{name} did not start")
            time.sleep(0.05)
        yield Child(process.pid, port)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def _open(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _running(*command: object) -> Iterator[subprocess.Popen[str]]:
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)  # noqa: S603 - no input
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of all `values` lie."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def middle(values: list[float]) -> float:
    """Return the median."""
    return median(values)


class Report:
    """A table that is printed as it is in the documentation."""

    def __init__(self, title: str, *columns: str) -> None:
        self._table = Table(title=title, title_justify="left")
        for place, column in enumerate(columns):
            self._table.add_column(column, justify="right" if place else "left")

    def row(self, *cells: str) -> None:
        """Add a row."""
        self._table.add_row(*cells)

    def show(self) -> None:
        """Print it, and the machine it is about."""
        console = Console(width=120)
        console.print(self._table)
        console.print(machine(), style="dim")


def machine() -> str:
    """Return what the results depend on."""
    parts = ("prometheus-client", "httpx", "aiohttp", "uvicorn", "uvloop", "isal")
    cores = len(
        [1 for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    )
    versions = ", ".join(f"{name} {version(name)}" for name in parts)
    return f"{cores} cores, Python {platform.python_version()}, {versions}"
