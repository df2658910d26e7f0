"""`hl7`: cases are written into the record by HL7 v2 over MLLP: MDM documents, or ORU reports.

What the answers mean stands in `hl7out/answers.py`: AA is delivered, AR temporary, AE permanent.
A connection carries one message: on one that goes on, a late answer is read as the next one's.

A channel for the record, as `fhir` is. MLLP encrypts nothing; without `tls` it is for this machine,
or, with `plaintext: true`, for a network that is protected by other means.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from services.notifier.channels.attempts import Progress, attempt
from services.notifier.channels.contract import Kind, Outcome, Result, delivered, permanent
from services.notifier.channels.hl7out.answers import judged
from services.notifier.channels.hl7out.messages import Ends, Outgoing, mdm, oru
from services.notifier.channels.settings import LOOPBACK, ChannelSettings, Host, Part, Port, Tls
from services.runtime.clock import Clock, SystemClock

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from services.notifier.cases.words import Channel as Strength
    from services.notifier.channels.contract import Message

START, END = b"\x0b", b"\x1c\r"
LARGEST: Final = 64 * 1024
_SHAPES: Final = {"mdm": mdm, "oru": oru}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Place = Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,180}$")]


class End(Part):
    """Who speaks or is spoken to."""

    application: Place
    facility: Place

    @property
    def pair(self) -> tuple[str, str]:
        """As two fields of MSH."""
        return self.application, self.facility


class Settings(ChannelSettings):
    """Its section.

    Attributes:
        shape: documents or reports.
        tls: how we know the receiver, and it knows us.
        plaintext: although it is not on this machine.
        sending, receiving: of MSH-3 to MSH-6.
        processing_id: MSH-11.
        document_type: TXA-2.
    """

    type: Literal["hl7"]
    host: Host
    port: Port
    shape: Literal["mdm", "oru"] = "mdm"
    tls: Tls | None = None
    plaintext: bool = False
    sending: End = End(application="SALVAGE", facility="SALVAGE")
    receiving: End
    processing_id: Literal["P", "T", "D"] = "P"
    document_type: Place = "PN"

    @model_validator(mode="after")
    def _is_protected(self) -> Self:
        if self.tls is None and self.host not in LOOPBACK and not self.plaintext:
            raise ValueError("not this machine alone: needs tls, or `plaintext: true`")
        return self

    def channel(self, name: str) -> Hl7:
        """The channel."""
        return Hl7(name, self)


class Hl7:
    """The channel."""

    strengths: frozenset[Strength] = frozenset()

    def __init__(self, name: str, settings: Settings, clock: Clock | None = None) -> None:
        """Wire.

        Args:
            name: what the site calls it.
            settings: its section.
            clock: gives MSH-7.
        """
        self.name = name
        self.timeout = timedelta(seconds=settings.timeout)
        self._settings = settings
        self._clock = clock or SystemClock()
        self._tls: ssl.SSLContext | None = None

    async def open(self) -> None:
        """Read the certificates.

        Raises:
            OperatorError: one of them can't be used.
        """
        if self._settings.tls is not None:
            self._tls = self._settings.tls.context(self.name)

    async def close(self) -> None:
        """Every message has a connection of its own; none is left."""

    async def send(self, message: Message) -> Outcome:
        """Try once. A test writes nothing: it looks whether somebody is there."""
        if message.kind is Kind.TEST:
            return await attempt(self.timeout, self._knock)
        if message.record is None:
            return permanent("no-record")
        settings, now = self._settings, _EPOCH + timedelta(microseconds=self._clock.now())
        ends = Ends(
            settings.sending.pair,
            settings.receiving.pair,
            settings.processing_id,
            settings.document_type,
        )
        parts = _SHAPES[settings.shape](message, message.record, ends, now)

        async def post(progress: Progress) -> Outcome:
            outcome = delivered()
            for part in parts:
                outcome = await self._exchange(part, progress)
                if outcome.result is not Result.DELIVERED:
                    break
            return outcome

        return await attempt(self.timeout, post)

    async def _knock(self, _: Progress) -> Outcome:
        async with self._connected():
            return delivered("connected")

    async def _exchange(self, part: Outgoing, progress: Progress) -> Outcome:
        """Send one message over a connection of its own, and wait for its answer."""
        async with self._connected() as (reader, writer):
            progress.left = True
            writer.write(START + part.text.encode() + END)
            await writer.drain()
            answer = await _framed(reader)
            progress.left = False
            return judged(answer, part.control)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        settings = self._settings
        reader, writer = await asyncio.open_connection(
            settings.host, settings.port, ssl=self._tls, limit=LARGEST
        )
        try:
            yield reader, writer
        finally:
            # Not closed in good order: a peer that has stopped listening would hold us up.
            writer.transport.abort()


async def _framed(reader: asyncio.StreamReader) -> bytes:
    """The content of the next frame.

    Raises:
        ConnectionError: there is none, or it is too large to be an answer.
    """
    try:
        await reader.readuntil(START)
        return (await reader.readuntil(END)).removesuffix(END)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ConnectionError("no answer") from error
