import sys
import time

import pytest

from exporter.clock import SystemClock


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such clock")
def test_what_a_machine_sleeps_counts_as_time_gone_by():
    """Else last good figures would be served after a suspend as if they were fresh."""
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= SystemClock().monotonic() <= time.clock_gettime(time.CLOCK_BOOTTIME)
