"""The wheel, in an environment that has nothing of ours."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.integration.conftest import Exporter

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return the directory of commands of an environment with the wheel in it."""
    place = tmp_path_factory.mktemp("package")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", place, ROOT)
    (wheel,) = place.glob("*.whl")
    venv.create(place / "venv", with_pip=True)
    commands = place / "venv" / "bin"
    pip = [commands / "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "run.txt")
    run(*pip, "--no-deps", wheel)
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
