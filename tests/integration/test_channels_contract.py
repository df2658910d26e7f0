"""What every channel keeps to, tried with real receivers on this machine.

A new channel is a new line in `WAYS`; everything here then holds for it, or fails.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from support.messages import (
    KEY,
    OLDER,
    PATIENT,
    REPEAT,
    SENTINELS,
    correction,
    message,
    record,
)
from support.peers import Arrived, Manner, Peer
from support.peers.fhir import fhir_peer
from support.peers.mail import mail_peer
from support.peers.record import hl7_peer
from support.peers.web import SECRETS, chat_peer, hook_peer

from services.notifier.channels.contract import Channel, Kind, Message, Outcome, Result
from services.notifier.channels.kinds.console import Console
from services.notifier.channels.kinds.console import Settings as ConsoleSettings
from services.notifier.channels.loading import BadChannels, load_channels, load_settings
from services.notifier.channels.registry import known

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    Peers = Callable[[Path], AbstractAsyncContextManager[Peer]]

PATIENT_ENOUGH, SHORT = 20.0, 2.5
"""Seconds of an attempt: for a busy machine, and for a receiver that will not answer."""
ALL = frozenset(Manner)


@dataclass(frozen=True)
class Way:
    """How a channel is tried.

    Attributes:
        peers: starts its receiver.
        manners: of which its receiver is capable.
        keyed: whether the protocol has a place for the idempotency key.
        writes_record: whether its bodies are the hospital's own record.
    """

    peers: Peers
    manners: frozenset[Manner] = ALL
    keyed: bool = True
    writes_record: bool = False


@asynccontextmanager
async def mail(_: Path) -> AsyncIterator[Peer]:
    async with mail_peer() as (peer, _postmaster):
        yield peer


@asynccontextmanager
async def hook(folder: Path) -> AsyncIterator[Peer]:
    async with hook_peer(folder) as (peer, _hook):
        yield peer


@asynccontextmanager
async def chart(_: Path) -> AsyncIterator[Peer]:
    async with fhir_peer() as (peer, _chart):
        yield peer


@asynccontextmanager
async def document_folder(_: Path) -> AsyncIterator[Peer]:
    async with hl7_peer() as peer:
        yield peer


@asynccontextmanager
async def reports(_: Path) -> AsyncIterator[Peer]:
    async with hl7_peer() as peer:
        peer.section["shape"] = "oru"
        yield peer


class Paper(io.StringIO):
    """A terminal; it may be closed."""

    def __init__(self, peer: Peer) -> None:
        super().__init__()
        self.peer = peer

    def write(self, text: str) -> int:
        if self.peer.manner is Manner.PERMANENT:
            raise BrokenPipeError
        said = json.loads(text)
        arrived = Arrived(said["key"], tuple(said.get("corrects", ())), text, "")
        self.peer.arrived.append(arrived)
        return len(text)


@asynccontextmanager
async def terminal(_: Path) -> AsyncIterator[Peer]:
    yield Peer({})


WAYS = {
    "apprise": Way(chat_peer, keyed=False),
    "console": Way(terminal, frozenset({Manner.TAKE, Manner.PERMANENT})),
    "email": Way(mail),
    "fhir": Way(chart, writes_record=True),
    "hl7": Way(document_folder, writes_record=True),
    "hl7 oru": Way(reports, writes_record=True),
    "webhook": Way(hook),
}
ASKED = {"cds_hooks"}
"""Kinds that are asked and send nothing: test_channels_cds_hooks.py."""


class Talk(NamedTuple):
    """What was said, and what became of it."""

    outcomes: list[Outcome]
    arrived: list[Arrived]
    seconds: float


def opened(name: str, peer: Peer, folder: Path, **more: Any) -> Channel:
    """The channel that a site's file describes."""
    section = {"type": name.split(maxsplit=1)[0], "timeout": PATIENT_ENOUGH, **peer.section, **more}
    (folder / "channels.yaml").write_text(yaml.safe_dump({"channels": {"tried": section}}))
    (channel,) = load_channels(folder / "channels.yaml").channels
    if isinstance(channel, Console):
        return Console(channel.name, ConsoleSettings(type="console"), Paper(peer))
    return channel


