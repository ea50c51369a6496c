"""Workflows, forms and scripts of a release: valid, and consistent with the repository.

Workflows cannot run here. actionlint checks their syntax, expressions and shell scripts.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from exporter import __version__
from tests.deploy.tools import ROOT, container, rendered, run, tool

GITHUB = ROOT / ".github"
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in GITHUB.glob("workflows/*.yml")}
FORMS = [path for path in GITHUB.glob("ISSUE_TEMPLATE/*.yml") if path.stem != "config"]
SCRIPTS = [
    path
    for pattern in ("scripts/*", ".ci/*", "deploy/compose/history/*.sh")
    for path in sorted(ROOT.glob(pattern))
]
PERMISSIONS = {
    "image": {"contents", "packages", "id-token", "attestations"},
    "pypi": {"id-token"},
    "chart": {"contents", "packages"},
    "release": {"contents"},
}
"""What jobs may do beyond reading the repository."""


def jobs():
    return [(name, job) for one in WORKFLOWS.values() for name, job in one["jobs"].items()]


def steps():
    return [step for _, job in jobs() for step in job.get("steps", ())]


def test_actionlint_accepts_every_workflow():
    ended = run("actionlint", "-shellcheck=shellcheck", *sorted(GITHUB.glob("workflows/*.yml")))
    assert ended.returncode == 0, ended.stdout


def test_actionlint_would_find_a_mistake(tmp_path):
    path = tmp_path / "wrong.yml"
    text = (GITHUB / "workflows/release.yml").read_text().replace("needs.prepare", "needs.prepar")
    path.write_text(text)
    assert "prepar" in run("actionlint", path).stdout


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_accepts_every_script(path):
    ended = subprocess.run(["shellcheck", path], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_ci_runs_what_contributors_run():
    commands = [step.get("run") for step in WORKFLOWS["test"]["jobs"]["test"]["steps"]]
    assert ".ci/run" in commands
    tested = WORKFLOWS["test"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert tested == re.findall(r"Programming Language :: Python :: (3\.\d+)", text)


def test_a_job_may_do_no_more_than_it_needs():
    for one in WORKFLOWS.values():
        assert one["permissions"] == {"contents": "read"}
    own = {name: set(job["permissions"]) for name, job in jobs() if "permissions" in job}
    assert own == PERMISSIONS


def test_every_action_has_a_version_and_no_token_stays_in_the_checkout():
    used = [step["uses"] for step in steps() if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@(v\d+(\.\d+)*|release/v\d+|[0-9a-f]{40})", action)
    for step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_no_script_contains_an_expression_that_an_outsider_can_choose():
    for step in steps():
        assert "${{" not in step.get("run", "")


def test_a_release_is_tested_first_and_published_last():
    needs = {name: job.get("needs", []) for name, job in WORKFLOWS["release"]["jobs"].items()}
    assert WORKFLOWS["release"]["jobs"]["test"]["uses"] == "./.github/workflows/test.yml"
    assert "test" in needs["image"]
    assert "test" in needs["distribution"]
    assert set(needs["release"]) == {"prepare", "pypi", "chart"}


def test_the_image_has_two_architectures_provenance_and_a_bill_of_materials():
    (build,) = [step for step in steps() if "build-push-action" in step.get("uses", "")]
    given = build["with"]
    assert given["platforms"].split(",") == ["linux/amd64", "linux/arm64"]
    assert given["provenance"] == "mode=max"
    assert given["sbom"] is True
    arguments = dict(line.split("=", 1) for line in given["build-args"].splitlines())
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert set(arguments) - {"SOURCE_DATE_EPOCH"} == declared - {"PYTHON_IMAGE"}


def test_the_wheel_is_published_without_a_token():
    job = WORKFLOWS["release"]["jobs"]["pypi"]
    assert job["permissions"] == {"id-token": "write"}
    assert job["environment"] == "pypi"
    assert not [step for step in job["steps"] if "password" in step.get("with", {})]


def notes(version, tmp_path, changelog):
    path = tmp_path / "CHANGELOG.md"
    path.write_text(changelog)
    return subprocess.run(
        [ROOT / "scripts/release-notes", version],
        env={**os.environ, "CHANGELOG": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_release_notes_are_a_section_of_the_changelog(tmp_path):
    changelog = (
        "# Changelog\n\n## [Unreleased]\n\n- later\n\n"
        f"## [{__version__}] - 2026-12-01\n\n### Added\n\n- this\n\n## [0.0.1]\n\n- before\n"
    )
    ended = notes(__version__, tmp_path, changelog)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "### Added\n\n- this"


@pytest.mark.parametrize(
    ("version", "changelog", "said"),
    [
        (__version__, "# Changelog\n\n## [Unreleased]\n\n- later\n", "no section"),
        (__version__, f"## [{__version__}]\n\n## [0.0.1]\n\n- before\n", "no section"),
        ("99.0.0", "## [99.0.0]\n\n- this\n", "__init__"),
    ],
)
def test_a_release_without_notes_or_with_another_version_fails(version, changelog, said, tmp_path):
    ended = notes(version, tmp_path, changelog)
    assert ended.returncode != 0
    assert said in ended.stderr


def test_a_packaged_chart_runs_the_released_image(tmp_path):
    image = "ghcr.io/example/iblai-exporter"
    subprocess.run(
        [ROOT / "scripts/package-chart", image, "9.8.7", tmp_path],
        env={**os.environ, "HELM": tool("helm")},
        capture_output=True,
        check=True,
    )
    (package,) = tmp_path.glob("iblai-exporter-9.8.7.tgz")
    objects = rendered("helm", "template", "test", package, "--kube-version=1.31.0")
    assert container(objects)["image"] == f"{image}:9.8.7"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_github_needs(path):
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_every_kind_of_dependency_is_kept_up_to_date():
    config = yaml.safe_load((GITHUB / "dependabot.yml").read_text())
    assert config["version"] == 2
    ecosystems = {one["package-ecosystem"]: one["directory"] for one in config["updates"]}
    assert set(ecosystems) == {"pip", "github-actions", "docker", "docker-compose"}
    assert list((ROOT / ecosystems["docker-compose"].strip("/")).glob("compose.yaml"))
    assert (ROOT / "Dockerfile").exists()


def test_pre_commit_runs_the_projects_own_linter():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    assert repository["repo"] == "local"
    (hook,) = repository["hooks"]
    assert hook["entry"] == "make lint"
    makefile = Path(ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^lint:", makefile, re.MULTILINE)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("deploy/compose/compose.yaml", f"image: iblai-exporter:{__version__}"),
        ("deploy/kubernetes/base/statefulset.yaml", f"image: iblai-exporter:{__version__}"),
        ("Dockerfile", f"ARG VERSION={__version__}"),
        ("deploy/helm/iblai-exporter/Chart.yaml", f"appVersion: {__version__}"),
    ],
)
def test_every_file_that_names_a_version_names_this_one(path, wanted):
    assert wanted in (ROOT / path).read_text(encoding="utf-8")
