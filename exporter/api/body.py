"""The body of an answer, read within bounds whatever is sent."""

import asyncio
import zlib
from collections.abc import AsyncIterable

_GZIP = 16 + zlib.MAX_WBITS
_OTHERS = frozenset({"br", "compress", "deflate", "zstd"})
"""Encodings that an error may name: a header may hold anything, the key too."""

_STEP = 1024 * 1024
"""Bytes inflated at a time: more would hold the event loop."""


class BodyError(Exception):
    """A body that cannot be used."""


class TooLargeError(BodyError):
    """More bytes than allowed, as sent or inflated."""


class TruncatedError(BodyError):
    """The body ended before it was complete."""


class EncodingError(BodyError):
    """The body is not encoded the way its header says, or in a way nobody asked for."""


async def read_body(chunks: AsyncIterable[bytes], *, encoding: str, limit: int) -> bytes:
    """Return a body decoded, of at most `limit` bytes before and after decoding.

    `encoding` is the value of `Content-Encoding`. Raises `BodyError`; what reading from
    `chunks` raises passes through.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return await _collect(chunks, limit)
    if encoding in {"gzip", "x-gzip"}:
        return await _inflate(chunks, limit)
    named = encoding if encoding in _OTHERS else "of its own"
    raise EncodingError(f"an encoding that was not asked for ({named})")


async def _collect(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLargeError
        pieces.append(chunk)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _inflate(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    """Undo gzip, of one or several members."""
    pieces: list[bytes] = []
    sent = size = 0
    member = zlib.decompressobj(_GZIP)
    fresh = True
    async for chunk in chunks:
        sent += len(chunk)
        if sent > limit:
            raise TooLargeError
        data = chunk
        while data:
            if member.eof:
                data = data.lstrip(b"\0")  # members may be padded
                if not data:
                    break
                member = zlib.decompressobj(_GZIP)
            try:
                piece = member.decompress(data, _STEP)
            except zlib.error:
                raise EncodingError("gzip, which it is not") from None
            fresh = False
            size += len(piece)
            if size > limit:
                raise TooLargeError
            pieces.append(piece)
            data = member.unused_data if member.eof else member.unconsumed_tail
            if len(piece) == _STEP:
                await asyncio.sleep(0)
    if not fresh and not member.eof:
        raise TruncatedError
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
