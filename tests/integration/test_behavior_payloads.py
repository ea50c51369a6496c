"""Responses that are well-formed HTTP and yet not what the API reference says."""

import json
import math
from datetime import UTC, datetime

import pytest

from tests.conftest import FakeClock
from tests.integration.laboratory import FEW, exporter, platform, quick

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
ACTIVE = "active-users/per-course"
DAILY = "videos/over-time"
COURSES = "videos/"
LEARNERS = "active-users/users"
ERRORS = "iblai_exporter_payload_errors_total"


SEEDS = FEW | {"active_learners": True}


@pytest.fixture(scope="module")
def running():
    with platform(FakeClock(NOON), orgs=1, courses=9) as site:
        yield site


@pytest.fixture
def site(running):
    running.lies.clear()
    return running


async def collected(site, **more):
    """Return an exporter after one run of the collectors for acme."""
    more = {"collectors": SEEDS, **more}
    async with exporter([site.org(**more)], clock=FakeClock(NOON), limits=quick(page_size=4)) as e:
        await e.collect()
        return e


def days(value):
    """Return a lie that puts `value(number)` in the place of every day's number."""
    return lambda answer, _: {**answer, "data": {k: value(v) for k, v in answer["data"].items()}}


def rows(change):
    """Return a lie that puts `change(row)` in the place of every row."""
    return lambda answer, _: {**answer, "data": [change(row) for row in answer["data"]]}


def paging(**changed):
    """Return a lie about pages; a function of the true value, or the lie itself."""

    def lie(answer, _):
        says = answer["pagination"]
        changes = {k: v(says[k]) if callable(v) else v for k, v in changed.items()}
        return {**answer, "pagination": {**says, **changes}}

    return lie


def only(**fields):
    return lambda row: {**row, **fields}


UNREADABLE = {
    "numbers beyond all sums": (DAILY, days(lambda v: 1e308), "videos"),
    "whole numbers of 400 digits": (DAILY, days(lambda v: 10**400), "videos"),
    "thousands with a comma": (DAILY, days(lambda v: "1,234"), "videos"),
    "truth values": (DAILY, days(lambda v: True), "videos"),
    "negative counts": (DAILY, days(lambda v: -1 - v), "videos"),
    "lists for numbers": (DAILY, days(lambda v: [v]), "videos"),
    "days that are none": (
        DAILY,
        lambda a, _: {**a, "data": {f"day {k}": v for k, v in a["data"].items()}},
        "videos",
    ),
    "no total today": (ACTIVE, lambda a, _: {"data": a["data"]}, "active_users_today"),
    "null for everything": (
        ACTIVE,
        lambda a, _: {"data": [{**r, "user_count": None} for r in a["data"]], "total": None},
        "active_users",
    ),
    "nobody and no total": (ACTIVE, lambda a, _: {"data": [], "total": None}, "active_users"),
    "words for numbers": (
        COURSES,
        rows(
            lambda r: {k: v if k in {"course_id", "name"} else "many" for k, v in r.items()},
        ),
        "course_videos",
    ),
    "null for every number": (
        COURSES,
        rows(lambda r: {k: v if k in {"course_id", "name"} else None for k, v in r.items()}),
        "course_videos",
    ),
    "millions of rows": (
        COURSES,
        lambda *_: b'{"data":[' + b"{}," * 4_000_000 + b"{}]}",
        "course_videos",
    ),
    "millions of days": (
        DAILY,
        lambda *_: b'{"data":{"2026-05-05":1' + b',"":2' * 2_000_000 + b"}}",
        "videos",
    ),
    "ids of 10 kB": (COURSES, rows(lambda r: {**r, "course_id": "x" * 10240}), "course_videos"),
    "ids with control characters": (
        COURSES,
        rows(lambda r: {**r, "course_id": f"{r['course_id']}\r\n\x00\x1b[31m"}),
        "course_videos",
    ),
    "ids that lead elsewhere": (COURSES, rows(only(course_id="..")), "course_videos"),
    "rows within rows": (COURSES, rows(lambda r: [[r]]), "course_videos"),
    "a total of learners that is none": (
        LEARNERS,
        paging(totalItems="a few"),
        "active_learners",
    ),
}


