"""Hundreds of polls of orgs whose courses are others each time: nothing accumulates."""

import re

import pytest

from benchmarks.soak import MARK, soak

MEBIBYTE = 2**20
KEPT = 7
"""Intervals after which no course is served that is no longer listed: long windows of active users
are requested every sixth time."""


async def test_memory_stays_flat_over_hundreds_of_polls_with_courses_that_come_and_go():
    report = await soak(orgs=2, polls=400, courses=3)
    assert report.polls >= 400
    assert report.requests > 1000
    assert report.failed < report.polls / 50
    assert report.resident_after < report.resident_warm + 10 * MEBIBYTE
    assert report.series_last == pytest.approx(report.series_most, rel=0.15)


async def test_series_of_courses_that_disappear_disappear():
    report = await soak(orgs=1, polls=110, courses=2, keep_pages=True)
    assert len(report.pages) > 2 * KEPT
    for number, page in enumerate(report.pages, start=1):
        listed = {int(id_.rpartition(MARK)[2]) for id_ in re.findall('course_id="([^"]*)"', page)}
        assert max(listed) == number
        assert min(listed) > number - KEPT
