import gc
import weakref

import pytest

from exporter.gc_tuning import freeze


@pytest.fixture(autouse=True)
def _as_before():
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class Thing:
    pass


def looked_at(thing):
    return any(other is thing for other in gc.get_objects())


async def test_what_is_there_at_the_start_and_when_all_is_ready_is_looked_at_no_more():
    looks = iter([False, True])
    early, late = Thing(), []

    async def sleep(_):
        assert not looked_at(early)
        late.append(Thing())
        assert looked_at(late[0])

    await freeze(lambda: next(looks), sleep=sleep)
    assert not looked_at(late[0])


async def test_what_is_freeze_is_freed_all_the_same_when_it_is_dropped():
    thing = Thing()
    gone = weakref.ref(thing)
    await freeze(lambda: True)
    del thing
    assert gone() is None


async def test_cycles_that_are_made_later_are_collected():
    await freeze(lambda: True)
    thing = Thing()
    thing.itself = thing
    gone = weakref.ref(thing)
    del thing
    gc.collect()
    assert gone() is None
