"""HTTP receivers: of webhooks, checked with another project's library, and of Apprise's JSON."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from standardwebhooks import Webhook

from support.mllp import HERE
from support.peers import Arrived, Manner, Peer, settled

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SECRETS = tuple(f"whsec_{base64.b64encode(bytes([at] * 32)).decode()}" for at in (1, 2))
USUAL = {Manner.TEMPORARY: 503, Manner.PERMANENT: 410}


@asynccontextmanager
async def serving(app: web.Application, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """An application on any free port."""
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, handler_cancellation=True, shutdown_timeout=0.1
    )
    await runner.setup()
    await web.TCPSite(runner, HERE, 0, ssl_context=tls).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
        await settled()


async def mannered(
    peer: Peer, request: web.Request, headers: dict[str, str] | None = None
) -> web.Response | None:
    """What a badly mannered receiver does when it has everything; None: it is a good one."""
    if peer.manner is Manner.SILENT:
        await asyncio.sleep(60)
    if peer.manner is Manner.CUT:
        assert request.transport is not None
        request.transport.abort()
    usual = USUAL.get(peer.manner)
    code = peer.told or usual
    return web.Response(status=int(code), headers=headers) if usual and code else None


def opened(request: web.Request) -> str:
    """All of a request but its body."""
    return f"{request.method} {request.url} {dict(request.headers)}"


@dataclass
class Hook:
    """A receiver of webhooks.

    Attributes:
        secret: with which it checks signatures.
        headers: that it answers with.
    """

    peer: Peer
    secret: str = SECRETS[0]
    headers: dict[str, str] = field(default_factory=dict)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """A POST, if it is signed."""
        body = await request.read()
        said = Webhook(self.secret).verify(body, dict(request.headers))
        data = said["data"]
        number = request.headers["webhook-id"]
        assert number == data["key"]
        arrived = Arrived(number, tuple(data.get("corrects", ())), body.decode(), opened(request))
        self.peer.arrived.append(arrived)
        answer = await mannered(self.peer, request, self.headers)
        return answer or web.Response(status=202)


@asynccontextmanager
async def hook_peer(
    folder: Path, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Peer, Hook]]:
    """A receiver of webhooks; the secrets are in files of the folder."""
    for name, text in zip(("secret", "previous"), SECRETS, strict=True):
        (folder / name).write_text(f"{text}\n")
    peer = Peer({"secret_file": "secret"})
    hook = Hook(peer)
    app = web.Application()
    app.router.add_post("/hook", hook.take)
    async with serving(app, tls) as port:
        peer.section["url"] = f"{'https://localhost' if tls else f'http://{HERE}'}:{port}/hook"
        yield peer, hook


@asynccontextmanager
async def chat_peer(folder: Path) -> AsyncIterator[Peer]:
    """A chat, which Apprise reaches by its own JSON; the person is in the path."""
    peer = Peer({"url_file": "chat"})

    async def take(request: web.Request) -> web.StreamResponse:
        said: dict[str, Any] = json.loads(await request.read())
        text = f"{said['title']}\n{said['message']}"
        peer.arrived.append(Arrived(None, (), text, opened(request)))
        return await mannered(peer, request) or web.Response()

    app = web.Application()
    app.router.add_post("/chat/{who}", take)
    async with serving(app) as port:
        (folder / "chat").write_text(f"json://user:s3cret@{HERE}:{port}/chat/{{address}}\n")
        yield peer