def talk(name: str, folder: Path, *messages: Message, manner: Manner = Manner.TAKE) -> Talk:
    """Send messages, one after the other, to a receiver with these manners."""
    return asyncio.run(talking(name, folder, *messages, manner=manner))


async def talking(name: str, folder: Path, *messages: Message, manner: Manner) -> Talk:
    """The same, for several at a time."""
    folder = folder / name / manner
    folder.mkdir(parents=True, exist_ok=True)
    timeout = SHORT if manner is Manner.SILENT else PATIENT_ENOUGH
    async with WAYS[name].peers(folder) as peer:
        channel = opened(name, peer, folder, timeout=timeout)
        await channel.open()
        peer.manner = manner
        began = time.monotonic()
        try:
            outcomes = [await channel.send(one) for one in messages]
            return Talk(outcomes, peer.arrived, time.monotonic() - began)
        finally:
            await channel.close()


def can(manner: Manner) -> list[str]:
    """Channels whose receiver may behave so."""
    return [name for name, way in WAYS.items() if manner in way.manners]


def test_every_kind_is_tried() -> None:
    assert {name.split()[0] for name in WAYS} | ASKED == set(known())


@pytest.mark.parametrize("name", WAYS)
def test_what_is_taken_is_delivered_once(name: str, tmp_path: Path) -> None:
    found = talk(name, tmp_path, message())
    assert [one.result for one in found.outcomes] == [Result.DELIVERED]
    keys = {one.key for one in found.arrived}
    wanted = KEY[:20] if name.startswith("hl7") else KEY
    assert keys == ({wanted} if WAYS[name].keyed else {None})
    assert REPEAT not in "".join(one.sealed for one in found.arrived)


@pytest.mark.parametrize(
    ("manner", "result"),
    [
        (Manner.TEMPORARY, Result.TEMPORARY),
        (Manner.PERMANENT, Result.PERMANENT),
        (Manner.CUT, Result.UNKNOWN),
        (Manner.SILENT, Result.UNKNOWN),
    ],
)
def test_what_is_known_after_an_attempt(manner: Manner, result: Result, tmp_path: Path) -> None:
    async def run() -> list[Talk]:
        talks = (talking(name, tmp_path, message(), manner=manner) for name in can(manner))
        return await asyncio.gather(*talks)

    for name, found in zip(can(manner), asyncio.run(run()), strict=True):
        assert [(name, one.result) for one in found.outcomes] == [(name, result)]
        assert all(one.reason for one in found.outcomes)
        if result is Result.UNKNOWN:
            assert found.arrived, name
        assert found.seconds < PATIENT_ENOUGH, name  # also of one that would sleep for a minute


@pytest.mark.parametrize("name", [name for name in WAYS if name != "console"])
def test_nobody_there_is_temporary(name: str, tmp_path: Path) -> None:
    async def run() -> Outcome:
        async with WAYS[name].peers(tmp_path) as peer:
            channel = opened(name, peer, tmp_path)
        await channel.open()
        try:
            return await channel.send(message())
        finally:
            await channel.close()

    assert asyncio.run(run()).result is Result.TEMPORARY


@pytest.mark.parametrize("name", WAYS)
def test_a_repeat_is_recognised_and_says_so(name: str, tmp_path: Path) -> None:
    first, again = message(), message(duplicate=True)
    found = talk(name, tmp_path, first, again)
    assert {one.result for one in found.outcomes} == {Result.DELIVERED}
    half = len(found.arrived) // 2
    before, after = found.arrived[:half], found.arrived[half:]
    assert [one.key for one in before] == [one.key for one in after]
    assert REPEAT in "".join(one.sealed for one in after)


@pytest.mark.parametrize("name", WAYS)
def test_a_correction_names_what_it_corrects(name: str, tmp_path: Path) -> None:
    found = talk(name, tmp_path, correction())
    assert {one.result for one in found.outcomes} == {Result.DELIVERED}
    named = {key for one in found.arrived for key in one.corrects}
    text = "".join(one.sealed for one in found.arrived)
    if name.startswith("hl7"):
        assert OLDER[:20] in text
        assert KEY[:20] in text
    elif WAYS[name].keyed:
        assert named == {OLDER, KEY}
    assert "Correction" in text


