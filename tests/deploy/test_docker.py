"""The image, built from its Dockerfile by buildah and run without a container engine.

No registry is asked: the base is a root file system with the Python that runs the tests, at the
paths it has here, and without a shell.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pip
import pytest

from exporter import __version__
from tests.integration.conftest import Process, fetch, free_port, until

ROOT = Path(__file__).parents[2]
NOT_IN_BASE = shutil.ignore_patterns(
    "site-packages", "dist-packages", "test", "tests", "__pycache__", "idlelib", "config-*"
)
SYSTEM_LIBRARIES = (
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
)
"""What wheels may expect of any Linux (PEP 600) beside the libraries of Python itself."""

LARGEST = 100 * 1024 * 1024
"""Bytes that the image may add to its base."""

REVISION = "0123456789abcdef0123456789abcdef01234567"

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
READ_ONLY = """
set -e
root=$1; shift
mkdir -p "$root/dev" "$root/proc"
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
exec "$@"
"""
"""What an engine does for `--read-only`, in a mount and process namespace of its own."""


def instructions():
    """Return the instructions of the Dockerfile, each in one line, without comments."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [line for line in "\n".join(lines).replace("\\\n", "").splitlines() if line]


def of_kind(word):
    return [line.removeprefix(word).strip() for line in instructions() if line.startswith(word)]


def test_the_image_names_the_version_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"VERSION={__version__}" in of_kind("ARG")
    assert f'image.licenses="{project["license"]}"' in " ".join(of_kind("LABEL"))


def test_the_base_is_pinned_and_supported():
    (base,) = [line for line in of_kind("ARG") if line.startswith("PYTHON_IMAGE=")]
    name, version = base.removeprefix("PYTHON_IMAGE=").split(":")
    assert name == "docker.io/library/python"  # podman does not guess the registry
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (
        f"Programming Language :: Python :: {version.removesuffix('-slim')}"
        in project["classifiers"]
    )


@pytest.mark.parametrize("word", ["RUN", "ENTRYPOINT", "CMD", "HEALTHCHECK"])
def test_nothing_in_the_image_needs_a_shell(word):
    found = of_kind(word)
    assert found
    for line in found:
        command = json.loads(line[line.index("[") :])
        assert command
        assert not {"sh", "bash", "/bin/sh"} & set(command)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_dependency_has_a_locked_wheel_for_the_machine(machine, tmp_path):
    (base,) = [line for line in of_kind("ARG") if line.startswith("PYTHON_IMAGE=")]
    version = base.split(":")[1].removesuffix("-slim")
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in (17, 28)]
    platforms.append(f"--platform=manylinux2014_{machine}")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"]
    wheels = ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}"]
    locked = ["--require-hashes", "--requirement", ROOT / "requirements/run.txt"]
    subprocess.run([*install, *wheels, *platforms, f"--target={tmp_path}", *locked], check=True)


class Buildah:
    """buildah without a daemon, its storage in a directory of the test's."""

    def __init__(self, directory):
        self._storage = [f"--root={directory / 'root'}", f"--runroot={directory / 'run'}"]

    def __call__(self, *arguments):
        """Run one of its commands as root, and return what it printed."""
        ended = subprocess.run(
            [*AS_ROOT, "buildah", "--storage-driver=vfs", *self._storage, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-5000:]
        return ended.stdout.strip()


def put(path, root, *, ignore=None):
    """Copy a file or directory to the same path below another root."""
    target = root / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, ignore=ignore, dirs_exist_ok=True)
    else:
        shutil.copy2(path, target)


def libraries(*binaries):
    """Return the shared libraries that binaries are linked with."""
    ended = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=True)
    return {Path(word) for word in ended.stdout.split() if word.startswith("/") and word[-1] != ":"}


def make_base(root):
    """Fill a directory with this Python, pip, and the libraries that both load."""
    python = Path(sys._base_executable).resolve()
    stdlib = Path(sysconfig.get_path("stdlib"))
    packages = Path(sysconfig.get_path("purelib", vars={"base": sys.base_prefix}))
    put(python, root)
    put(stdlib, root, ignore=NOT_IN_BASE)
    shutil.copytree(Path(pip.__file__).parent, root / packages.relative_to("/") / "pip")
    linked = libraries(python, *stdlib.glob("lib-dynload/*.so"))
    (libc,) = [path for path in linked if path.name == "libc.so.6"]
    for library in linked | {libc.with_name(name) for name in SYSTEM_LIBRARIES}:
        put(library, root)
    for name in ("usr/local/bin", "tmp", "etc", "var/lib"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        (root / "usr/local/bin" / name).symlink_to(python)


def download_wheels(directory):
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", directory]
    for name in ("run", "build"):
        locked = [
            "--require-hashes",
            "--only-binary=:all:",
            "-r",
            ROOT / f"requirements/{name}.txt",
        ]
        subprocess.run([*download, *locked], check=True)


def make_context(directory):
    """Copy what the Dockerfile may see, so that it stays as it is while the image is built."""
    listed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    seen = [line.removeprefix("!") for line in listed if line.startswith("!")]
    for name in ("Dockerfile", ".dockerignore", *seen):
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target)
        else:
            shutil.copy(ROOT / name, target)


