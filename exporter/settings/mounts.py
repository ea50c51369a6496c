"""Bind mounts of a single file, as of `docker run -v FILE:FILE`.

Such a mount keeps its file. An editor that writes a new file and renames it over the old one
changes the host only: the process sees the old content until a restart.
"""

import os
import re
from pathlib import Path

_MOUNTINFO = Path("/proc/self/mountinfo")
_POINT = 4  # the fifth field of a line, see proc(5)


def is_mount_point(path: Path, *, mountinfo: str | None = None) -> bool:
    """Return whether a file is a mount point itself; False if unknown.

    Links are followed, as the kernel does: a file of a Kubernetes ConfigMap is a link into a
    directory that is mounted as a whole. `mountinfo` is the text of /proc/self/mountinfo.
    """
    if mountinfo is None:
        try:
            # Paths are bytes: decode them as os.path does.
            mountinfo = os.fsdecode(_MOUNTINFO.read_bytes())
        except OSError:
            return False
    points = {
        _unescaped(fields[_POINT])
        for line in mountinfo.splitlines()
        if len(fields := line.split(" ")) > _POINT
    }
    return os.path.realpath(path) in points


def single_file_mount(path: Path) -> str:
    """Return the warning about a configuration file that is a mount point."""
    return (
        f"{path} is mounted as a single file: if it is replaced on the host, as most editors do, "
        "the new file is not read before a restart; mount its directory instead"
    )


def _unescaped(field: str) -> str:
    """Undo the escapes of the kernel for blanks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