@pytest.mark.parametrize(("endpoint", "lie", "collector"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_response_without_a_usable_value_is_a_failure_and_is_counted(
    site, endpoint, lie, collector
):
    site.lies[endpoint] = lie
    made = await collected(site)
    outcome = made.outcome(collector)
    assert not outcome.success
    assert outcome.last_success == 0
    assert "unexpected" not in outcome.error
    assert made.snapshots.items("acme", collector) == {}
    counted = [v for k, v in (await made.series()).items() if k[0] == ERRORS]
    assert sum(counted) >= 1


SAME = {
    "numbers as text, with blanks": (DAILY, days(lambda v: f"  {v} ")),
    "numbers as fractions": (DAILY, days(float)),
    "days with a time": (
        DAILY,
        lambda a, _: {**a, "data": {f"{k}T00:00:00Z": v for k, v in a["data"].items()}},
    ),
    "days of an unknown zone": (
        DAILY,
        lambda a, _: {**a, "data": {f"{k} 00:00:00 Mars/Base": v for k, v in a["data"].items()}},
    ),
    "days outside the range": (
        DAILY,
        lambda a, _: {**a, "data": {**a["data"], "1999-01-01": 7, "2099-12-31": 9}},
    ),
    "members nobody knows": (DAILY, lambda a, _: {"surprise": [{}], **a}),
    "a byte order mark": (DAILY, lambda a, _: b"\xef\xbb\xbf" + json.dumps(a).encode()),
    "UTF-8 in names": (COURSES, rows(lambda r: r)),
    "numbers of pages as text": (COURSES, paging(totalPages=str, totalItems=str, currentPage=str)),
    "a first page that says it is the seventh": (COURSES, paging(currentPage=lambda v: v + 6)),
    "pages that say nothing of themselves": (
        COURSES,
        lambda a, _: {"data": a["data"], "pagination": {}},
    ),
    "endless pages that repeat": (COURSES, paging(totalPages=10**6, totalItems=None)),
    "a list in a list": (COURSES, lambda a, _: {**a, "data": [a["data"]]}),
}


@pytest.mark.parametrize(("endpoint", "lie"), SAME.values(), ids=SAME)
async def test_what_means_the_same_gives_the_same_values(site, endpoint, lie):
    wanted = await (await collected(site)).values()
    site.lies[endpoint] = lie
    assert await (await collected(site)).values() == wanted


@pytest.mark.parametrize(
    "lie",
    [paging(totalPages=1), paging(totalItems=lambda v: v + 3), paging(totalItems=10**9)],
    ids=["fewer pages than rows", "more rows than come", "rows without end"],
)
async def test_a_list_that_contradicts_itself_is_used_and_counted(site, lie):
    site.lies[COURSES] = lie
    made = await collected(site)
    assert made.outcome("course_videos").success
    labels = {"org": "acme", "collector": "course_videos"}
    assert await made.value("iblai_collector_series", **labels) >= 4 * 5
    labels = {"org": "acme", "reason": "pages"}
    assert await made.value(ERRORS, **labels) == 1


async def test_one_odd_day_costs_the_windows_it_is_in_and_one_odd_row_itself(site):
    before = await (await collected(site)).values()
    site.lies[DAILY] = lambda a, _: {
        **a,
        "data": {day: "many" if day == "2026-05-01" else v for day, v in a["data"].items()},
    }
    site.lies[COURSES] = lambda a, _: {**a, "data": [*a["data"], 7, None, {"name": "no id"}, []]}
    made = await collected(site)
    after = await made.values()
    lost = {name for name, _ in before.keys() - after.keys() if "_expected" not in name}
    assert lost == {"iblai_video_completions_7d", "iblai_video_completions_28d"}
    same = {k: v for k, v in before.items() if k in after and "_expected" not in k[0]}
    assert {k: v for k, v in after.items() if "_expected" not in k[0]} == same
    labels = {"org": "acme", "reason": "value"}
    assert await made.value(ERRORS, **labels) == 1


async def test_half_characters_in_names_and_ids_cost_only_themselves(site):
    site.lies[COURSES] = rows(lambda r: {**r, "name": f'\ud83d{r["name"]}\n"quoted\\'})
    site.lies[ACTIVE] = lambda a, _: {
        **a,
        "data": [*a["data"], {"course_id": "half \ud83d", "name": "x", "user_count": 3}],
    }
    made = await collected(site)
    assert made.outcome("course_videos").success
    assert made.outcome("active_users").success
    text = await made.text()
    assert "half" not in text
    names = {dict(k[1])["course_name"] for k in await made.values() if "info" in k[0]}
    assert all(name.startswith("?") and '\n"quoted\\' in name for name in names)


async def test_every_value_is_a_finite_number(site):
    site.lies[DAILY] = days(lambda v: 1e15)
    site.lies[ACTIVE] = lambda a, _: json.dumps({**a, "total": 7}).replace("7", "7e14").encode()
    made = await collected(site)
    found = await made.values()
    assert found
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("total", [0, 3, 10**9])
async def test_a_day_left_out_is_unknown_unless_the_rest_adds_up_to_the_total(site, total):
    site.lies[DAILY] = lambda a, _: {"data": {"2026-05-05": 3}, "total": total}
    made = await collected(site)
    assert await made.value("iblai_video_completions_1d", org="acme") == 3
    week = await made.value("iblai_video_completions_7d", org="acme")
    assert week == (3 if total == 3 else None)


async def test_a_list_that_shifts_between_two_pages_costs_no_course_that_was_there(site):
    known = []
    site.lies[COURSES] = lambda a, _: known.extend(a["data"]) or a
    before = await (await collected(site)).values()
    shifted = [{**known[0], "course_id": "course-v1:New+1+2026"}, *known]

    def shift(answer, query):
        # Somebody adds a course at the front before page 2 is asked for.
        page, length = int(query.get("page", 1)), int(query["length"])
        if page == 1:
            return answer
        says = {"totalItems": len(shifted), "currentPage": page, "totalPages": 3}
        return {"data": shifted[(page - 1) * length : page * length], "pagination": says}

    site.lies[COURSES] = shift
    made = await collected(site)
    assert await made.values() == before
    labels = {"org": "acme", "reason": "pages"}
    assert await made.value(ERRORS, **labels) == 1
