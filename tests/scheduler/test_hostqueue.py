import asyncio

import pytest

from exporter.scheduler.hostqueue import CATCH_UP
from tests.scheduler.harness import Harness


async def test_the_longest_overdue_in_its_own_intervals_is_next():
    host = Harness(concurrency=2)
    held = await host.take("busy") + await host.take("other")
    log = []
    waiting = [
        host.ask(host.due("a", ago=1.5, interval=3600), log),
        host.ask(host.due("b", ago=3, interval=60), log),
        host.ask(host.due("c", ago=2, interval=86400), log),
    ]
    await host.settle()
    for _ in waiting:
        held.pop(0).release()
        await host.settle()
        held += [task.result() for task in waiting if task.done() and task.result() not in held]
    assert log == ["b", "c", "a"]


async def test_collections_that_are_due_cost_no_task_until_they_start():
    host = Harness(concurrency=4)
    before = len(asyncio.all_tasks())
    due = [host.due(f"org{number}", ago=number / 1000) for number in range(5000)]
    for each in due:
        host.queue.add(each)
    await host.settle()
    assert host.started == due[:-5:-1], "of those added together the longest overdue start"
    assert host.queue.waiting == 4996
    assert host.queue.in_flight == 4
    assert len(asyncio.all_tasks()) == before


async def test_a_started_collection_holds_the_slot_of_its_first_request():
    host = Harness(concurrency=1)
    host.queue.add(collection := host.due("a"))
    await host.settle()
    assert host.started == [collection]
    slot = await host.queue.acquire(collection)
    assert host.queue.in_flight == 1
    slot.release(answered=True)
    assert host.queue.in_flight == 0


async def test_a_long_collection_yields_at_each_request_to_what_is_due_longer():
    host = Harness(concurrency=1)
    long = host.due("long", ago=0.5, interval=86400)
    host.queue.add(long)
    await host.settle()
    slot = await host.queue.acquire(long)
    host.queue.add(short := host.due("short", ago=1, interval=60))
    host.queue.add(host.due("later", ago=0.1, interval=60))
    more = host.ask(long)
    await host.settle()
    slot.release()
    await host.settle()
    assert host.started == [long, short]
    host.queue.finish(short)
    await host.settle()
    assert more.done()
    assert host.started == [long, short]


async def test_what_runs_goes_before_the_start_of_what_is_as_old():
    host = Harness(concurrency=1)
    running, other = host.due("a"), host.due("b")
    host.queue.add(running)
    await host.settle()
    slot = await host.queue.acquire(running)
    host.queue.add(other)
    more = host.ask(running)
    await host.settle()
    slot.release()
    await host.settle()
    assert more.done()
    assert other not in host.started


async def test_first_collections_go_before_all_others_in_the_order_of_due_times():
    host = Harness(concurrency=1)
    [slot] = await host.take("busy")
    host.queue.add(host.due("late", ago=1000))
    host.queue.add(second := host.due("b", ago=0, first=True))
    host.queue.add(first := host.due("a", ago=1, first=True))
    await host.settle()
    slot.release()
    await host.settle()
    assert host.started == [first]
    host.queue.finish(first)
    assert host.started == [first, second]


@pytest.mark.parametrize(("concurrency", "most"), [(8, 4), (7, 3), (2, 1), (1, 1)])
async def test_an_org_uses_at_most_half_of_the_slots(concurrency, most):
    host = Harness(concurrency=concurrency)
    tasks = [host.ask(host.due("greedy", ago=10)) for _ in range(20)]
    await host.settle()
    assert host.queue.in_flight == most
    if concurrency > 1:
        await host.take("other")
    for released in range(20):
        granted = [task for task in tasks if task.done()]
        assert len(granted) == min(20, most + released)
        granted[released].result().release()
        await host.settle()
    assert host.queue.waiting == 0


async def test_an_org_with_a_weight_counts_as_if_its_intervals_were_longer():
    host = Harness(concurrency=1)
    [slot] = await host.take("busy")
    host.queue.add(greedy := host.due("greedy", ago=20, interval=1))
    host.queue.add(plain := host.due("plain", ago=0.5, interval=300))
    host.queue.set_weights({"greedy": 30.0})
    await host.settle()
    slot.release()
    await host.settle()
    assert host.started == [plain]
    host.queue.finish(plain)
    assert host.started == [plain, greedy], "it runs if there is room"


