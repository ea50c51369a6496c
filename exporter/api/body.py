"""Response bodies: decompressed, within limits on size and CPU time."""

import asyncio
import zlib
from collections.abc import AsyncIterable, Iterator

_GZIP = 16 + zlib.MAX_WBITS
_ENCODINGS = frozenset({"br", "compress", "deflate", "zstd"})
"""Encodings that an error may name: a header may contain anything, even the key."""

_STEP = 1024 * 1024
"""Bytes decompressed at a time: more would block the event loop."""

_MAX_MEMBERS = 1000
"""Members of a gzip body: 16 MiB of empty ones would take seconds of CPU time."""


class BodyError(Exception):
    """A body that cannot be used."""


class TooLargeError(BodyError):
    """More bytes than allowed, before or after decompression."""


class TruncatedError(BodyError):
    """The body ended before it was complete."""


class EncodingError(BodyError):
    """The body is not in the encoding of its header, or in one that was not accepted."""


async def read_body(chunks: AsyncIterable[bytes], *, encoding: str, limit: int) -> bytes:
    """Return a decoded body of at most `limit` bytes before and after decoding.

    `encoding` is the value of `Content-Encoding`. Raises `BodyError`, and what reading from
    `chunks` raises.
    """
    gunzip = _gunzip_for(encoding.strip().lower())
    pieces: list[bytes] = []
    received = size = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > limit:
            raise TooLargeError
        for piece in gunzip.pieces(chunk) if gunzip else (chunk,):
            size += len(piece)
            if size > limit:
                raise TooLargeError
            pieces.append(piece)
            if len(piece) == _STEP:
                await asyncio.sleep(0)
    if received and gunzip and not gunzip.complete:
        raise TruncatedError
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _gunzip_for(encoding: str) -> "_Gunzip | None":
    if encoding in {"", "identity"}:
        return None
    if encoding in {"gzip", "x-gzip"}:
        return _Gunzip()
    name = encoding if encoding in _ENCODINGS else "unknown"
    raise EncodingError(f"an encoding that was not accepted ({name})")


class _Gunzip:
    """Decompresses gzip of one or several members."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._members = 1

    @property
    def complete(self) -> bool:
        """Whether the last member has ended."""
        return self._member.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` decompresses to, at most `_STEP` bytes at a time."""
        while data:
            if self._member.eof:
                data = data.lstrip(b"\0")  # padding between members
                if not data:
                    return
                self._next_member()
            try:
                piece = self._member.decompress(data, _STEP)
            except zlib.error:
                raise EncodingError("invalid gzip") from None
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            yield piece

    def _next_member(self) -> None:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise EncodingError(f"gzip of more than {_MAX_MEMBERS} members")
        self._member = zlib.decompressobj(_GZIP)
