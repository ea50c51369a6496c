"""The unit: sound, well locked up, and at one with the files beside it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.settings import Web, load
from exporter.web.descriptors import connections_within

HERE = Path(__file__).parents[2] / "deploy/systemd"
UNIT = "iblai-exporter.service"
EXPOSURE = 15
"""Tenths of what `systemd-analyze security` gives at most: from 0, locked up, to 100."""


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


def test_the_configuration_takes_keys_from_the_credentials_of_the_unit(unit, tmp_path):
    handed = settings_of((HERE / "orgs.conf").read_text(encoding="utf-8"), "LoadCredential")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for one in handed:
        name, source = one.split(":")
        assert source.endswith(f"/{name}")
        (credentials / name).write_text("a1b2c3")
        (credentials / name).chmod(0o400)
    environ = dict(
        line.replace("%d", str(credentials)).split("=", 1)
        for line in settings_of(unit.read_text(), "Environment")
    )
    lines = (HERE / "iblai-exporter.env").read_text(encoding="utf-8").splitlines()
    environ |= dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    settings = load(HERE / "iblai.yml", environ=environ)
    assert {org.key for org in settings.orgs} == {one.split(":")[0] for one in handed}
    assert settings.warnings == ()


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