async def test_a_weight_that_is_gone_counts_no_more():
    host = Harness(concurrency=1)
    [slot] = await host.take("busy")
    host.queue.set_weights({"greedy": 30.0})
    host.queue.add(host.due("plain", ago=0.5, interval=300))
    host.queue.add(greedy := host.due("greedy", ago=20, interval=1))
    host.queue.set_weights({})
    await host.settle()
    slot.release()
    await host.settle()
    assert host.started == [greedy]


async def test_orgs_whose_last_request_timed_out_share_a_quarter_of_the_slots():
    host = Harness(concurrency=8)
    for org in ("a", "b", "c"):
        [slot] = await host.take(org)
        slot.release(answered=False)
    hanging = [host.ask(host.due(org, ago=9)) for org in "abcabcabc"]
    await host.settle()
    assert sum(task.done() for task in hanging) == 2
    assert len(await host.take("healthy", 4)) == 4

    next(task for task in hanging if task.done()).result().release(answered=False)
    await host.settle()
    assert sum(task.done() for task in hanging) == 3
    assert host.queue.in_flight == 6


async def test_an_org_that_answers_again_has_its_share_again():
    host = Harness(concurrency=8)
    [slot] = await host.take("a")
    slot.release(answered=False)
    tasks = [host.ask(host.due("a")) for _ in range(6)]
    await host.settle()
    assert sum(task.done() for task in tasks) == 2
    tasks[0].result().release(answered=True)
    await host.settle()
    assert host.queue.in_flight == 4


async def test_an_org_with_a_new_key_is_no_longer_held_back():
    host = Harness(concurrency=8)
    [slot] = await host.take("a")
    slot.release(answered=False)
    tasks = [host.ask(host.due("a")) for _ in range(6)]
    await host.settle()
    host.queue.forget("a")
    host.queue.forget("unknown")
    await host.settle()
    assert sum(task.done() for task in tasks) == 4


async def test_requests_are_never_cancelled_to_make_room():
    host = Harness(concurrency=4)

    async def slow(org):
        slot = await host.queue.acquire(host.due(org))
        done = asyncio.get_running_loop().create_future()
        host.clock.call_later(29.0, lambda: done.set_result(None))
        await done
        slot.release(answered=True)
        return host.clock.time

    tasks = [asyncio.create_task(slow(f"org{number}")) for number in range(8)]
    await host.settle()
    await host.settle(29)
    await host.settle(29)
    assert [task.result() for task in tasks] == [29.0] * 4 + [58.0] * 4


@pytest.mark.parametrize("rate", [1, 5, 20, 50, 333])
async def test_no_second_has_more_requests_than_the_rate(rate):
    host = Harness(concurrency=10_000, rate=rate)
    times = []
    host.queue._start = lambda _: times.append(host.clock.time)
    for number in range(4 * rate):
        host.queue.add(host.due(f"org{number}"))
    await host.settle(10)
    assert len(times) == 4 * rate
    for start in times:
        assert sum(start <= at < start + 1 for at in times) <= rate
    assert times[-1] < 4 * 1.04


@pytest.mark.parametrize("rate", [5, 20, 50])
async def test_a_loop_that_is_always_a_little_late_keeps_the_rate_and_does_not_exceed_it(rate):
    host = Harness(concurrency=10_000, rate=rate)
    times = []
    host.queue._start = lambda _: times.append(host.clock.time)
    for number in range(4 * rate):
        host.queue.add(host.due(f"org{number}"))
    for _ in range(500):
        host.clock.time += 0.018
        await host.settle()
    assert len(times) == 4 * rate
    for start in times:
        assert sum(start <= at < start + 1 for at in times) <= rate
    assert times[-1] < 4 * 1.05


async def test_a_late_event_loop_catches_up_by_very_little():
    host = Harness(concurrency=100, rate=500)
    for number in range(50):
        host.queue.add(host.due(f"org{number}"))
    await host.settle()
    before = len(host.started)
    host.clock.time += 3.0  # the loop did not run
    await host.settle()
    assert len(host.started) - before <= 1 + CATCH_UP * 500


