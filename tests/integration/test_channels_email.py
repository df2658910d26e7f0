"""E-mail, to a mail server that others wrote."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support.certificates import authority, certificate
from support.messages import KEY, OLDER, correction, message
from support.mllp import HERE
from support.peers import Manner, Peer
from support.peers.mail import PASSWORD, USER, Postmaster, mail_peer
from support.peers.tls import server_side

from services.notifier.channels.contract import Outcome, Result
from services.notifier.channels.kinds.email import Email, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from services.notifier.channels.contract import Message


async def post(peer: Peer, folder: Path, said: Message, **more: Any) -> Outcome:
    section = {"type": "email", **peer.section, **more}
    channel = Email("mail", Settings.model_validate(section, context={"folder": folder}))
    await channel.open()
    return await channel.send(said)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ca", "other"):
        authority(tmp_path, name)
    certificate(tmp_path, "server", "ca", "localhost")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "wrong").write_text("incorrect\n")
    return tmp_path


@pytest.mark.parametrize("at_data", [False, True])
@pytest.mark.parametrize(
    ("manner", "code", "result"),
    [
        (Manner.TEMPORARY, 421, Result.TEMPORARY),
        (Manner.TEMPORARY, 450, Result.TEMPORARY),
        (Manner.PERMANENT, 550, Result.PERMANENT),
        (Manner.PERMANENT, 552, Result.PERMANENT),
    ],
)
def test_replies(
    manner: Manner, code: int, result: Result, *, at_data: bool, tmp_path: Path
) -> None:
    async def run() -> Outcome:
        async with mail_peer() as (peer, postmaster):
            peer.manner, peer.told, postmaster.at_data = manner, code, at_data
            return await post(peer, tmp_path, message())

    outcome = asyncio.run(run())
    assert outcome == Outcome(result, f"smtp-{code}")


def test_a_mail_is_plain_and_says_what_it_is(tmp_path: Path) -> None:
    async def run() -> tuple[Peer, Outcome]:
        async with mail_peer() as (peer, _):
            return peer, await post(peer, tmp_path, message())

    peer, outcome = asyncio.run(run())
    assert outcome.receipt == f"<{KEY}@hospital.example>"
    (mail,) = peer.arrived
    assert "Ärzte: https://inbox.hospital.example/c/" in mail.sealed
    for text in (
        "'Auto-Submitted': 'auto-generated'",
        "'Content-Type': 'text/plain; charset=\"utf-8\"'",
        "'Date': 'Mon, 23 Nov 2026 10:30:00 +0000'",
        "'From': 'salvage@hospital.example'",
    ):
        assert text in mail.open


def test_a_correction_answers_what_it_corrects(tmp_path: Path) -> None:
    async def run() -> Peer:
        async with mail_peer() as (peer, _):
            await post(peer, tmp_path, correction())
            return peer

    (mail,) = asyncio.run(run()).arrived
    assert f"'In-Reply-To': '<{KEY}@hospital.example>'" in mail.open
    assert mail.corrects == (OLDER, KEY)


@pytest.mark.parametrize(
    ("addresses", "result", "to"),
    [
        (("gone@h.example", "anne@h.example"), Result.DELIVERED, "['anne@h.example']"),
        (("not an address", "anne@h.example"), Result.DELIVERED, "['anne@h.example']"),
        (("anne@h.example", "gone@h.example"), Result.DELIVERED, "['anne@h.example']"),
        (("gone@h.example",), Result.PERMANENT, ""),
        (("not an address",), Result.PERMANENT, ""),
    ],
)
def test_the_first_address_that_is_taken(
    addresses: tuple[str, ...], result: Result, to: str, tmp_path: Path
) -> None:
    async def run() -> tuple[Peer, Outcome]:
        async with mail_peer() as (peer, postmaster):
            postmaster.refused = {"gone@h.example"}
            return peer, await post(peer, tmp_path, message(addresses=addresses))

    peer, outcome = asyncio.run(run())
    assert outcome.result is result
    assert [to in one.open for one in peer.arrived] == [True] * bool(to)


def test_one_that_might_be_taken_later_is_not_refused_for_good(tmp_path: Path) -> None:
    async def run() -> Outcome:
        async with mail_peer() as (peer, postmaster):
            peer.manner, postmaster.refused = Manner.TEMPORARY, {"gone@h.example"}
            said = message(addresses=("gone@h.example", "anne@h.example"))
            return await post(peer, tmp_path, said)

    assert asyncio.run(run()) == Outcome(Result.TEMPORARY, "smtp-450")


@asynccontextmanager
async def protected(folder: Path, *, implicit: bool) -> AsyncIterator[Peer]:
    async with mail_peer(tls=server_side(folder), implicit=implicit, login=True) as (peer, _):
        peer.section |= {"user": USER, "password_file": "password"}
        peer.section["tls"] = {"authorities_file": "ca.pem"}
        yield peer


@pytest.mark.parametrize("implicit", [False, True])
def test_encrypted_and_logged_in(folder: Path, *, implicit: bool) -> None:
    async def run() -> dict[str, Outcome]:
        async with protected(folder, implicit=implicit) as peer:
            return {
                "good": await post(peer, folder, message()),
                "stranger": await post(
                    peer, folder, message(), tls={"authorities_file": "other.pem"}
                ),
                "password": await post(
                    peer,
                    folder,
                    message(),
                    password_file="wrong",  # noqa: S106 - a file's name
                ),
            }

    found = asyncio.run(run())
    assert found["good"].result is Result.DELIVERED
    assert found["stranger"] == Outcome(Result.TEMPORARY, "not-reached")
    assert found["password"] == Outcome(Result.PERMANENT, "smtp-535")


def test_nothing_is_said_in_plain_text_where_encryption_was_asked_for(tmp_path: Path) -> None:
    """A server, or somebody before it, that doesn't offer STARTTLS."""

    async def run() -> tuple[Peer, Outcome]:
        async with mail_peer() as (peer, _):
            said = message()
            return peer, await post(peer, tmp_path, said, encryption="starttls")

    peer, outcome = asyncio.run(run())
    assert outcome == Outcome(Result.PERMANENT, "smtp-not-supported")
    assert peer.arrived == []


def test_what_is_no_mail_server_is_not_reached(tmp_path: Path) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.transport.abort()

    async def run() -> Outcome:
        server = await asyncio.start_server(greet, HERE, 0)
        port = server.sockets[0].getsockname()[1]
        section = {"host": HERE, "port": port, "encryption": "none", "sender": "a@b.example"}
        try:
            return await post(Peer(section), tmp_path, message())
        finally:
            server.close()

    assert asyncio.run(run()).result is Result.TEMPORARY


def test_a_postmaster_who_refuses_is_heard() -> None:
    """The receiver of these tests does refuse; else they would show nothing."""
    peer = Peer({}, Manner.PERMANENT)
    assert Postmaster(peer)._reply() == "550 no such mailbox"  # noqa: SLF001 - its own test
