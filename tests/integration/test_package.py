"""The wheel, in environments that have nothing of this repository."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.integration.conftest import Exporter, Process, fetch, free_port, until

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Return a directory with the wheel and those of its locked dependencies."""
    place = tmp_path_factory.mktemp("wheels")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", place, ROOT)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--dest", place, "--require-hashes", "-r", ROOT / "requirements/run.txt")
    return place


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory):
    """Return the directory of commands of an environment with the wheel in it."""
    place = tmp_path_factory.mktemp("package")
    venv.create(place / "venv", with_pip=True)
    commands = place / "venv" / "bin"
    pip = [commands / "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--no-index", "--find-links", wheels, "iblai-exporter")
    return commands


def run(*command, **more):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **more
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_all_it_needs(installed, tmp_path):
    run(installed / "pip", "check")
    metrics = json.loads(run(installed / "iblai-exporter", "metrics", "--format", "json"))
    assert "iblai_active_users_7d" in {metric["name"] for metric in metrics}
    assert "demo" in run(installed / "python", "-m", "exporter", "--help", cwd=tmp_path)


def test_the_wheel_serves_the_demo(installed, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.integration.conftest.EXPORTER", installed / "iblai-exporter")
    clean = {"PATH": os.defpath, "PYTHONPATH": ""}
    with Exporter("demo", cwd=tmp_path, env=clean) as process:
        text = process.wait().metrics()
        assert 'iblai_active_users_7d{org="acme"}' in text
        assert process.stop() == 0


def test_uvx_serves_the_demo_without_an_installation(wheels, tmp_path):
    port = free_port()
    command = [
        *(UV, "tool", "run", "--no-index", "--find-links", wheels, "--python", sys.executable),
        *("iblai-exporter", "demo", f"--listen-address=127.0.0.1:{port}"),
    ]
    empty = {"UV_CACHE_DIR": str(tmp_path / "cache"), "UV_TOOL_DIR": str(tmp_path / "tools")}
    with Process(*command, cwd=tmp_path, env={**empty, "PYTHONPATH": ""}) as demo:

        def ready():
            assert demo.process.poll() is None, demo.said()
            return fetch(f"http://127.0.0.1:{port}/-/ready")[0] == 200

        until(ready, within=90, what="readiness of the demo")
        assert 'iblai_active_users_7d{org="acme"}' in fetch(f"http://127.0.0.1:{port}/metrics")[2]
        assert demo.stop() == 0
