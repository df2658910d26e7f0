"""A mail server: aiosmtpd, another project's."""

from __future__ import annotations

import asyncio
import email
import email.policy
import warnings
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from support.mllp import HERE
from support.peers import Arrived, Manner, Peer, settled

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

USER, PASSWORD = "salvage", "correct horse"
TEXTS = {421: "shutting down", 450: "mailbox busy", 550: "no such mailbox", 552: "too large"}


class Postmaster:
    """Decides what becomes of mail."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.refused: set[str] = set()
        self.at_data = False

    async def handle_RCPT(  # noqa: N802 - by that name it is called
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RCPT TO, where most refusals come."""
        del server, session, options
        if address in self.refused:
            return "550 no such mailbox"
        if not self.at_data and (reply := self._reply()):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - likewise
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """All of the content is here."""
        del session
        if self.at_data and (reply := self._reply()):
            return reply
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body: Any = mail.get_content() if not mail.is_multipart() else ""
        opened = f"{envelope.mail_from} {envelope.rcpt_tos} {dict(mail)}"
        earlier = [_key(one) for one in str(mail.get("References", "")).split()]
        key = _key(str(mail["Message-ID"]))
        self.peer.arrived.append(Arrived(key, tuple(earlier), f"{mail['Subject']}\n{body}", opened))
        if self.peer.manner is Manner.CUT:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        elif self.peer.manner is Manner.SILENT:
            await asyncio.sleep(60)
        return "250 taken"

    def _reply(self) -> str | None:
        usual = {Manner.TEMPORARY: 450, Manner.PERMANENT: 550}.get(self.peer.manner)
        code = int(self.peer.told or usual) if usual is not None else None
        return f"{code} {TEXTS.get(code, 'no')}" if code is not None else None


def _key(number: str) -> str:
    """Of a Message-ID."""
    return number.strip("<>").partition("@")[0]


def check(*_: Any) -> AuthResult:
    """The only user there is."""
    login = _[-1]
    good = login == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@asynccontextmanager
async def mail_peer(
    *, tls: ssl.SSLContext | None = None, implicit: bool = False, login: bool = False
) -> AsyncIterator[tuple[Peer, Postmaster]]:
    """A server, with STARTTLS if there is a certificate."""
    peer = Peer({"host": "localhost" if tls else HERE, "sender": "salvage@hospital.example"})
    postmaster = Postmaster(peer)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # It doesn't see that what it speaks over is encrypted already.
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            return SMTP(
                postmaster,
                hostname="mail.hospital.example",
                tls_context=None if implicit else tls,
                require_starttls=tls is not None and not implicit,
                auth_required=login,
                auth_require_tls=not implicit,
                authenticator=check if login else None,
            )

    served: list[SMTP] = []

    def remembered() -> SMTP:
        served.append(protocol())
        return served[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(remembered, HERE, 0, ssl=tls if implicit else None)
    peer.section["port"] = server.sockets[0].getsockname()[1]
    peer.section["encryption"] = "none" if tls is None else "implicit" if implicit else "starttls"
    try:
        yield peer, postmaster
    finally:
        server.close()
        for one in served:
            if isinstance(one.transport, asyncio.Transport):
                one.transport.abort()
        await settled()
