"""One HTTP exchange with a peer: bounded, never redirected, and judged by its status alone.

    2xx                              delivered
    408, 409, 425, 429, 5xx          temporary, after `Retry-After` if the peer says so
    504                              unknown: a gateway stopped waiting for whom it had passed it to
    everything else                  permanent; a redirect too, because it leads to somebody else

A connection is used once: on one that was kept, a peer that closes it could not be told from one
that has taken the content.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

import aiohttp

from services.notifier.channels.attempts import Progress
from services.notifier.channels.contract import Outcome, delivered, permanent, temporary, unknown

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping
    from types import SimpleNamespace

LARGEST: Final = 4 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_LATER: Final = frozenset({408, 409, 425, 429})
_LONGEST: Final = timedelta(days=1)
_SERVER_ERROR: Final = 500


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@asynccontextmanager
async def session(tls: ssl.SSLContext | None) -> AsyncIterator[aiohttp.ClientSession]:
    """A session without memory: no kept connections, no cookies, no proxy from the environment."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_leaves)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, ssl=tls if tls is not None else True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # the attempt's own limit holds
        trace_configs=[trace],
        headers={"User-Agent": "salvage-watch"},
    ) as found:
        yield found


async def _leaves(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    """Just before the first byte goes out."""
    progress = context.trace_request_ctx
    if isinstance(progress, Progress):
        progress.left = True


async def ask(
    client: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    limit: int = LARGEST,
) -> Reply:
    """Ask once.

    Args:
        client: as `session` makes it.
        method: of HTTP.
        url: where; a redirect is an answer like any other, and is not followed.
        body: what is sent.
        headers: beside the usual ones.
        progress: of an attempt that this is the content of.
        limit: bytes of the answer that are read; what is beyond is left.

    Raises:
        ConnectionError: the connection could not be made, or broke.
        TimeoutError: as the surrounding limit says.
    """
    try:
        async with client.request(
            method,
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as response:
            return Reply(response.status, response.headers.copy(), await _body(response, limit))
    except TimeoutError:
        raise
    except (aiohttp.ClientError, ValueError) as error:
        raise ConnectionError(type(error).__name__) from error


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """As much of the body as is wanted, and came: the status has said what counts."""
    held = bytearray()
    try:
        while len(held) < limit and (chunk := await response.content.read(_CHUNK)):
            held += chunk
    except aiohttp.ClientError:
        pass
    return bytes(held[:limit])


def verdict(reply: Reply, receipt: str | None = None) -> Outcome:
    """What an answer means for a message that was sent.

    Args:
        reply: the answer.
        receipt: to give back if it was taken.
    """
    reason = f"http-{reply.status}"
    if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return delivered(receipt)
    if reply.status == HTTPStatus.GATEWAY_TIMEOUT:
        return unknown(reason)
    if reply.status in _LATER or reply.status >= _SERVER_ERROR:
        return temporary(reason, retry_after(reply.headers))
    return permanent(reason)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long a peer asks to be left alone: seconds, or a date, counted from the answer's own.

    Returns:
        At most a day; None if it doesn't say, or not so that it could be understood.
    """
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said[:9])), _LONGEST)
    try:
        wait = parsedate_to_datetime(said) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return min(max(wait, timedelta(0)), _LONGEST)
