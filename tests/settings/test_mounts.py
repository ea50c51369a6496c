import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.settings.mounts import is_mount_point, single_file_mount

MOUNTINFO = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 22 254:1 /home/ops/iblai.yml /etc/iblai/iblai.yml ro,relatime - ext4 /dev/vda1 rw
41 22 254:1 /home/ops/conf /etc/conf ro,relatime shared:7 master:1 - ext4 /dev/vda1 rw
42 22 254:1 /x /etc/with\\040blank\\134/f.yml ro - ext4 /dev/vda1 rw
garbage
"""


@pytest.mark.parametrize(
    ("path", "mounted"),
    [
        ("/etc/iblai/iblai.yml", True),
        ("/etc/iblai/../iblai/iblai.yml", True),
        ("/etc/conf/iblai.yml", False),
        ("/etc/conf", True),
        ("/etc/with blank\\/f.yml", True),
        ("/etc/iblai/other.yml", False),
    ],
)
def test_a_file_that_is_mounted_by_itself_is_told_from_one_in_a_mounted_directory(path, mounted):
    assert is_mount_point(path, mountinfo=MOUNTINFO) is mounted


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real.yml").touch()
    (tmp_path / "link.yml").symlink_to("real.yml")
    line = f"1 1 0:1 / {tmp_path / 'real.yml'} ro - tmpfs x rw"
    assert is_mount_point(tmp_path / "link.yml", mountinfo=line)


def test_an_ordinary_file_is_no_mount_point(tmp_path):
    (tmp_path / "iblai.yml").touch()
    assert not is_mount_point(tmp_path / "iblai.yml")
    assert not is_mount_point(tmp_path / "missing.yml")


def test_a_real_bind_mount_of_a_file_is_found_and_keeps_the_old_file(tmp_path):
    file, mount, fresh = (tmp_path / name for name in ("host.yml", "mounted.yml", "new.yml"))
    file.write_text("old\n")
    mount.touch()
    fresh.write_text("new\n")
    check = (
        "import sys; from pathlib import Path; from exporter.settings.mounts import *;"
        "print(is_mount_point(Path(sys.argv[1])), is_mount_point(Path(sys.argv[2])))"
    )
    script = 'mount --bind "$1" "$2" && "$3" -c "$4" "$2" "$1" && mv "$5" "$1" && cat "$2" "$1"'
    done = subprocess.run(
        [
            *(shutil.which("unshare"), "--user", "--map-root-user", "--mount"),
            *("sh", "-c", script, "sh", file, mount, sys.executable, check, fresh),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True False\nold\nnew\n", done.stderr


def test_the_warning_names_the_file_and_the_remedy(tmp_path):
    text = single_file_mount(tmp_path / "iblai.yml")
    assert str(tmp_path / "iblai.yml") in text
    assert "mount its directory instead" in text


@pytest.mark.parametrize("name", ["README.md", "docs/deployment.md", "deploy/compose/compose.yaml"])
def test_no_documentation_mounts_a_single_configuration_file_of_the_exporter(name):
    text = (Path(__file__).parents[2] / name).read_text(encoding="utf-8")
    assert not re.search(r"(?:-v|--volume|target:)\s*\S*/etc/iblai\S*\.ya?ml", text)


def test_the_search_for_such_a_mount_would_find_one():
    text = '-v "$PWD/iblai.yml:/etc/iblai/iblai.yml:ro"'
    assert re.search(r"(?:-v|--volume|target:)\s*\S*/etc/iblai\S*\.ya?ml", text)
