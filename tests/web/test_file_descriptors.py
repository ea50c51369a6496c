import resource
import subprocess
import sys

import pytest

from exporter.web.file_descriptors import RESERVED, connections_within

_RAISED = "from exporter.web.file_descriptors import raise_limit; print(raise_limit())"


@pytest.mark.parametrize(
    ("wanted", "limit", "allowed"),
    [
        (100, None, 100),
        (100, 65_536, 100),
        (1000, 1024, 1024 - RESERVED),
        (100, 256, 100),
        (200, 256, 256 - RESERVED),
        (100, 64, 32),
        (100, 1, 1),
    ],
)
def test_connections_leave_descriptors_for_polling(wanted, limit, allowed):
    assert connections_within(wanted, limit) == allowed


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one():
    def limited():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 512))

    done = subprocess.run(
        [sys.executable, "-c", _RAISED], preexec_fn=limited, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"512"
