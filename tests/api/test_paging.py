import math
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.paging import pages
from exporter.api.payloads import Pagination


@dataclass
class FakePage:
    keys: frozenset = frozenset()
    pagination: Pagination = field(default_factory=Pagination)


class List:
    """A list of `size` rows, paged the way the API might."""

    def __init__(self, size, *, base=1, tells_page=True, tells_items=True, tells_pages=True):
        self.size, self.base = size, base
        self.tells_page, self.tells_items, self.tells_pages = tells_page, tells_items, tells_pages
        self.requested = []

    async def ask(self, parameters):
        self.requested.append(parameters)
        length = int(parameters["length"])
        page = int(parameters.get("page", self.base))
        start = (page - self.base) * length
        return FakePage(
            frozenset(map(str, range(start, min(start + length, self.size)))),
            Pagination(
                self.size if self.tells_items else None,
                page if self.tells_page else None,
                math.ceil(self.size / length) if self.tells_pages else None,
            ),
        )


async def collect(ask, **more):
    return [page async for page in pages(ask, **{"length": 10, **more})]


@given(
    size=st.integers(0, 70),
    length=st.integers(1, 20),
    base=st.integers(0, 1),
    tells_items=st.booleans(),
    tells_pages=st.booleans(),
)
async def test_every_row_is_read_with_any_pagination(size, length, base, tells_items, tells_pages):
    rows = List(size, base=base, tells_items=tells_items, tells_pages=tells_pages)
    seen = await collect(rows.ask, length=length)
    assert set().union(*(page.keys for page in seen)) == set(map(str, range(size)))
    least = max(1, math.ceil(size / length))
    assert least <= len(rows.requested) <= least + (not (tells_items or tells_pages))


async def test_the_first_page_is_requested_without_a_number():
    rows = List(25)
    await collect(rows.ask)
    assert rows.requested == [
        {"length": "10"},
        {"length": "10", "page": "2"},
        {"length": "10", "page": "3"},
    ]


async def test_a_list_whose_pages_count_from_0_is_requested_from_0():
    rows = List(25, base=0)
    await collect(rows.ask)
    assert [request.get("page") for request in rows.requested] == [None, "1", "2"]


async def test_a_list_without_page_numbers_counts_from_1():
    rows = List(25, tells_page=False)
    assert len(await collect(rows.ask)) == 3


async def test_a_list_that_repeats_its_page_ends():
    requested = []

    async def ask(parameters):
        requested.append(parameters)
        return FakePage(frozenset({"a", "b"}), Pagination(1000, 1, 500))

    assert len(await collect(ask)) == 1
    assert len(requested) == 2


async def test_an_endless_list_is_cut_at_the_limit_and_reported():
    cuts = []

    async def ask(parameters):
        return FakePage(frozenset({parameters.get("page", "1")}), Pagination(None, 1, None))

    assert len(await collect(ask, limit=7, on_truncated=lambda: cuts.append(1))) == 7
    assert cuts == [1]


async def test_a_list_as_long_as_the_limit_is_not_cut():
    cuts = []
    assert len(await collect(List(70).ask, limit=7, on_truncated=lambda: cuts.append(1))) == 7
    assert cuts == []


async def test_a_page_that_fails_fails_the_list():
    rows = List(30)

    async def ask(parameters):
        if parameters.get("page") == "2":
            raise OSError
        return await rows.ask(parameters)

    with pytest.raises(OSError):  # noqa: PT011 # the very error of `ask`
        await collect(ask)


@given(
    st.lists(
        st.builds(
            FakePage,
            st.frozensets(st.sampled_from("abcd")),
            st.builds(
                Pagination,
                st.none() | st.integers(0, 10**400),
                st.none() | st.integers(0, 10**400),
                st.none() | st.integers(0, 10**400),
            ),
        ),
        min_size=1,
        max_size=10,
    )
)
async def test_any_pages_end_within_the_limit(answers):
    queue = iter(answers)

    async def ask(parameters):
        return next(queue, answers[-1])

    assert 1 <= len(await collect(ask, limit=5)) <= 5


@pytest.mark.parametrize("total", [0, 5, 15])
async def test_a_list_with_more_rows_than_its_total_is_read_on(total):
    rows = List(35, tells_pages=False)

    async def ask(parameters):
        page = await rows.ask(parameters)
        return replace(page, pagination=replace(page.pagination, total_items=total))

    seen = await collect(ask)
    assert len(set().union(*(page.keys for page in seen))) == 35


async def test_a_page_that_is_not_full_is_the_last_where_the_total_is_wrong():
    async def ask(parameters):
        assert "page" not in parameters
        return FakePage(frozenset({"a", "b"}), Pagination(1, 1, None))

    assert len(await collect(ask)) == 1
