import random
import time

from hypothesis import given
from hypothesis import strategies as st

from exporter.scheduler.order import Entry, Order

steps = st.lists(
    st.tuples(
        st.sampled_from(["push", "remove"]),
        st.integers(0, 50),
        st.sampled_from([0.0, 1.0, 60.0, 3600.0]),
    ),
    max_size=80,
)


@given(steps, st.integers(0, 200))
def test_the_first_entry_is_the_oldest_in_its_own_units(steps, later):
    order, present = Order(), []
    for number, (step, value, unit) in enumerate(steps):
        if step == "push":
            present.append(Entry(float(value), unit, rank=value % 2, number=number))
            order.push(present[-1])
        elif present:
            order.remove(present.pop(value % len(present)))
        now = 50.0 + later
        found = order.first(now)
        assert len(order) == len(present)
        if not present:
            assert found is None
            continue
        age, entry = found
        ages = {each: (now - each.since) / each.unit if each.unit else 1e9 for each in present}
        assert ages[entry] == max(ages.values())
        assert age == float("inf") or age == ages[entry]
        alike = [each for each in present if each.unit == entry.unit]
        keys = {each: (each.since, each.rank, each.number) for each in alike}
        assert keys[entry] == min(keys.values())


def test_entries_that_were_removed_do_not_pile_up():
    order = Order()
    order.push(Entry(0.0, 60.0, 0, 0))
    for number in range(10_000):
        entry = Entry(float(number), 60.0, 0, number + 1)
        order.push(entry)
        order.remove(entry)
    assert order._stored < 200


def test_40000_entries_with_200_units_cost_less_than_a_millisecond_each():
    order = Order()
    rng = random.Random(1)
    for number in range(40_000):
        order.push(Entry(rng.random() * 1e5, 60.0 + number % 200, 0, number))
    started = time.process_time()
    for number in range(2000):
        _, entry = order.first(1e5)
        order.remove(entry)
        order.push(Entry(1e5, entry.unit, 0, 50_000 + number))
    assert (time.process_time() - started) / 2000 < 0.001
