"""The delay of the event loop."""

import asyncio
import time

import pytest

from exporter.lag import EVERY, LagProbe


async def test_the_lag_is_the_delay_of_a_timer(clock):
    late = iter([0.0, 0.3, 0.0, 1.5])
    seen = []

    async def sleep(seconds):
        try:
            clock.advance(seconds + next(late))
        except StopIteration:
            raise asyncio.CancelledError from None

    with pytest.raises(asyncio.CancelledError):
        await LagProbe(seen.append, now=clock.monotonic, sleep=sleep).run()
    assert seen == pytest.approx([0.0, 0.3, 0.0, 1.5])


async def test_an_early_timer_is_no_lag(clock):
    seen = []

    async def sleep(seconds):
        if seen:
            raise asyncio.CancelledError
        clock.advance(seconds - 0.001)

    with pytest.raises(asyncio.CancelledError):
        await LagProbe(seen.append, now=clock.monotonic, sleep=sleep).run()
    assert seen == [0.0]


async def test_blocking_the_event_loop_longer_than_the_probe_sleeps_is_measured():
    seen = []
    task = asyncio.create_task(LagProbe(seen.append).run())
    await asyncio.sleep(0)
    held_until = time.monotonic() + 5 * EVERY
    while time.monotonic() < held_until:
        pass
    await asyncio.sleep(EVERY)  # the probe's own sleep ends before
    task.cancel()
    assert seen[0] >= 4 * EVERY - 0.002  # timers of some loops are as coarse as a millisecond
