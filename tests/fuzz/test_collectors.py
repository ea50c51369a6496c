"""Whatever the API sends, a collector returns a result or fails with an error of the API."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api.payloads import MAX_ID, MAX_NAME
from exporter.collectors import COLLECTORS
from tests.collectors.conftest import BROKEN, NOT_FOUND, TIMEOUT, Bench, FakeApi
from tests.collectors.responses import ART, BIO, plausible
from tests.fuzz.strategies import BODIES

WAYS = [(c.name, c.collect) for c in COLLECTORS] + [
    (f"{c.name} from v2", c.v2) for c in COLLECTORS if c.v2 is not None
]
RESPONSES = st.lists(BODIES | st.sampled_from([BROKEN, NOT_FOUND, TIMEOUT]), min_size=1, max_size=4)
"""Responses in turn; the last one is repeated."""


async def assert_survives(collect, responses, *, valid_first):
    api = FakeApi()
    api.answers = plausible()
    bench = Bench(api)
    bench.configure(learner_indexes=True, topics=True)
    bench.courses, bench.mentors = (BIO, ART), ("m1", "m2")
    if valid_first:  # so that there is a history, and items that could be lost
        await bench.run(collect)
        bench.advance(days=1)
    queue = iter(responses)
    api.fails = lambda call: next(queue, responses[-1])
    error = await bench.error(collect)
    assert str(error).isprintable()
    for items in bench.snapshots.of("acme").values():
        for item in items.values():
            for family in item.samples:
                for labels, value in family.items():
                    assert math.isfinite(value)
                    assert all(len(label) <= MAX_ID + MAX_NAME for label in labels)
                    assert all(label.encode() is not None for label in labels)


@pytest.mark.parametrize("collect", [c for _, c in WAYS], ids=[name for name, _ in WAYS])
@settings(max_examples=25)
@given(responses=RESPONSES, valid_first=st.booleans())
async def test_any_responses_give_a_result_or_an_error_of_the_api(collect, responses, valid_first):
    await assert_survives(collect, responses, valid_first=valid_first)
