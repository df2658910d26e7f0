"""`fhir`: cases are written into the record of a FHIR R4 server, as richly as it offers.

    201, or 200 where it was there already    delivered
    408, 409, 425, 429, 5xx, no FHIR          temporary, after `Retry-After` if the server says so
    cut or no answer to a create, 504         unknown; a repeat creates nothing where it is found
    everything else                           permanent

A channel for the record: it gets each new thing once, whoever was told of it, and it is the one
place outside the inbox where a patient's data may go, because it is the hospital's own record.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.notifier.channels import web
from services.notifier.channels.attempts import Progress, attempt
from services.notifier.channels.contract import Kind, Outcome, delivered, permanent
from services.notifier.channels.fhirout.capabilities import Mode
from services.notifier.channels.fhirout.endings import KINDS, ended
from services.notifier.channels.fhirout.resources import resources, withdrawn_statuses
from services.notifier.channels.fhirout.server import Server
from services.notifier.channels.fhirout.tokens import Login, Refused, Tokens
from services.notifier.channels.settings import ChannelSettings, Tls, Url, authority_of
from services.runtime.clock import Clock, SystemClock
from services.runtime.logs import logger

if TYPE_CHECKING:
    from services.notifier.cases.words import Channel as Strength
    from services.notifier.channels.contract import Message, Record
    from services.notifier.channels.fhirout.capabilities import Offer


class Settings(ChannelSettings):
    """Its section.

    Attributes:
        url: the server's base address.
        patient_systems: of each assigning authority in our patients' ids its identifier system.
        login: how we log in; nothing if the server lets everybody in.
    """

    type: Literal["fhir"]
    url: Url
    patient_systems: dict[str, str] = Field(min_length=1)
    login: Login | None = None
    tls: Tls = Tls()

    def channel(self, name: str) -> Fhir:
        """The channel."""
        return Fhir(name, self)


class Fhir:
    """The channel."""

    strengths: frozenset[Strength] = frozenset()
    closes: Literal[True] = True

    def __init__(self, name: str, settings: Settings, clock: Clock | None = None) -> None:
        """Wire.

        Args:
            name: what the site calls it.
            settings: its section.
            clock: tells when a token ends.
        """
        self.name = name
        self.timeout = timedelta(seconds=settings.timeout)
        self._settings = settings
        self._clock = clock or SystemClock()
        self._stack = AsyncExitStack()
        self._offer: Offer | None = None
        self._server: Server

    @property
    def mode(self) -> Mode | None:
        """How it writes; None as long as the server couldn't be asked."""
        return self._offer.mode if self._offer else None

    async def open(self) -> None:
        """Read what proves who we are, and ask the server what it takes.

        A server that doesn't answer now is asked again before the first message.

        Raises:
            OperatorError: a secret or a certificate can't be used.
        """
        tls, login = self._settings.tls.context(self.name), self._settings.login
        tokens = Tokens(login, self._clock, f"{self.name}.login") if login else None
        client = await self._stack.enter_async_context(web.session(tls))
        self._server = Server(self._settings.url, client, tokens)
        outcome = await attempt(self.timeout, self._negotiate)
        if self._offer is None:
            told = {"subscriber": self.name, "reason": outcome.reason}
            logger().warning("record not reached", extra=told)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._stack.aclose()

    async def send(self, message: Message) -> Outcome:
        """Try once. A test writes nothing: it asks the server what it takes."""
        if message.kind is Kind.TEST:
            return await attempt(self.timeout, self._negotiate)
        record = message.record
        if record is None:
            return permanent("no-record")
        who = authority_of(record.patient_id, self._settings.patient_systems)
        if who is None:
            return permanent("patient-of-unknown-authority")

        async def write(progress: Progress) -> Outcome:
            try:
                return await self._write(message, record, who, progress)
            except Refused as error:
                return error.outcome

        return await attempt(self.timeout, write)

    async def _negotiate(self, _: Progress) -> Outcome:
        try:
            self._offer = await self._server.offer()
        except Refused as error:
            return error.outcome
        told = {"subscriber": self.name, "state": str(self._offer.mode)}
        logger().info("record negotiated", extra=told)
        return delivered(str(self._offer.mode))

    async def _write(
        self, message: Message, record: Record, who: tuple[str, str], progress: Progress
    ) -> Outcome:
        offer = self._offer
        if offer is None:
            asked = await self._negotiate(progress)
            if (offer := self._offer) is None:
                return asked
        if message.kind is Kind.CLOSED:
            return await self._close(message, record, offer)
        if offer.mode is Mode.INBOX_ONLY:
            return permanent("fhir-inbox-only")
        patient = await self._server.patient(*who)
        for key in message.corrects:
            await self._server.withdraw(key, offer, withdrawn_statuses(message, record))
        places = [
            await self._server.create(one, offer, message.key, progress)
            for one in resources(offer.mode, message, record, patient)
        ]
        return delivered(places[0])

    async def _close(self, message: Message, record: Record, offer: Offer) -> Outcome:
        """End the work that earlier messages of the case made; nothing is created."""
        for key in message.corrects if offer.mode is Mode.DETECTED_ISSUE_TASK else ():
            await self._server.revise(key, offer, KINDS, lambda one: ended(one, record))
        return delivered()
