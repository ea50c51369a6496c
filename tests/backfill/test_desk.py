import asyncio
import dataclasses
import json
import random

import pytest
from pydantic import SecretStr

from exporter.api import endpoints
from exporter.api.client import ApiClient, Limits
from exporter.api.errors import ApiError, BadAnswer, Kind, RateLimited, Refused, Unavailable
from exporter.api.payloads import read_daily
from exporter.backfill import desk as module
from exporter.backfill.desk import Unanswered, pieces
from exporter.backfill.ledger import Ledger
from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.recorder import Recorder
from exporter.demo.university import University
from tests.backfill.conftest import MadeUpApi, Silent, StillClock, call, span

HULL = span(0, 399)
YEAR = 366


def ones(asked):
    days = {day.isoformat(): 1 for day in asked}
    return json.dumps({"data": days, "total": len(asked)}).encode()


def total(body, over):
    return sum(read_daily(body).over(over).values())


async def test_many_short_ranges_take_two_long_answers(org, make_desk):
    api = MadeUpApi(ones)
    desk = make_desk(api, hull=HULL)
    for first in range(360):
        over = span(first, first + 34)
        assert total(await desk.get(org, call(over)), over) == 35
    assert api.asked == pieces(HULL, YEAR) == [span(0, 199), span(200, 399)]


async def test_unique_users_are_asked_for_by_each_range_once(org, make_desk):
    def users(asked):
        return json.dumps({"data": [], "total": len(asked)}).encode()

    api = MadeUpApi(users)
    desk = make_desk(api, hull=HULL)
    for over in (span(0, 6), span(1, 7), span(0, 6)):
        body = await desk.get(org, call(over, endpoints.ACTIVE_USERS_PER_COURSE))
        assert json.loads(body)["total"] == 7
    assert api.asked == [span(0, 6), span(1, 7)]


async def test_questions_that_differ_in_anything_are_not_taken_for_each_other(org, make_desk):
    api = MadeUpApi(ones)
    desk = make_desk(api, hull=span(0, 9))
    for query in ({"active": "y"}, {"active": "n"}, {"active": "y", "department_id": "3"}):
        await desk.get(org, call(span(0, 2), endpoints.ENROLLMENTS_OVER_TIME, **query))
    assert len(api.asked) == 3


async def test_those_who_ask_the_same_at_the_same_time_wait_for_one_answer(org, make_desk):
    api = MadeUpApi(ones)
    desk = make_desk(api, hull=span(0, 9))
    await asyncio.gather(*(desk.get(org, call(span(n, 9))) for n in range(10)))
    assert api.asked == [span(0, 9)]


async def test_what_is_kept_is_not_asked_for_again_by_another_run(org, tmp_path):
    clock = StillClock()

    async def run():
        api = MadeUpApi(ones)
        with Ledger(tmp_path) as ledger:
            desk = module.Desk(api, ledger, clock, hull=HULL, sleep=clock.sleep)
            body = await desk.get(org, call(span(190, 210)))
        return body, len(api.asked)

    first, asked = await run()
    again, asked_again = await run()
    assert (first, asked, asked_again) == (again, 2, 0)


async def test_a_range_outside_of_the_hull_is_asked_for_as_it_is(org, make_desk):
    api = MadeUpApi(ones)
    desk = make_desk(api, hull=span(0, 9))
    over = span(5, 12)
    assert total(await desk.get(org, call(over)), over) == 8
    assert api.asked == [over]


@pytest.mark.parametrize("kind", [Kind.BAD_REQUEST, Kind.TOO_LARGE])
async def test_an_api_that_refuses_long_ranges_is_asked_for_shorter_ones(org, make_desk, kind):
    def at_most_100_days(asked):
        if len(asked) > 100:
            raise BadAnswer("acme: too much", kind=kind)
        return ones(asked)

    api = MadeUpApi(at_most_100_days)
    desk = make_desk(api, hull=span(0, 365))
    for first in range(0, 330, 10):
        over = span(first, first + 34)
        assert total(await desk.get(org, call(over)), over) == 35
    assert len(api.asked) == 1 + 2 + 4


async def test_an_api_that_is_too_slow_for_long_ranges_is_asked_for_shorter_ones(org, make_desk):
    def at_most_100_days(asked):
        if len(asked) > 100:
            raise Unavailable("acme: no whole answer", kind=Kind.TIMEOUT)
        return ones(asked)

    api = MadeUpApi(at_most_100_days)
    clock = StillClock()
    over = span(0, 34)
    body = await make_desk(api, hull=span(0, 365), clock=clock).get(org, call(over))
    assert total(body, over) == 35
    assert clock.slept == []


