"""One run: its requests, its pages, its items, and the days that it requests."""

import asyncio
from datetime import date, timedelta

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from exporter.api import endpoints
from exporter.api.errors import BadResponseError, Kind, UnavailableError
from exporter.api.payloads import PayloadError, parse_courses, parse_daily, parse_values
from exporter.collectors.run import IN_PARALLEL, UNSETTLED_DAYS, NewItem, Result
from exporter.samples import Samples
from exporter.windows import Span
from tests.collectors.conftest import (
    BROKEN,
    NOT_FOUND,
    TODAY,
    UNREADABLE,
    Bench,
    FakeApi,
)

SPAN = Span(date(2026, 1, 1), date(2026, 1, 3))
DRAFT = NewItem(samples=Samples(), interval=60.0)


def read_no_fields(body):
    return parse_courses(body, ())


async def request(bench, endpoint, read=parse_daily, **more):
    return await bench.make_run().request(endpoint, read, **more)


async def test_a_range_includes_both_of_its_ends(bench, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {}}
    await request(bench, endpoints.VIDEOS_OVER_TIME, span=SPAN)
    assert api.requested("start_date", "end_date") == [("2026-01-01", "2026-01-03")]


async def test_with_an_exclusive_end_one_more_day_is_requested(bench, api):
    bench.configure(range_end="exclusive")
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {}}
    await request(bench, endpoints.VIDEOS_OVER_TIME, span=SPAN)
    assert api.requested("start_date", "end_date") == [("2026-01-01", "2026-01-04")]


async def test_learning_endpoints_get_the_scope_of_the_org(bench, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {}}
    await request(bench, endpoints.VIDEOS_OVER_TIME)
    bench.configure(include_main_platform=False, department_id=7)
    await request(bench, endpoints.VIDEOS_OVER_TIME)
    assert [dict(call.query) for call in api.calls] == [
        {"include_main_platform": "true"},
        {"include_main_platform": "false", "department_id": "7"},
    ]


async def test_agent_endpoints_have_no_scope(bench, api):
    bench.configure(department_id=7)
    api.answers[endpoints.MESSAGES_PER_SESSION] = {"data": {}}
    await request(bench, endpoints.MESSAGES_PER_SESSION, query={"mentor_id": "m"})
    assert [dict(call.query) for call in api.calls] == [{"mentor_id": "m"}]


async def test_the_v2_family_gets_the_org_in_the_query(bench, api):
    api.answers[endpoints.V2_USERS] = {"count": 1}
    read = lambda body: parse_values(body, "count")  # noqa: E731
    await request(bench, endpoints.V2_USERS, read)
    await request(bench, endpoints.V2_USERS, read, span=SPAN)
    assert api.requested("platform_key", "date_filter", "start_date") == [
        ("acme", None, None),
        ("acme", "custom", "2026-01-01"),
    ]


async def test_every_request_names_its_collection_and_its_subject(bench, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {}}
    run = bench.make_run("videos")
    await run.request(endpoints.VIDEOS_OVER_TIME, parse_daily, subject="bio")
    assert [(call.queued, call.subject) for call in api.calls] == [(run.queued, "bio")]


