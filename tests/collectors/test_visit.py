import asyncio
from datetime import date

import pytest

from exporter.api import endpoints
from exporter.api.errors import BadAnswer, Kind
from exporter.api.payloads import PayloadError, read_courses, read_daily
from exporter.collectors.visit import REFUSED_AT_LEAST, REFUSED_AT_MOST, Visit
from exporter.windows import Span
from tests.collectors.conftest import BROKEN, NOT_FOUND

SPAN = Span(date(2026, 1, 1), date(2026, 1, 3))


def asking(endpoint, read=read_daily, **more):
    async def collector(visit):
        return await visit.ask(endpoint, read, **more)

    return collector


async def test_a_range_names_both_of_its_ends(trip, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {}}
    await trip.findings(asking(endpoints.VIDEOS_OVER_TIME, span=SPAN))
    assert api.asked("start_date", "end_date") == [("2026-01-01", "2026-01-03")]


async def test_an_api_that_leaves_the_end_out_is_asked_for_a_day_more(trip, api):
    trip.wants(range_end="exclusive")
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {}}
    await trip.findings(asking(endpoints.VIDEOS_OVER_TIME, span=SPAN))
    assert api.asked("start_date", "end_date") == [("2026-01-01", "2026-01-04")]


async def test_learning_analytics_are_told_what_to_count_in(trip, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {}}
    await trip.findings(asking(endpoints.VIDEOS_OVER_TIME))
    trip.wants(include_main_platform=True, department_id=7)
    await trip.findings(asking(endpoints.VIDEOS_OVER_TIME))
    assert [dict(call.query) for call in api.calls] == [
        {"include_main_platform": "false"},
        {"include_main_platform": "true", "department_id": "7"},
    ]


async def test_agent_analytics_know_of_no_department_and_are_told_none(trip, api):
    trip.wants(department_id=7)
    api.answers[endpoints.MESSAGES_PER_SESSION] = {"data": {}}
    await trip.findings(asking(endpoints.MESSAGES_PER_SESSION, query={"mentor_id": "m"}))
    assert [dict(call.query) for call in api.calls] == [{"mentor_id": "m"}]


@pytest.mark.parametrize(
    ("rhythm", "patience"), [(1, REFUSED_AT_LEAST), (300, 3600), (86400, 86400), (3600, None)]
)
async def test_a_refusal_is_remembered_for_some_visits_but_neither_briefly_nor_forever(
    api, trip, rhythm, patience
):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {}}

    async def collector(visit):
        fields = {name: getattr(visit, name) for name in Visit.__dataclass_fields__}
        await Visit(**fields | {"rhythm": rhythm}).ask(endpoints.VIDEOS_OVER_TIME, read_daily)

    await trip.findings(collector)
    assert api.calls[0].patience == (patience or REFUSED_AT_MOST)


async def test_an_answer_that_cannot_be_read_is_counted_and_told_with_its_endpoint(trip, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = b"<html>"
    with pytest.raises(PayloadError, match=r"^/api/.*videos/over-time: the answer is not JSON$"):
        await trip.findings(asking(endpoints.VIDEOS_OVER_TIME))
    assert trip.flaws == {("videos_over_time", "unreadable"): 1}


@pytest.mark.parametrize("kind", [Kind.CONTENT, Kind.ENCODING, Kind.TOO_LARGE])
async def test_a_good_status_with_a_body_that_is_no_payload_is_counted_too(trip, api, kind):
    api.answers[endpoints.VIDEOS_OVER_TIME] = BadAnswer("a web page", kind=kind, status=200)
    with pytest.raises(BadAnswer):
        await trip.findings(asking(endpoints.VIDEOS_OVER_TIME))
    assert trip.flaws == {("videos_over_time", "unreadable"): 1}


@pytest.mark.parametrize("kind", [Kind.BAD_REQUEST, Kind.REDIRECT])
async def test_an_error_of_the_api_is_no_payload_and_is_not_counted_as_one(trip, api, kind):
    api.answers[endpoints.VIDEOS_OVER_TIME] = BadAnswer("no", kind=kind, status=400)
    with pytest.raises(BadAnswer):
        await trip.findings(asking(endpoints.VIDEOS_OVER_TIME))
    assert not trip.flaws


async def test_odd_days_are_counted_and_the_rest_is_used(trip, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {"2026-01-01": "?", "2026-01-02": 3}}
    answer = await trip.findings(asking(endpoints.VIDEOS_OVER_TIME))
    assert answer.days[date(2026, 1, 2)] == 3
    assert trip.flaws == {("videos_over_time", "value"): 1}


async def test_every_page_of_a_list_is_read(trip, api):
    def page(call):
        number = int(call.query.get("page", 1))
        return {
            "data": [{"course_id": f"c{number}"}],
            "pagination": {"totalItems": 3, "currentPage": number, "totalPages": 3},
        }

    async def collector(visit):
        reader = lambda body: read_courses(body, ())  # noqa: E731 - as short as it is
        return [page async for page in visit.pages(endpoints.COURSE_VIDEOS, reader)]

    api.answers[endpoints.COURSE_VIDEOS] = page
    trip.page_size = 1
    found = await trip.findings(collector)
    assert [list(each.names) for each in found] == [["c1"], ["c2"], ["c3"]]
    assert api.asked("length", "page") == [("1", None), ("1", "2"), ("1", "3")]


async def test_a_list_without_end_is_cut_and_counted(trip, api, monkeypatch):
    monkeypatch.setattr("exporter.api.pages.pages.__kwdefaults__", {"limit": 3, "cut": None})

    def page(call):
        return {"data": [{"course_id": f"c{len(api.calls)}"}], "pagination": {"totalPages": 10**6}}

    async def collector(visit):
        reader = lambda body: read_courses(body, ())  # noqa: E731 - as short as it is
        return [page async for page in visit.pages(endpoints.COURSE_VIDEOS, reader)]

    api.answers[endpoints.COURSE_VIDEOS] = page
    assert len(await trip.findings(collector)) == 3
    assert trip.flaws == {("videos", "pages"): 1}


async def test_work_on_many_is_done_a_few_at_a_time_and_each_once(trip):
    done, at_once, most = [], set(), 0

    async def collector(visit):
        async def work(item):
            nonlocal most
            at_once.add(item)
            most = max(most, len(at_once))
            await asyncio.sleep(0)
            at_once.discard(item)
            done.append(item)

        await visit.each(range(100), work)

    await trip.findings(collector)
    assert sorted(done) == list(range(100))
    assert most == 8


@pytest.mark.parametrize("error", [BROKEN, NOT_FOUND, ValueError("odd")])
async def test_the_first_failure_ends_the_work_as_itself(trip, error):
    begun = []

    async def collector(visit):
        async def work(item):
            begun.append(item)
            if item == 3:
                raise error
            await asyncio.sleep(0)

        await visit.each(range(100), work)

    with pytest.raises(type(error)) as caught:
        await trip.findings(collector)
    assert caught.value is error
    assert len(begun) < 100


async def test_a_baseline_leaves_out_weeks_with_quiet_days(trip):
    trip.wants(quiet_days=(Span(date(2026, 4, 28), date(2026, 4, 28)),))

    async def collector(visit):
        return visit.baseline_spans(1), visit.baseline_spans(7)

    of_a_day, of_a_week = await trip.findings(collector)
    assert [span.last for span in of_a_day] == [date(2026, 4, d) for d in (21, 14, 7)]
    assert [span.last for span in of_a_week] == [date(2026, 4, d) for d in (21, 14, 7)]
