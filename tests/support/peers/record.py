"""A receiver of HL7 v2 over MLLP, by hand: it can do what no good one does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from support.mllp import HERE
from support.peers import Arrived, Manner, Peer, settled

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

USUAL = {Manner.TAKE: "AA", Manner.TEMPORARY: "AR", Manner.PERMANENT: "AE"}


def fields(text: str, segment: str) -> list[list[str]]:
    """The segments of a name, each by its fields."""
    rows = [line.split("|") for line in text.split("\r")]
    return [row for row in rows if row[0] == segment]


def answered(text: str, code: str, error: str = "") -> bytes:
    """An answer in its frame; `error` is ERR-3."""
    control = fields(text, "MSH")[0][9]
    lines = ["MSH|^~\\&|EHR|HOSP|||20261123||ACK|A1|P|2.5.1", f"MSA|{code}|{control}"]
    lines += [f"ERR|||{error}|E"] if error else []
    return b"\x0b" + "".join(f"{line}\r" for line in lines).encode() + b"\x1c\r"


def arrived(text: str) -> Arrived:
    """What a record knows a document by."""
    control = fields(text, "MSH")[0][9]
    parents = [row[13].partition("^")[0] for row in fields(text, "TXA") if row[13:]]
    return Arrived(control, tuple(one for one in parents if one), text, "")


@asynccontextmanager
async def hl7_peer(tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """A receiver. `told` is a code and an error: `AE 207`."""
    host = "localhost" if tls else HERE
    peer = Peer({"host": host, "receiving": {"application": "EHR", "facility": "HOSP"}})

    served: list[asyncio.StreamWriter] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)
        try:
            text = (await reader.readuntil(b"\x1c\r"))[1:-2].decode()
            peer.arrived.append(arrived(text))
            if peer.manner is Manner.SILENT:
                await reader.read()
            elif peer.manner is not Manner.CUT:
                code, _, error = str(peer.told or USUAL[peer.manner]).partition(" ")
                writer.write(answered(text, code, error))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(take, HERE, 0, ssl=tls)
    peer.section["port"] = server.sockets[0].getsockname()[1]
    if tls is not None:
        peer.section["tls"] = {"authorities_file": "ca.pem"}
    try:
        yield peer
    finally:
        server.close()
        for one in served:
            one.transport.abort()
        await settled()