async def test_an_unreadable_response_is_counted_and_its_error_names_the_endpoint(bench, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = UNREADABLE
    with pytest.raises(PayloadError, match=r"^/api/.*videos/over-time: .*JSON"):
        await request(bench, endpoints.VIDEOS_OVER_TIME)
    assert bench.errors == {("videos_over_time", "unreadable"): 1}


@pytest.mark.parametrize("kind", [Kind.CONTENT, Kind.ENCODING, Kind.TOO_LARGE])
async def test_a_good_status_without_a_payload_is_counted_too(bench, api, kind):
    api.answers[endpoints.VIDEOS_OVER_TIME] = BadResponseError("a web page", kind=kind, status=200)
    with pytest.raises(BadResponseError):
        await request(bench, endpoints.VIDEOS_OVER_TIME)
    assert bench.errors == {("videos_over_time", "unreadable"): 1}


@pytest.mark.parametrize("kind", [Kind.BAD_REQUEST, Kind.REDIRECT])
async def test_an_error_of_the_api_is_not_counted_as_a_payload_error(bench, api, kind):
    api.answers[endpoints.VIDEOS_OVER_TIME] = BadResponseError("no", kind=kind, status=400)
    with pytest.raises(BadResponseError):
        await request(bench, endpoints.VIDEOS_OVER_TIME)
    assert not bench.errors


async def test_unreadable_days_are_counted_and_the_others_are_used(bench, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {"2026-01-01": "?", "2026-01-02": 3}}
    response = await request(bench, endpoints.VIDEOS_OVER_TIME)
    assert response.days[date(2026, 1, 2)] == 3
    assert bench.errors == {("videos_over_time", "value"): 1}


# Pages.


def numbered(call):
    number = int(call.query.get("page", 1))
    return {
        "data": [{"course_id": f"c{number}"}],
        "pagination": {"totalItems": 3, "currentPage": number, "totalPages": 3},
    }


async def pages(bench):
    run = bench.make_run()
    return [page async for page in run.pages(endpoints.COURSE_VIDEOS, read_no_fields)]


async def test_every_page_of_a_list_is_requested(bench, api):
    api.answers[endpoints.COURSE_VIDEOS] = numbered
    bench.page_size = 1
    assert [list(page.names) for page in await pages(bench)] == [["c1"], ["c2"], ["c3"]]
    assert api.requested("length", "page") == [("1", None), ("1", "2"), ("1", "3")]


@pytest.mark.parametrize("number", [None, "2", "3"])
async def test_a_page_that_fails_fails_the_list(bench, api, number):
    api.answers[endpoints.COURSE_VIDEOS] = numbered
    api.fails = lambda call: BROKEN if call.query.get("page") == number else None
    bench.page_size = 1
    with pytest.raises(UnavailableError):
        await pages(bench)


async def test_an_endless_list_is_cut_and_counted(bench, api, monkeypatch):
    monkeypatch.setattr("exporter.api.paging.pages.__kwdefaults__", {"limit": 3, "cut": None})
    api.answers[endpoints.COURSE_VIDEOS] = lambda call: {
        "data": [{"course_id": f"c{len(api.calls)}"}],
        "pagination": {"totalPages": 10**6},
    }
    assert len(await pages(bench)) == 3
    assert bench.errors == {("videos", "pages"): 1}


# Items.


async def test_items_are_collected_a_few_in_parallel_and_each_once(bench):
    done, running, most = [], set(), 0

    async def collect(item):
        nonlocal most
        running.add(item)
        most = max(most, len(running))
        await asyncio.sleep(0)
        running.discard(item)
        done.append(item)

    keys = [str(number) for number in range(100)]
    await bench.make_run().each(Result(), keys, collect)
    assert sorted(done) == sorted(keys)
    assert most == IN_PARALLEL


@pytest.mark.parametrize("error", [BROKEN, NOT_FOUND, PayloadError("no day has a value")])
@pytest.mark.parametrize("failing", [0, 3, 99])
async def test_an_item_that_fails_costs_only_itself(bench, error, failing):
    result = Result()

    async def collect(key):
        if key == str(failing):
            raise error
        result.items[key] = DRAFT

    keys = [str(number) for number in range(100)]
    await bench.make_run().each(result, keys, collect)
    assert result.failed == {str(failing): error}
    assert result.items.keys() == set(keys) - {str(failing)}
    assert result.error is None


async def test_a_run_fails_if_all_its_items_fail(bench):
    result = Result()

    async def collect(key):
        raise BROKEN

    await bench.make_run().each(result, ["a", "b"], collect)
    assert result.error is BROKEN


async def test_an_unexpected_exception_costs_only_its_item_and_its_text_appears_nowhere(bench):
    async def collect(key):
        if key == "a":
            raise ZeroDivisionError("private")
        result.items[key] = DRAFT

    result = Result()
    with structlog.testing.capture_logs() as logs:
        await bench.make_run().each(result, ["a", "b"], collect)
    assert result.items.keys() == {"b"}
    assert "unexpected ZeroDivisionError in" in str(result.failed["a"])
    assert "private" not in f"{result.failed} {logs}"


async def test_an_item_that_is_not_due_is_not_collected(bench):
    done = []

    async def collect(key):
        done.append(key)

    bench.is_due = lambda key: key != "b"
    await bench.make_run().each(Result(), ["a", "b", "c"], collect)
    assert done == ["a", "c"]


# The days that are requested.


def test_at_first_all_days_are_requested(bench):
    span = bench.make_run().unsettled("x", days=28)
    assert span == Span(TODAY - timedelta(days=28), TODAY)


@given(gap=st.integers(0, 40), days=st.sampled_from([28, 210]), known=st.integers(0, 300))
def test_later_only_days_that_are_missing_or_not_settled_are_requested(gap, days, known):
    bench = Bench(FakeApi())
    last = TODAY - timedelta(days=gap)
    before = Span(last - timedelta(days=known), last)
    bench.history.update("acme", "x", days=dict.fromkeys(before, 1.0))
    span = bench.make_run().unsettled("x", days=days)
    first = TODAY - timedelta(days=days)
    assert span.last == TODAY
    assert first <= span.first
    missing = {day for day in Span(first, TODAY) if day not in before}
    unsettled = {last - timedelta(days=n) for n in range(UNSETTLED_DAYS + 1)}
    requested = set(span)
    assert missing | {day for day in unsettled if day >= first} <= requested
    if before.first <= first:  # a longer history is requested in one go
        assert requested == missing | {day for day in unsettled if day >= first}


def test_a_day_within_the_history_that_was_never_requested_is_requested(bench):
    # The newer family returns some measures for single days only.
    hole = TODAY - timedelta(days=9)
    known = set(Span(TODAY - timedelta(days=40), TODAY)) - {hole}
    bench.history.update("acme", "x", days=dict.fromkeys(known, 1.0))
    assert bench.make_run().unsettled("x", days=28) == Span(hole, TODAY)
    assert len(bench.make_run().unsettled("x", days=7)) == 3


def test_days_stored_while_the_clock_was_ahead_are_requested_again(bench):
    ahead = Span(TODAY - timedelta(days=40), TODAY + timedelta(days=3))
    bench.history.update("acme", "x", days=dict.fromkeys(ahead, 1.0))
    assert bench.make_run().unsettled("x", days=28) == Span(TODAY - timedelta(days=28), TODAY)


def test_the_history_of_one_course_says_nothing_about_another(bench):
    bench.history.update(
        "acme",
        "x",
        days=dict.fromkeys(Span(TODAY - timedelta(days=40), TODAY), 1.0),
        part="bio",
    )
    assert len(bench.make_run().unsettled("x", days=28, part="bio")) == 3
    assert len(bench.make_run().unsettled("x", days=28, part="art")) == 29
