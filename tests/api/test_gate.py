# a scene has many parts

import asyncio
import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.api.gate import Gate

quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def make(*, concurrency=8, rate=0.0):
    time = asyncio.get_running_loop().time
    return Gate(concurrency=concurrency, rate=rate, clock=time, now=time)


async def pass_through(gate, org="acme", *, lasts=0.0, priority=0, log=None, timed_out=False):
    turn = await gate.enter(org, priority)
    turn.depart()
    if log is not None:
        log.append((asyncio.get_running_loop().time(), org))
    try:
        await asyncio.sleep(lasts)
        turn.timed_out = timed_out
    finally:
        turn.leave()


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


def most_in_a_second(times):
    return max(sum(start <= t <= start + 1 for t in times) for start in times)


@quick
@given(rate=st.floats(0.5, 200), orgs=st.integers(1, 5), lasts=st.floats(0, 0.5))
def test_no_second_sees_more_requests_than_the_rate_allows(jump, rate, orgs, lasts):
    async def scene():
        gate = make(concurrency=50, rate=rate)
        log = []
        async with asyncio.TaskGroup() as group:
            for number in range(max(10, int(2 * rate))):
                group.create_task(pass_through(gate, str(number % orgs), lasts=lasts, log=log))
        return [at for at, _ in log]

    assert most_in_a_second(jump(scene())) <= math.ceil(rate)


@quick
@given(seed=st.integers(0, 1000))
def test_a_loop_held_up_at_odd_times_does_not_bunch_requests_beyond_the_rate(jump, seed):
    async def scene():
        loop = asyncio.get_running_loop()
        gate, log, dice = make(concurrency=50, rate=20), [], random.Random(seed)

        async def disturb():
            while len(log) < 60:
                loop.jumped += dice.choice([0, 0.01, 0.06])
                await asyncio.sleep(dice.random() / 10)

        async with asyncio.TaskGroup() as group:
            group.create_task(disturb())
            for number in range(60):
                group.create_task(pass_through(gate, str(number % 4), log=log))
        return [at for at, _ in log]

    assert most_in_a_second(jump(scene())) <= 20


def test_the_rate_is_nearly_used_up(jump):
    async def scene():
        gate, log = make(concurrency=20, rate=100), []
        async with asyncio.TaskGroup() as group:
            for number in range(500):
                group.create_task(pass_through(gate, str(number % 7), lasts=0.05, log=log))
        return asyncio.get_running_loop().time()

    assert jump(scene()) == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("concurrency", [1, 2, 3, 8, 9])
def test_no_more_are_under_way_than_allowed_and_no_org_has_more_than_half(jump, concurrency):
    async def scene():
        gate = make(concurrency=concurrency)
        tasks = [
            asyncio.create_task(pass_through(gate, org, lasts=1))
            for org in ["hog"] * 50 + ["other"] * 50
        ]
        await settle()
        both = gate.in_flight
        for task in tasks[50:]:
            task.cancel()
        await settle()
        alone = gate.in_flight
        await asyncio.gather(*tasks, return_exceptions=True)
        return both, alone

    both, alone = jump(scene())
    assert alone == max(1, concurrency // 2)
    assert both == min(concurrency, 2 * alone)


def test_the_urgent_go_first_and_orgs_take_turns(jump):
    async def scene():
        gate, log = make(concurrency=1), []
        first = await gate.enter("first")
        first.depart()
        waiting = [("hog", 1)] * 3 + [("calm", 1)] * 2 + [("hog", 0), ("urgent", 0)]
        tasks = [
            asyncio.create_task(pass_through(gate, org, priority=priority, log=log))
            for org, priority in waiting
        ]
        await settle()
        first.leave()
        await asyncio.gather(*tasks)
        return [org for _, org in log]

    assert jump(scene()) == ["hog", "urgent", "hog", "calm", "hog", "calm", "hog"]


def test_orgs_that_hang_share_a_quarter_of_the_places(jump):
    async def scene():
        gate, log = make(concurrency=8), []
        hanging = ["slug", "snail", "sloth"]
        await asyncio.gather(*(pass_through(gate, org, timed_out=True) for org in hanging))
        stuck = [asyncio.create_task(pass_through(gate, org, lasts=1000)) for org in hanging * 10]
        await settle()
        taken = gate.in_flight
        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(pass_through(gate, str(number), lasts=1, log=log))
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        return taken, max(at for at, _ in log)

    taken, last = jump(scene())
    assert taken == 2
    assert last < 100 / 6 + 1


def test_an_org_that_answers_again_is_no_longer_suspect(jump):
    async def scene():
        gate = make(concurrency=8)
        await pass_through(gate, timed_out=True)
        await pass_through(gate, timed_out=False)
        tasks = [asyncio.create_task(pass_through(gate, lasts=1)) for _ in range(8)]
        await settle()
        taken = gate.in_flight
        await asyncio.gather(*tasks)
        return taken

    assert jump(scene()) == 4


def test_an_org_asked_to_slow_down_sends_one_at_a_time_a_second_apart_until_then(jump):
    async def scene():
        gate, log = make(concurrency=8), []
        await pass_through(gate)
        gate.slow("acme", until=4.5)
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(pass_through(gate, lasts=0.2, log=log))
            for _ in range(3):
                group.create_task(pass_through(gate, "other", log=log))
        return [at for at, org in log if org == "acme"], [at for at, org in log if org == "other"]

    acme, other = jump(scene())
    assert acme[:4] == pytest.approx([1, 2, 3, 4])
    assert acme[4:] == pytest.approx([4.5, 4.5], abs=0.6)
    assert other == [0, 0, 0]


def test_a_turn_given_back_unused_costs_nothing_of_the_rate(jump):
    async def scene():
        gate, log = make(rate=1), []
        for _ in range(10):
            (await gate.enter("acme")).leave()
        await pass_through(gate, log=log)
        return log

    assert jump(scene()) == [(0, "acme")]


@quick
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([0.0, 50.0]))
def test_calls_cancelled_at_any_moment_never_cost_a_place(jump, seed, rate):
    async def scene():
        gate, dice = make(concurrency=4, rate=rate), random.Random(seed)
        tasks = [
            asyncio.create_task(
                pass_through(gate, str(n % 5), lasts=dice.random() / 10, priority=n % 2)
            )
            for n in range(200)
        ]
        while not all(task.done() for task in tasks):
            dice.choice(tasks).cancel()
            await asyncio.sleep(dice.choice([0, 0, 0.01]))
        idle = gate.in_flight, gate.waiting
        for org in ("a", "a", "b", "b"):
            (await gate.enter(org)).depart()
        return idle, gate.in_flight

    assert jump(scene()) == ((0, 0), 4)