async def test_changed_limits_apply_at_once():
    host = Harness(concurrency=1, rate=0.001)
    for number in range(6):
        host.queue.add(host.due(f"org{number}"))
    await host.settle()
    assert len(host.started) == 1
    host.queue.set_limits(concurrency=3, rate=10)
    await host.settle(1)
    assert len(host.started) == 3
    host.queue.set_limits(concurrency=6, rate=0)
    await host.settle()
    assert len(host.started) == 6


async def test_lower_limits_leave_requests_in_flight_alone():
    host = Harness(concurrency=8)
    slots = await host.take("a", 4)
    host.queue.set_limits(concurrency=2, rate=0)
    waiting = host.ask(host.due("a"))
    await host.settle()
    assert host.queue.in_flight == 4
    for slot in slots:
        assert not waiting.done()
        slot.release()
        await host.settle()
    assert waiting.done()


async def test_a_slot_released_twice_is_released_once():
    host = Harness(concurrency=2)
    [slot] = await host.take("a")
    await host.take("b")
    slot.release()
    slot.release(answered=False)
    assert host.queue.in_flight == 1


async def test_a_cancelled_wait_costs_nobody_a_slot():
    host = Harness(concurrency=1)
    [slot] = await host.take("a")
    first, second, third = (host.ask(host.due("b", ago=ago)) for ago in (3, 2, 1))
    await host.settle()
    first.cancel()
    slot.release()  # the task of `first` has not run yet
    second.cancel()  # it was granted the slot and has not run yet
    await host.settle()
    assert third.done()
    assert host.queue.in_flight == 1
    assert host.queue.waiting == 0


async def test_a_discarded_collection_waits_no_more():
    host = Harness(concurrency=1)
    [slot] = await host.take("busy")
    queued, running = host.due("a", ago=2), host.due("a", ago=1)
    host.queue.add(queued)
    task = host.ask(running)
    await host.settle()
    host.queue.discard(queued)
    host.queue.discard(running)
    host.queue.discard(host.due("unknown"))
    await host.settle()
    assert task.cancelled()
    assert host.queue.waiting == 0
    slot.release()
    with pytest.raises(asyncio.CancelledError):
        await host.queue.acquire(running)
    assert host.queue.in_flight == 0
    assert host.started == []


async def test_a_discarded_collection_gives_back_the_slot_that_it_held_since_its_start():
    host = Harness(concurrency=1)
    host.queue.add(collection := host.due("a"))
    await host.settle()
    host.queue.discard(collection)
    host.queue.finish(collection)
    assert host.queue.in_flight == 0
    with pytest.raises(asyncio.CancelledError):
        await host.queue.acquire(collection)


async def test_a_collection_that_needs_no_request_gives_its_slot_back_when_it_ends():
    host = Harness(concurrency=1)
    host.queue.add(first := host.due("a", ago=1))
    host.queue.add(second := host.due("b"))
    await host.settle()
    host.queue.finish(first)
    assert host.started == [first, second]


async def test_a_collection_added_twice_runs_once():
    host = Harness(concurrency=4)
    collection = host.due("a")
    host.queue.add(collection)
    host.queue.add(collection)
    await host.settle()
    host.queue.add(collection)
    await host.settle()
    assert host.started == [collection]
    host.queue.finish(collection)
    host.queue.add(collection)
    await host.settle()
    assert host.started == [collection, collection], "once it ended it may be due again"


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError])
async def test_a_start_that_fails_frees_its_slot_and_stops_nothing(error):
    def start(collection):
        if collection.org == "bad":
            raise error
        started.append(collection.org)

    started = []
    host = Harness(concurrency=1, start=start)
    host.queue.add(host.due("bad", ago=1))
    host.queue.add(host.due("good"))
    await host.settle()
    assert started == ["good"]
    assert host.queue.in_flight == 1


async def test_a_slot_can_be_released_after_the_event_loop_ended():
    host = Harness(concurrency=1)
    host.queue._call_later = lambda delay, call: None
    [slot] = await host.take("a")
    host.queue.add(host.due("b"))
    await asyncio.to_thread(slot.release)
    assert host.queue.in_flight == 1


async def test_an_org_that_is_gone_leaves_nothing_behind():
    host = Harness(concurrency=2)
    for number in range(100):
        [slot] = await host.take(f"org{number}")
        slot.release(answered=number % 2 == 0)
        host.queue.forget(f"org{number}")
    assert host.queue._orgs == {}
