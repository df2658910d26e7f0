"""One GET, bounded in time and size, that goes where it was sent and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp

from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS: Final = 30.0
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: status, headers and the unpacked body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def fetch(
    session: aiohttp.ClientSession,
    url: str,
    *,
    limit: int,
    seconds: float = SECONDS,
    headers: Mapping[str, str] | None = None,
) -> Fetched:
    """Ask once. A redirect is an answer like any other, and is not followed.

    Raises:
        Unavailable: no answer in time, or one that is larger than `limit` bytes.
    """
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with session.get(
            url, allow_redirects=False, timeout=timeout, headers=headers
        ) as response:
            body = await read_capped(response, limit)
            return Fetched(response.status, response.headers.copy(), body)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Unavailable(f"not answered: {type(error).__name__}") from error


async def read_capped(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The unpacked body.

    Raises:
        Unavailable: it is larger than `limit` bytes.
    """
    held = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        held += chunk
        if len(held) > limit:
            raise Unavailable("the answer is too large")
    return bytes(held)
