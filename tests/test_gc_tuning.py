"""Objects that live as long as the process are kept out of garbage collection."""

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


def traversed(thing):
    return any(other is thing for other in gc.get_objects())


async def test_objects_of_the_start_and_of_the_first_collections_are_no_longer_traversed():
    ready = iter([False, True])
    early, late = Thing(), []

    async def sleep(_):
        assert not traversed(early)
        late.append(Thing())
        assert traversed(late[0])

    await freeze(lambda: next(ready), sleep=sleep)
    assert not traversed(late[0])


async def test_frozen_objects_are_freed_when_they_are_dropped():
    thing = Thing()
    gone = weakref.ref(thing)
    await freeze(lambda: True)
    del thing
    assert gone() is None


async def test_later_cycles_are_collected():
    await freeze(lambda: True)
    thing = Thing()
    thing.itself = thing
    gone = weakref.ref(thing)
    del thing
    gc.collect()
    assert gone() is None
