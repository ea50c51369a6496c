"""The unit: valid, hardened, and consistent with the files beside it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.settings import Web, load
from exporter.web.file_descriptors import connections_within

HERE = Path(__file__).parents[2] / "deploy/systemd"
UNIT = "iblai-exporter.service"
EXPOSURE = 15
"""The highest accepted rating of `systemd-analyze security`, in tenths: 0 is safe, 100 is not."""

NEWER_SPECIFIERS = ("%d", "%y", "%Y")
"""Specifiers that systemd 247 does not know: it drops the whole setting."""


def settings_of(text, name):
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


@pytest.fixture
def unit(tmp_path):
    """Return the unit as it would be here, with the exporter of this environment."""
    text = (HERE / UNIT).read_text(encoding="utf-8")
    command = Path(sys.executable).with_name("iblai-exporter")
    installed = text.replace("/opt/iblai-exporter/bin/iblai-exporter", str(command))
    assert installed != text
    path = tmp_path / UNIT
    path.write_text(installed)
    (tmp_path / f"{UNIT}.d").mkdir()
    (tmp_path / f"{UNIT}.d/orgs.conf").write_text((HERE / "orgs.conf").read_text(encoding="utf-8"))
    return path


def analyze(*arguments):
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


def test_systemd_finds_nothing_to_say_about_the_unit(unit):
    verified = analyze("verify", "--man=no", unit)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_systemd_would_have_said_so(unit):
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))
    assert "ProtectHouse" in analyze("verify", "--man=no", unit).stderr


def test_the_unit_is_exposed_as_little_as_a_network_service_can_be(unit):
    rated = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", unit)
    assert rated.returncode == 0, rated.stdout
    assert "Overall exposure level" in rated.stdout


def test_the_unit_works_with_systemd_247():
    text = (HERE / UNIT).read_text(encoding="utf-8")
    assert not [specifier for specifier in NEWER_SPECIFIERS if specifier in text]


def test_the_state_is_in_the_directory_that_systemd_makes(unit):
    text = unit.read_text()
    (name,) = settings_of(text, "StateDirectory")
    assert settings_of(text, "Environment") == [f"IBLAI_STATE_DIR=/var/lib/{name}"]


def test_keys_are_the_credentials_of_the_unit(unit, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    given = settings_of((HERE / "orgs.conf").read_text(encoding="utf-8"), "LoadCredential")
    for one in given:
        name, source = one.split(":")
        assert source.endswith(f"/{name}")
        (credentials / name).write_text("a1b2c3")
        (credentials / name).chmod(0o400)
    lines = (HERE / "iblai-exporter.env").read_text(encoding="utf-8").splitlines()
    environ = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    environ |= dict(line.split("=", 1) for line in settings_of(unit.read_text(), "Environment"))
    environ["CREDENTIALS_DIRECTORY"] = str(credentials)
    settings = load(HERE / "iblai.yml", environ=environ)
    assert {org.key for org in settings.orgs} == {one.split(":")[0] for one in given}
    assert {org.secret() for org in settings.orgs} == {"a1b2c3"}
    assert settings.warnings == ()
    assert settings.state_dir == Path("/var/lib/iblai-exporter")


def test_a_secrets_directory_of_the_configuration_wins_over_credentials(tmp_path):
    for name in ("credentials", "secrets"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "acme").write_text(name)
    environ = {
        "IBLAI_ORGS": "acme",
        "IBLAI_USER_ID": "ops",
        "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"),
    }
    assert load(None, environ=environ).orgs[0].secret() == "credentials"
    environ["IBLAI_SECRETS_DIR"] = str(tmp_path / "secrets")
    assert load(None, environ=environ).orgs[0].secret() == "secrets"
    environ["IBLAI_API_KEY"] = "a1b2c3"
    assert load(None, environ=environ).orgs[0].secret() == "a1b2c3"


def test_settings_to_uncomment_in_the_environment_file_exist(tmp_path):
    environ = {"IBLAI_ORGS": "acme", "IBLAI_USER_ID": "ops", "IBLAI_API_KEY": "a1b2c3"}
    text = (HERE / "iblai-exporter.env").read_text(encoding="utf-8")
    environ |= dict(re.findall(r"^#?(IBLAI_\w+)=(.*)$", text, re.MULTILINE))
    settings = load(None, environ=environ)
    assert settings.web.listen_address == "127.0.0.1:10880"
    assert settings.log.level == "info"


def test_the_unit_may_open_more_files_than_connections_and_polling_take():
    (limit,) = settings_of((HERE / UNIT).read_text(encoding="utf-8"), "LimitNOFILE")
    assert connections_within(Web().max_connections, int(limit)) == Web().max_connections