def test_new_limits_hold_for_those_who_wait_already(jump):
    async def scene():
        gate = make(concurrency=1)
        tasks = [asyncio.create_task(pass_through(gate, str(n), lasts=1)) for n in range(4)]
        await settle()
        before = gate.in_flight
        gate.set_limits(concurrency=4, rate=0)
        await settle()
        after = gate.in_flight
        await asyncio.gather(*tasks)
        return before, after

    assert jump(scene()) == (1, 4)


def test_what_is_known_of_an_org_is_forgotten_on_request_but_not_that_it_must_be_slow(jump):
    async def scene():
        gate, log = make(concurrency=8), []
        await pass_through(gate, "acme", timed_out=True)
        gate.forget("acme")
        tasks = [asyncio.create_task(pass_through(gate, lasts=1)) for _ in range(8)]
        await settle()
        taken = gate.in_flight
        await asyncio.gather(*tasks)
        gate.slow("acme", until=20)
        gate.forget("acme")
        await pass_through(gate, log=log)
        await pass_through(gate, log=log)
        return taken, log[1][0] - log[0][0]

    assert jump(scene()) == (4, pytest.approx(1))


async def ask(gate, org, *, takes):
    """Send a request as the client does; return whether it was answered in time."""
    turn = await gate.enter(org)
    turn.depart()
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(30) as limit:
            turn.break_off = lambda: limit.reschedule(loop.time())
            await asyncio.sleep(takes)
        turn.timed_out = False
    except TimeoutError:
        turn.timed_out = True
    finally:
        turn.leave()
    return not turn.timed_out


def test_three_hundred_of_a_thousand_orgs_that_hang_do_not_make_the_others_stale(jump):
    hanging = {str(number) for number in range(300)}
    began, ends = 400.0, 2000.0

    async def scene():
        gate = make(concurrency=8, rate=20)
        now = asyncio.get_running_loop().time
        start, last, oldest = now(), {}, 0.0

        async def figure(org):
            nonlocal oldest
            tries = 0
            while tries < 4:
                hangs = org in hanging and now() - start > began
                if await ask(gate, org, takes=1e9 if hangs else 0.2):
                    break
                tries += 1
            else:
                return
            if org not in hanging:
                oldest = max(oldest, now() - last.get(org, start))
            last[org] = now()

        async def poll(org, place):
            await asyncio.sleep(place * 0.3)
            while now() - start < ends:
                due = now() + 300
                await asyncio.gather(*(figure(org) for _ in range(4)))
                await asyncio.sleep(max(due - now(), 0))

        polls = [asyncio.create_task(poll(str(n), n)) for n in range(1000)]
        await asyncio.sleep(ends)
        for task in polls:
            task.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
        return max(oldest, *(now() - at for org, at in last.items() if org not in hanging))

    assert jump(scene()) < 600  # two rounds; figures of today are shown for three


def test_what_is_long_is_broken_off_only_while_somebody_well_waits(jump):
    async def scene():
        gate = make(concurrency=2)
        alone = await ask(gate, "slow", takes=20)
        slow = asyncio.create_task(ask(gate, "slow", takes=20))
        other = asyncio.create_task(ask(gate, "slower", takes=25))
        await settle()
        began = asyncio.get_running_loop().time()
        quick = await ask(gate, "quick", takes=0.1)
        waited = asyncio.get_running_loop().time() - began
        return alone, await slow, await other, quick, waited

    alone, slow, other, quick, waited = jump(scene())
    assert alone
    assert quick
    assert waited < 15
    assert not (slow and other)


def test_where_every_answer_is_slow_none_is_broken_off(jump):
    async def scene():
        gate = make(concurrency=4)
        for _ in range(200):
            await ask(gate, "first", takes=8)
        return await asyncio.gather(*(ask(gate, str(n), takes=8) for n in range(40)))

    assert all(jump(scene()))


def test_after_one_slow_answer_an_org_is_tried_before_those_that_have_been_silent_for_long(jump):
    async def scene():
        gate = make(concurrency=4)
        log = []
        for _ in range(3):
            for n in range(20):
                await pass_through(gate, f"silent {n}", timed_out=True)
        await pass_through(gate, "slow once", timed_out=True)
        waiting = [
            asyncio.create_task(
                pass_through(gate, f"silent {n}", lasts=30, log=log, timed_out=True)
            )
            for n in range(20)
        ]
        await settle()
        began = asyncio.get_running_loop().time()
        await pass_through(gate, "slow once", log=log)
        took = asyncio.get_running_loop().time() - began
        await asyncio.gather(*waiting)
        return took

    assert jump(scene()) <= 30
