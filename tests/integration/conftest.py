"""Real processes on loopback: the exporter's own command, and Debian's Prometheus."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

EXPORTER = Path(sys.executable).with_name("iblai-exporter")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def until(condition, *, within=30.0, what="it"):
    """Return the first true value of `condition`."""
    end = time.monotonic() + within
    while True:
        try:
            if found := condition():
                return found
        except OSError:
            pass
        assert time.monotonic() < end, f"{what} did not happen within {within} s"
        time.sleep(0.05)


def fetch(url, *, accept="", timeout=10.0, method="GET", headers=None):
    """Return status, headers and body, whatever the status."""
    request = urllib.request.Request(
        url, headers={"Accept": accept, **(headers or {})}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


class Process:
    """A program that runs while the context lasts; what it says is kept in `log`."""

    def __init__(self, *command, cwd, env=None):
        self.command = [str(part) for part in command]
        self.log = Path(cwd) / f"{Path(self.command[0]).name}.log"
        self._env = {**os.environ, **(env or {})}
        self._cwd = cwd

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self._cwd, env=self._env, stdout=log, stderr=log
            )
        return self

    def __exit__(self, *_):
        self.stop()

    def said(self):
        return self.log.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, within=10.0):
        """End it as an operator would, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(within)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return self.process.returncode


class Exporter(Process):
    """`iblai-exporter` with a command that serves."""

    def __init__(self, command, *arguments, cwd, env=None, port=None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        address = f"127.0.0.1:{self.port}"
        super().__init__(
            EXPORTER, command, "--listen-address", address, *arguments, cwd=cwd, env=env
        )

    def wait(self, path="/-/ready", within=90.0):
        def there():
            assert self.process.poll() is None, self.said()
            return fetch(self.url + path)[0] == 200

        until(there, within=within, what=f"{path} of the exporter")
        return self

    def metrics(self, accept=""):
        return fetch(f"{self.url}/metrics", accept=accept)[2]


class Prometheus(Process):
    """Debian's Prometheus with a configuration of the test's."""

    def __init__(self, config, *, cwd, flags=()):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        path = Path(cwd) / "prometheus.yml"
        path.write_text(config)
        super().__init__(
            shutil.which("prometheus"),
            f"--config.file={path}",
            f"--storage.tsdb.path={Path(cwd) / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
            *flags,
            cwd=cwd,
        )

    def wait(self, within=90.0):
        until(lambda: fetch(f"{self.url}/-/ready")[0] == 200, within=within, what="Prometheus")
        return self

    def get(self, path, **query):
        encoded = urllib.parse.urlencode(query)
        # A busy machine may take long over a thousand orgs; Prometheus gives up after two minutes.
        status, _, body = fetch(f"{self.url}/api/v1/{path}?{encoded}", timeout=120)
        answer = json.loads(body)
        assert status == 200, answer
        return answer["data"]

    def query(self, expression, **more):
        """Return an instant vector as {labels: value}, labels as a frozenset of pairs."""
        result = self.get("query", query=expression, **more)["result"]
        return {frozenset(row["metric"].items()): float(row["value"][1]) for row in result}


@pytest.fixture
def exporter(tmp_path):
    """Return a way to start the exporter; all that was started ends with the test."""
    started = []

    def start(command, *arguments, env=None, wait="/-/ready"):
        process = Exporter(command, *arguments, cwd=tmp_path, env=env)
        process.__enter__()
        started.append(process)
        return process.wait(wait) if wait else process

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def prometheus(tmp_path):
    """Return a way to start Prometheus; all that was started ends with the test."""
    started = []

    def start(config, *, flags=()):
        process = Prometheus(config, cwd=tmp_path, flags=flags)
        process.__enter__()
        started.append(process)
        return process.wait()

    yield start
    for process in started:
        process.stop()