async def test_an_api_that_is_away_for_a_while_is_waited_for(org, make_desk):
    answers = [Unavailable("acme: away", kind=Kind.CONNECTION)] * 3

    def later(asked):
        if answers:
            raise answers.pop()
        return ones(asked)

    clock = StillClock()
    body = await make_desk(MadeUpApi(later), hull=span(0, 9), clock=clock).get(
        org, call(span(0, 2))
    )
    assert total(body, span(0, 2)) == 3
    assert clock.slept == [10, 20, 40]


async def test_an_api_that_stays_away_ends_the_run_for_now(org, make_desk):
    def away(asked):
        raise Unavailable("acme: away", kind=Kind.CONNECTION)

    api = MadeUpApi(away)
    with pytest.raises(Unanswered, match="acme: away"):
        await make_desk(api, hull=span(0, 9)).get(org, call(span(0, 2)))
    assert len(api.asked) == module.ATTEMPTS


async def test_waits_that_the_api_asks_for_are_sat_out(org, make_desk):
    clock = StillClock()
    holds = [30.0, 300.0]

    def held(asked):
        if holds:
            raise RateLimited("acme: slow down", retry_at=clock.monotonic() + holds.pop(0))
        return ones(asked)

    await make_desk(MadeUpApi(held), hull=span(0, 9), clock=clock).get(org, call(span(0, 2)))
    assert clock.slept == [30, 300]


@pytest.mark.parametrize(("hold", "asked"), [(86400.0, 1), (0.0, module.HOLDS + 1)])
async def test_an_api_that_asks_to_wait_for_ever_ends_the_run_for_now(org, make_desk, hold, asked):
    clock = StillClock()

    def held(_):
        raise RateLimited("acme: slow down", retry_at=clock.monotonic() + hold)

    api = MadeUpApi(held)
    with pytest.raises(Unanswered):
        await make_desk(api, hull=span(0, 9), clock=clock).get(org, call(span(0, 2)))
    assert len(api.asked) == asked


async def test_a_refusal_is_passed_on_and_not_kept(org, make_desk):
    def refuse(asked):
        raise Refused("acme: 403", kind=Kind.FORBIDDEN, status=403)

    api = MadeUpApi(refuse)
    desk = make_desk(api, hull=span(0, 9))
    for _ in range(2):
        with pytest.raises(Refused):
            await desk.get(org, call(span(0, 2)))
    assert len(api.asked) == 2


async def test_what_the_api_tells_only_of_now_is_not_asked(org, make_desk):
    api = MadeUpApi(ones)
    with pytest.raises(ApiError, match="does not tell of the past"):
        await make_desk(api, hull=HULL).get(org, call(span(0, 2), endpoints.COURSE_VIDEOS))
    assert api.asked == []


async def test_an_exclusive_end_is_asked_for_one_day_further(org, make_desk):
    api = MadeUpApi(ones)
    exclusive = dataclasses.replace(org, range_end="exclusive")
    over = span(0, 2)
    # What a visit asks for when the days from 0 to 2 are meant.
    body = await make_desk(api, hull=span(0, 9)).get(exclusive, call(span(0, 3)))
    assert total(body, over) == 3
    assert api.asked == [span(0, 10)]


async def test_the_rate_limit_holds(org, ledger, clock):
    """The desk asks through the client, and so within its limits."""
    university, recorder = University(orgs=1, courses=3, learners=50), Recorder()
    with Background(build_platform(university, now=clock.now, recorder=recorder)) as platform:
        acme = university.orgs[0]
        account = dataclasses.replace(
            org, base_url=platform.url, user_id=acme.user_id, api_key=SecretStr(acme.api_key)
        )
        api = ApiClient(Limits(rate_limit=40), Silent(), clock, rng=random.Random(1))
        desk = module.Desk(api, ledger, clock, hull=HULL)
        over = [span(n, n + 6) for n in range(60)]
        await asyncio.gather(
            *(desk.get(account, call(o, endpoints.ACTIVE_USERS_PER_COURSE)) for o in over)
        )
        await api.aclose()
    assert len(recorder.requests) == 60
    assert recorder.max_in_window(1.0) <= 41