@pytest.fixture
def buildah(tmp_path):
    yield Buildah(tmp_path)
    # Half a gigabyte, and root's: pytest would keep it.
    subprocess.run([*AS_ROOT, "rm", "-rf", *tmp_path.iterdir()], check=True)


@pytest.fixture
def build(buildah, tmp_path):
    """Return a way to build the image as the Dockerfile says; it returns what is known of it."""
    base, wheels, index = tmp_path / "base", tmp_path / "wheels", tmp_path / "pip.conf"
    context = tmp_path / "context"
    make_context(context)
    make_base(base)
    download_wheels(wheels)
    index.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, base, "/")
    buildah("config", "--env=PATH=/usr/local/bin", container)
    buildah("commit", "--quiet", container, "python-base")

    def run(name):
        buildah(
            *("build", "--isolation=chroot", "--format=docker", "--timestamp=1700000000"),
            *("--build-arg=PYTHON_IMAGE=localhost/python-base", f"--tag={name}"),
            f"--build-arg=REVISION={REVISION}",
            *(f"--secret=id=pip.conf,src={index}", f"--volume={wheels}:/wheels:ro", context),
        )
        return json.loads(buildah("inspect", "--type=image", name))

    return run


class Container:
    """A way to run commands in an image as its configuration says, on a read-only root."""

    def __init__(self, config, root):
        self._config = config
        self._root = root

    def command(self, *arguments, **environment):
        """Return the command line that runs a command of the image."""
        more = [f"{name}={value}" for name, value in environment.items()]
        chroot = shutil.which("chroot", path=f"{os.environ['PATH']}:/usr/sbin")
        return [
            *AS_ROOT,
            *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
            *("sh", "-c", READ_ONLY, "sh", self._root),
            *("env", "-i", *self._config["Env"], *more),
            *(chroot, f"--userspec={self._config['User']}", self._root, *arguments),
        ]

    def entry(self, *arguments):
        """Return the command line that starts the image with arguments."""
        return self.command(*self._config["Entrypoint"], *arguments)

    def run(self, *arguments, **environment):
        """Run a command of the image to its end."""
        return subprocess.run(
            self.command(*arguments, **environment), capture_output=True, text=True, check=False
        )

    def is_healthy(self, port):
        """Return whether the image's own health check finds the exporter at a port."""
        kind, *command = self._config["Healthcheck"]["Test"]
        assert kind == "CMD"
        settings = {"WEB__LISTEN_ADDRESS": f":{port}", "ORGS": "acme", "USER_ID": "ops"}
        environ = {f"IBLAI_{name}": value for name, value in settings.items()}
        ended = self.run(*command, **environ, IBLAI_API_KEY="a1b2c3")
        assert "Traceback" not in ended.stderr, ended.stderr
        assert ended.returncode in {0, 1}, ended.stderr
        return ended.returncode == 0


def innermost(pid):
    """Return the process at the end of a line of processes that each started one other."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return innermost(children[0]) if children else pid


def test_the_image_serves_as_nobody_on_a_read_only_root(buildah, build, tmp_path):
    image = build("iblai-exporter")
    container = buildah("from", "iblai-exporter")
    root = Path(buildah("mount", container))
    image_config = image["Docker"]["config"]
    running = Container(image_config, root)

    who = "import os; print(os.getuid(), os.getgid(), os.access('/tmp', os.W_OK))"
    assert running.run("/opt/iblai/bin/python", "-c", who).stdout == "10001 10001 False\n"
    assert running.run("sh", "-c", "true").returncode == 127
    assert f"IBLAI_EXPORTER_REVISION={REVISION}" in image_config["Env"]
    assert image_config["Labels"]["org.opencontainers.image.revision"] == REVISION
    state = (root / "var/lib/iblai-exporter").stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o7777) == (10001, 0, 0o770)
    assert (root / "var/lib").stat().st_uid == 0

    openshift = Container({**image_config, "User": "1000680000:0"}, root)
    assert openshift.run("iblai-exporter", "--version").returncode == 0

    port = free_port()
    assert not running.is_healthy(port)
    arguments = running.entry("demo", f"--listen-address=127.0.0.1:{port}")
    with Process(*arguments, cwd=tmp_path) as demo:
        ready = f"http://127.0.0.1:{port}/-/ready"

        def there():
            assert demo.process.poll() is None, demo.said()
            return fetch(ready)[0] == 200

        until(there, within=60, what="readiness of the demo")
        assert "iblai_active_users_7d{" in fetch(f"http://127.0.0.1:{port}/metrics")[2]
        assert running.is_healthy(port)
        subprocess.run([*AS_ROOT, "kill", "-TERM", str(innermost(demo.process.pid))], check=True)
        assert demo.process.wait(15) == 0

    installed = [path for path in (root / "opt/iblai").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in installed) < LARGEST
    sources = [path for path in installed if path.suffix == ".py"]
    assert {path.name for path in sources} >= {"cli.py", "service.py"}
    for path in sources:
        compiled = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
        assert compiled.read_bytes()[4:8] == b"\1\0\0\0", f"{path}: compiled by time, or not at all"

    again = build("again")
    assert again["Docker"]["rootfs"]["diff_ids"] == image["Docker"]["rootfs"]["diff_ids"]
