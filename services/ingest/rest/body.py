"""The body of a request, unpacked, and never more of it than anybody may send."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

from services.ingest.rest.call import LARGEST

if TYPE_CHECKING:
    from aiohttp import web

_WINDOW: Final = zlib.MAX_WBITS | 16
_CHUNK: Final = 64 * 1024
READ_SECONDS: Final = 60.0


class BadBody(Exception):  # noqa: N818 - a verdict on the input
    """The body can't be taken: `kept` holds the beginning of one that is too large."""

    def __init__(self, text: str, *, kept: bytes = b"") -> None:
        super().__init__(text)
        self.kept = kept


class TooLarge(BadBody):
    """It has more bytes than a document may have, packed or unpacked."""


class TooSlow(BadBody):
    """It did not come in time."""


async def read_body(request: web.Request) -> bytes:
    """Read the body and unpack it if it says that it is gzip.

    Raises:
        TooLarge: it is.
        TooSlow: it took too long.
        BadBody: it is no gzip although it says so, or is cut off.
    """
    packed = request.headers.get("Content-Encoding", "identity").strip().lower() == "gzip"
    unpacker = _Unpacker() if packed else None
    held = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.content.iter_chunked(_CHUNK):
                for part in unpacker.feed(chunk) if unpacker else (chunk,):
                    held += part
                    if len(held) > LARGEST:
                        raise TooLarge("too large", kept=bytes(held[:_CHUNK]))
    except TimeoutError:
        raise TooSlow("the body did not come in time") from None
    if unpacker is not None and not unpacker.ended:
        raise BadBody("the gzip data ends before its end")
    return bytes(held)


class _Unpacker:
    """Unpacks gzip in pieces of bounded size: a bomb is noticed before it is unpacked."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_WINDOW)

    @property
    def ended(self) -> bool:
        return self._member.eof

    def feed(self, chunk: bytes) -> list[bytes]:
        """The next pieces; one more than fit is enough to know that it is too large."""
        found, rest, size = list[bytes](), chunk, 0
        while rest and not self._member.eof and size <= LARGEST:
            try:
                piece = self._member.decompress(rest, _CHUNK)
            except zlib.error:
                raise BadBody("the gzip data is damaged") from None
            found.append(piece)
            size, rest = size + len(piece), self._member.unconsumed_tail
        if self._member.unused_data:
            raise BadBody("something follows the gzip data")
        return found
