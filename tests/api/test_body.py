import contextlib
import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api.body import BodyError, EncodingError, TooLargeError, TruncatedError, read_body


def cut_up(data, size):
    async def chunks():
        for start in range(0, len(data), size):
            yield data[start : start + size]

    return chunks()


async def read(data, *, encoding="gzip", limit=1000, size=7):
    return await read_body(cut_up(data, size), encoding=encoding, limit=limit)


@given(
    members=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    size=st.integers(1, 200),
    padding=st.integers(0, 20),
)
async def test_gzip_of_any_number_of_members_comes_out_as_it_went_in(members, size, padding):
    whole = b"".join(members)
    sent = b"".join(map(gzip.compress, members)) + b"\0" * padding
    assert await read(sent, size=size, limit=2000) == whole
    assert await read(whole, encoding="identity", size=size, limit=2000) == whole


@given(data=st.binary(min_size=1, max_size=300), size=st.integers(1, 50), share=st.floats(0, 1))
async def test_truncated_gzip_is_an_error(data, size, share):
    sent = gzip.compress(data)
    kept = 1 + int(share * (len(sent) - 2))
    with pytest.raises(TruncatedError):
        await read(sent[:kept], size=size)


@given(junk=st.binary(max_size=200), size=st.integers(1, 50))
async def test_anything_called_gzip_is_read_or_an_error(junk, size):
    with contextlib.suppress(BodyError):
        assert isinstance(await read(junk, size=size), bytes)


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_the_limit_is_exact(encoding):
    for length, fits in ((1000, True), (1001, False)):
        data = b"x" * length
        sent = gzip.compress(data) if encoding else data
        if fits:
            assert await read(sent, encoding=encoding) == data
        else:
            with pytest.raises(TooLargeError):
                await read(sent, encoding=encoding)


async def test_the_limit_counts_compressed_bytes_too():
    empty = gzip.compress(b"")
    with pytest.raises(TooLargeError):
        await read(empty * 100)


async def test_gzip_of_too_many_members_is_an_error():
    sent = gzip.compress(b"") * 5000
    with pytest.raises(EncodingError, match="members"):
        await read(sent, size=len(sent), limit=len(sent))


async def test_a_bomb_costs_no_more_than_the_limit():
    megabyte = 1024 * 1024
    squeezer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(squeezer.compress(b"\0" * megabyte) for _ in range(200)) + squeezer.flush()
    taken = 0

    async def chunks():
        nonlocal taken
        for start in range(0, len(bomb), 4096):
            taken += 4096
            yield bomb[start : start + 4096]

    with pytest.raises(TooLargeError):
        await read_body(chunks(), encoding="gzip", limit=3 * megabyte)
    assert taken <= 2 * 4096


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd", "\x00evil"])
async def test_an_encoding_that_was_not_requested_is_an_error(encoding):
    with pytest.raises(EncodingError, match="was not accepted"):
        await read(b"x", encoding=encoding)


@settings(max_examples=20)
@given(st.sampled_from(["GZIP", " x-gzip ", "Gzip"]))
async def test_gzip_goes_by_several_names(encoding):
    assert await read(gzip.compress(b"x"), encoding=encoding) == b"x"
