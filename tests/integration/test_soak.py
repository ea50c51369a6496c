"""A thousand polls of orgs whose courses are others each time: nothing piles up."""

import re

import pytest

from benchmarks.soak import MARK, soak

MEBIBYTE = 2**20


async def test_memory_stays_flat_over_a_thousand_polls_with_courses_that_come_and_go():
    report = await soak(orgs=2, polls=1000, courses=5)
    assert report.polls >= 1000
    assert report.requests > 2000
    assert report.failed < report.polls / 100
    assert report.resident_after < report.resident_warm + 8 * MEBIBYTE
    assert report.series_last == pytest.approx(report.series_most, rel=0.1)


async def test_series_of_courses_that_disappear_disappear():
    report = await soak(orgs=1, polls=110, courses=3, keep_pages=True)
    for number, page in enumerate(report.pages, start=1):
        rounds = {course.rpartition(MARK)[2] for course in re.findall('course_id="([^"]*)"', page)}
        assert rounds == {str(number)}