SECRET = ("s3cret", SECRETS[0].removeprefix("whsec_"))
"""Of the chat and of the webhook; they are in the receivers' settings."""


def leaks(text: str) -> set[str]:
    """The sentinels that are in a text."""
    return {word for word in (*SENTINELS, PATIENT, *SECRET) if word in text}


CASES = [(kind, Manner.TAKE) for kind in Kind if kind is not Kind.CLOSED]  # that asks for no text
CASES += [(Kind.ALERT, one) for one in Manner if one is not Manner.TAKE]


@pytest.mark.parametrize(("kind", "manner"), CASES)
def test_nothing_of_a_patient_leaves_the_house(
    kind: Kind, manner: Manner, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever becomes of it. In the record's own bodies a patient may be, and has to be."""
    caplog.set_level(logging.DEBUG)
    said = correction() if kind is Kind.CORRECTION else message(kind=kind)

    async def run() -> list[Talk]:
        talks = (talking(name, tmp_path, said, manner=manner) for name in can(manner))
        return await asyncio.gather(*talks)

    for name, found in zip(can(manner), asyncio.run(run()), strict=True):
        told = [*map(str, found.outcomes), *(one.open for one in found.arrived)]
        told += [] if WAYS[name].writes_record else [one.sealed for one in found.arrived]
        assert leaks("\n".join(told)) == set(), name
        if WAYS[name].writes_record and kind is Kind.TEST:
            assert found.arrived == []  # it is nobody's record
        elif WAYS[name].writes_record and manner is Manner.TAKE:
            assert "ZZTITLE" in leaks("".join(one.sealed for one in found.arrived))
    logged = [f"{one.getMessage()} {vars(one)}" for one in caplog.records]
    assert leaks("\n".join(logged)) == set()


def test_a_leak_would_be_seen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    planted = message(subject="ZZNAME has a case", links=("https://inbox.example/ZZNUMBER",))
    found = talk("webhook", tmp_path, planted)
    assert leaks(found.arrived[0].sealed) == {"ZZNAME", "ZZNUMBER"}
    logging.getLogger("somebody").debug("of %s", "ZZVALUE")
    assert "ZZVALUE" in leaks(caplog.text)


# --- Settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({name.split()[0] for name in WAYS}))
@pytest.mark.parametrize("key", ["password", "token", "client_secret", "timeuot"])
def test_unknown_keys_and_inline_secrets_are_refused(name: str, key: str, tmp_path: Path) -> None:
    async def section() -> dict[str, Any]:
        async with WAYS[name].peers(tmp_path) as peer:
            return {"type": name, **peer.section}

    good = asyncio.run(section())
    path = tmp_path / "channels.yaml"
    path.write_text(yaml.safe_dump({"channels": {"tried": good}}))
    assert load_settings(path)["tried"].type == name
    path.write_text(yaml.safe_dump({"channels": {"tried": good | {key: "s3cret"}}}))
    with pytest.raises(BadChannels) as caught:
        load_settings(path)
    (mistake,) = caught.value.mistakes
    assert f"unknown key {key!r}" in mistake.message
    assert "s3cret" not in str(caught.value)
    assert ("_file" in mistake.message) is (key != "timeuot")
    line = path.read_text().splitlines()[mistake.line - 1]
    assert line.strip().startswith(key)


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.writes_record])
def test_the_record_gets_nothing_that_is_of_no_patient(name: str, tmp_path: Path) -> None:
    nobody = message(record=None)
    foreign = message(record=record(patient_id="ELSEWHERE|1"))
    found = talk(name, tmp_path, nobody)
    assert found.outcomes[0].reason == "no-record"
    assert found.outcomes[0].result is Result.PERMANENT
    if name == "fhir":
        again = talk(name, tmp_path, foreign)
        assert again.outcomes[0].reason == "patient-of-unknown-authority"
        assert again.arrived == []


@pytest.mark.parametrize("name", ["email", "apprise"])
def test_somebody_without_an_address_is_refused_for_good(name: str, tmp_path: Path) -> None:
    found = talk(name, tmp_path, message(addresses=()))
    assert [one.result for one in found.outcomes] == [Result.PERMANENT]
    assert found.arrived == []
