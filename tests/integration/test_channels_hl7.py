"""HL7 v2 out, to a receiver that others wrote: HAPI parses, validates and answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support import hapi, lacking
from support.certificates import authority, certificate
from support.hapi_record import HapiRecord, hapi_record
from support.messages import KEY, OLDER, alert, correction, message, record
from support.mllp import HERE
from support.peers.record import hl7_peer
from support.peers.tls import server_side

from services.notifier.channels.contract import Outcome, Result
from services.notifier.channels.kinds.hl7 import Hl7, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from support.peers import Peer

    from services.notifier.channels.contract import Message

pytestmark = pytest.mark.timeout(200)


def send(receiver: HapiRecord, said: Message, wish: str = "HOSP", shape: str = "mdm") -> Outcome:
    section: dict[str, Any] = {"host": HERE, "port": receiver.port}
    section["receiving"] = {"application": "EHR", "facility": wish}
    settings = Settings.model_validate({"type": "hl7", "shape": shape, **section})

    async def run() -> Outcome:
        channel = Hl7("record", settings)
        await channel.open()
        return await channel.send(said)

    return asyncio.run(run())


@pytest.mark.slow
def test_hapi_reads_what_was_meant_and_its_answers_are_understood() -> None:
    """One test, because Java takes longer to start than all of it."""
    if (tools := hapi.missing()) is not None:
        lacking(tools)
    with hapi_record() as receiver:
        a_document_as_it_was_meant(receiver)
        what_replaces_documents(receiver)
        a_report(receiver)
        for wish, result, reason in REFUSALS:
            outcome = send(receiver, message(), wish)
            assert (wish, outcome.result, outcome.reason) == (wish, result, reason)


REFUSALS = [
    ("AE102", Result.PERMANENT, "hl7-AE"),
    ("AE207", Result.TEMPORARY, "hl7-AE-207"),
    ("AR201", Result.PERMANENT, "hl7-AR-201"),
    ("AR207", Result.TEMPORARY, "hl7-AR-207"),
]


def a_document_as_it_was_meant(receiver: HapiRecord) -> None:
    outcome = send(receiver, message())
    assert outcome == Outcome(Result.DELIVERED, receipt=KEY[:20])
    (taken,) = receiver.wait(1)
    assert (taken.structure, taken.control) == ("MDM_T02", KEY[:20])
    assert (taken.patient, taken.number, taken.parent) == ("ZZNUMBER77", KEY[:20], "")
    assert "ZZNAME | has ^ a & finding ~ of \\ sorts" in taken.text.splitlines()
    assert "- psa <ZZVALUE ng/mL on 2026-11-02 (trigger)" in taken.text.splitlines()


def what_replaces_documents(receiver: HapiRecord) -> None:
    assert send(receiver, correction()).result is Result.DELIVERED
    cancelled, replacing = receiver.wait(3)[1:]
    assert (cancelled.structure, cancelled.number) == ("MDM_T01", OLDER[:20])
    assert (replacing.structure, replacing.parent) == ("MDM_T02", KEY[:20])
    assert cancelled.control != replacing.control


def a_report(receiver: HapiRecord) -> None:
    assert send(receiver, correction(), shape="oru").result is Result.DELIVERED
    (taken,) = receiver.wait(4)[3:]
    numbers = [line for line in taken.text.splitlines() if line.startswith("OBR-3")]
    mine = correction().key[:20]
    assert numbers == [f"OBR-3 {number}^SALVAGE" for number in (OLDER[:20], KEY[:20], mine)]
    assert taken.patient == "ZZNUMBER77"


# --- Over TLS, and a receiver that answers to something else --------------------------------------


def encrypted(folder: Path, authorities: str) -> tuple[Outcome, Peer]:
    async def run() -> tuple[Outcome, Peer]:
        async with hl7_peer(server_side(folder)) as peer:
            section = peer.section | {"tls": {"authorities_file": f"{authorities}.pem"}}
            settings = Settings.model_validate(
                {"type": "hl7", **section}, context={"folder": folder}
            )
            channel = Hl7("record", settings)
            await channel.open()
            return await channel.send(message()), peer

    return asyncio.run(run())


def test_tls_checks_whom_it_speaks_to(tmp_path: Path) -> None:
    for name in ("ca", "other"):
        authority(tmp_path, name)
    certificate(tmp_path, "server", "ca", "localhost")
    outcome, peer = encrypted(tmp_path, "ca")
    assert (outcome.result, len(peer.arrived)) == (Result.DELIVERED, 1)
    outcome, peer = encrypted(tmp_path, "other")
    assert (outcome.result, len(peer.arrived)) == (Result.TEMPORARY, 0)


def test_a_document_is_cancelled_before_it_is_replaced_and_no_further_if_that_fails() -> None:
    async def run() -> tuple[Outcome, Peer]:
        async with hl7_peer() as peer:
            peer.told = "AE 207"
            settings = Settings.model_validate({"type": "hl7", **peer.section})
            channel = Hl7("record", settings)
            await channel.open()
            return await channel.send(correction(record=record(alert(name="b")))), peer

    outcome, peer = asyncio.run(run())
    assert outcome.result is Result.TEMPORARY
    assert [one.sealed.split("|")[8] for one in peer.arrived] == ["MDM^T11^MDM_T01"]
