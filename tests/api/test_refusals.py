import asyncio

import pytest

from exporter.api.errors import Refused
from tests.api.conftest import (
    BODY,
    COURSE,
    OTHER,
    FakeAccount,
    call,
    failure,
    say,
    slowly,
)


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, "unauthorized", "the key is wrong or expired"),
        (403, "forbidden", "the key may not read this"),
        (404, "not_found", "this deployment has no such endpoint"),
    ],
)
async def test_a_refusal_is_remembered_for_as_long_as_the_caller_is_patient(
    client, server, account, clock, ledger, status, kind, says
):
    server.answers = [say({"detail": "Invalid\n token."}, status=status), say(BODY)]
    patient = call(patience=100)
    error = await failure(client, account, patient)
    assert isinstance(error, Refused)
    assert (error.kind, error.status, error.asked) == (kind, status, True)
    assert str(error).startswith("acme: /api/ai-analytics/audience/orgs/{org}/enrollments/over-")
    assert says in str(error)
    assert "(Invalid token.)" in str(error)
    clock.advance(99)
    again = await failure(client, account, patient)
    assert isinstance(again, Refused)
    assert (again.kind, again.status, again.asked) == (kind, status, False)
    assert len(server.asked) == 1
    clock.advance(1)
    assert await client.get(account, patient) == BODY
    assert await client.get(account, patient) == BODY
    assert ledger.codes == [str(status), "200", "200"]


async def test_one_call_finds_out_for_all_whether_a_refusal_still_stands(
    client, server, account, clock
):
    server.answers = [say({}, status=403), slowly(0.05, say({}, status=403))]
    await failure(client, account, call(patience=10))
    clock.advance(11)
    errors = await asyncio.gather(*(failure(client, account) for _ in range(20)))
    assert sum(error.asked for error in errors) == 1
    assert len(server.asked) == 2


async def test_a_404_is_about_one_course_and_a_403_about_all(client, server, account):
    def of(course):
        return call(COURSE, names={"course_id": course}, subject=course)

    server.answers = [say({}, status=404), say(BODY), say({}, status=403)]
    missing = await failure(client, account, of("one"))
    assert "(one)" in str(missing)
    assert not (await failure(client, account, of("one"))).asked
    assert await client.get(account, of("two")) == BODY
    assert (await failure(client, account, of("two"))).asked
    assert not (await failure(client, account, of("three"))).asked


async def test_courses_that_are_gone_leave_no_trace(client, server, account, clock):
    server.answers = [say({}, status=404)]
    for number in range(60):
        name = f"course {number}"
        await failure(
            client,
            account,
            call(COURSE, names={"course_id": name}, subject=name, patience=3600),
        )
        clock.advance(3600)
    (known,) = client._refusals._orgs.values()
    assert len(known.refusals) < 10
    assert all(kept.error.__traceback__ is None for kept in known.refusals.values())


async def test_one_refused_endpoint_says_nothing_of_others_or_of_other_orgs(
    client, server, account
):
    server.answers = [say({}, status=403), say(BODY)]
    await failure(client, account)
    assert await client.get(account, call(OTHER)) == BODY
    assert await client.get(FakeAccount(server.url, key="globex"), call()) == BODY


@pytest.mark.parametrize("change", [{"api_key": "new"}, {"user_id": "x"}, {"auth_scheme": ""}])
async def test_another_key_or_user_is_tried_at_once(client, server, account, change):
    server.answers = [say({}, status=401), say(BODY)]
    await failure(client, account)
    for name, value in change.items():
        setattr(account, name, value)
    assert await client.get(account, call()) == BODY


async def test_a_forgotten_org_is_tried_at_once(client, server, account):
    server.answers = [say({}, status=401), say(BODY)]
    await failure(client, account)
    client.forget("acme")
    assert await client.get(account, call()) == BODY


async def test_a_call_that_was_refused_while_it_queued_is_not_sent(make_client, server, account):
    client = make_client(concurrency=1)
    server.answers = [slowly(0.02, say({}, status=403))]
    errors = await asyncio.gather(*(failure(client, account) for _ in range(10)))
    assert [error.asked for error in errors] == [True] + [False] * 9
    assert len(server.asked) == 1
