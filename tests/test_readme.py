"""What the README tells the person who just arrived is true."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from exporter import catalog
from exporter.settings import load
from tests.integration.conftest import EXPORTER

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_its_commands_of_make_are_these():
    assert re.findall(r"^make (.*)", "\n".join(blocks("sh")), re.MULTILINE) == ["demo", "test"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_commands_of_make_exist(page):
    commands = re.findall(r"^make ([^#\n]+)", (ROOT / page).read_text(), re.MULTILINE)
    assert commands
    for command in commands:
        done = subprocess.run(
            ["make", "--dry-run", *shlex.split(command)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_ci_runs_the_second_command():
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_its_configuration_is_valid(tmp_path):
    (example,) = [block for block in blocks("yaml") if "user_id" in block]
    path = tmp_path / "iblai.yml"
    path.write_text(example)
    assert [org.key for org in load(path, environ={}).orgs] == ["acme"]


def test_its_scrape_configuration_is_valid(tmp_path):
    (example,) = [block for block in blocks("yaml") if "scrape_configs" in block]
    path = tmp_path / "prometheus.yml"
    path.write_text(example)
    done = subprocess.run(
        ["promtool", "check", "config", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    port = yaml.safe_load(example)["scrape_configs"][0]["static_configs"][0]["targets"]
    assert port == ["localhost:10880"]


def test_the_commands_it_names_exist():
    for command in set(re.findall(r"iblai-exporter (\w+)", README)):
        done = subprocess.run([EXPORTER, command, "--help"], capture_output=True, check=False)
        assert done.returncode == 0, command


def test_its_environment_is_enough():
    line = next(line for line in "\n".join(blocks("sh")).splitlines() if "IBLAI_ORGS" in line)
    environ = dict(re.findall(r"(IBLAI_\w+)=(\S+)", line)) | {"IBLAI_API_KEY": "5f3a9c"}
    (org,) = load(None, environ=environ).orgs
    assert (org.key, org.user_id) == ("acme", "acme-admin")


def test_every_metric_it_names_exists():
    names = {metric.name for metric in catalog.METRICS}
    for name in set(re.findall(r"iblai_[a-z0-9_]+\*?", README)):
        if name.endswith("*"):
            assert any(known.startswith(name[:-1]) for known in names), name
        else:
            assert name in names, name


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_file_it_points_to_is_there(link):
    assert (ROOT / link).exists()


def test_the_reference_of_metrics_is_current():
    listed = json.loads(
        subprocess.run(
            [EXPORTER, "metrics", "--format", "json"], capture_output=True, check=True
        ).stdout
    )
    assert [metric["name"] for metric in listed] == [metric.name for metric in catalog.METRICS]
