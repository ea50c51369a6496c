import asyncio

from hypothesis import given
from hypothesis import strategies as st

from exporter.api.loop_budget import BUDGET, LoopBudget


class Hands:
    """A clock that goes on only when somebody works."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


async def worked(burst, *, each):
    """Return how many of a burst were done in each round of the loop, `each` seconds long."""
    hands, rounds, here = Hands(), [0], asyncio.Event()
    budget = LoopBudget(hands)

    async def one():
        await here.wait()
        await budget.checkpoint()
        hands.time += each
        rounds[-1] += 1

    def count():
        rounds.append(0)
        if sum(rounds) < burst:
            asyncio.get_running_loop().call_soon(count)

    tasks = [asyncio.create_task(one()) for _ in range(burst)]
    await asyncio.sleep(0)
    count()
    here.set()
    await asyncio.gather(*tasks)
    return [done for done in rounds if done]


async def test_a_burst_of_responses_is_spread_over_iterations_of_the_loop():
    done = await worked(100, each=0.3 * BUDGET)
    assert sum(done) == 100
    assert max(done) == 4


async def test_responses_that_take_no_time_are_not_delayed():
    assert await worked(100, each=0) == [100]


async def test_a_long_response_has_an_iteration_of_the_loop_for_itself():
    assert await worked(3, each=10 * BUDGET) == [1, 1, 1]


async def test_a_cancelled_response_does_not_delay_others():
    hands = Hands()
    budget = LoopBudget(hands)
    await budget.checkpoint()
    hands.time += BUDGET
    waiting = asyncio.create_task(budget.checkpoint())
    waiting.cancel()
    await asyncio.wait_for(budget.checkpoint(), 1)


@given(
    bursts=st.lists(st.integers(0, 12), min_size=1, max_size=6),
    each=st.sampled_from([0.0, 0.3 * BUDGET, 2 * BUDGET]),
    cancelled=st.sets(st.integers(0, 30)),
)
def test_responses_are_handled_in_order_of_arrival_and_none_is_forgotten(bursts, each, cancelled):
    async def run():
        hands, handled, arrived = Hands(), [], []
        budget = LoopBudget(hands)

        async def handle(number):
            await budget.checkpoint()
            hands.time += each
            handled.append(number)

        for burst in bursts:
            arrived += [
                asyncio.create_task(handle(number))
                for number in range(len(arrived), len(arrived) + burst)
            ]
            for number in cancelled & set(range(len(arrived))):
                arrived[number].cancel()
            await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.gather(*arrived, return_exceptions=True), 5)
        assert handled == sorted(handled)
        assert set(range(len(arrived))) - cancelled <= set(handled)

    asyncio.run(run())
