"""Doors: who is let in, by token, by certificate, or because it is on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from services.ingest.rest.access import Grant, everything
from services.ingest.rest.tokens import NotAllowed, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

ANONYMOUS = "fhir"
"""How a sender is called on a port that only this machine can reach."""


class Door(Protocol):
    """Lets callers in."""

    secured: bool

    async def grant(self, request: web.Request) -> Grant:
        """Who is calling.

        Raises:
            NotAllowed: nobody whom we would believe.
            Unavailable: that can't be told at present.
        """
        ...


class TokenDoor:
    """By bearer token."""

    secured = True

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def grant(self, request: web.Request) -> Grant:
        """As `Tokens.grant`."""
        found = request.headers.getall("Authorization", [])
        if len(found) != 1:
            raise NotAllowed("no bearer token")
        return await self._tokens.grant(found[0])


class CertificateDoor:
    """By the name in a certificate that TLS has verified: each stands for one sender."""

    secured = True

    def __init__(self, peers: Mapping[str, str]) -> None:
        self._peers = peers

    async def grant(self, request: web.Request) -> Grant:
        """The sender for whom the certificate stands."""
        transport = request.transport
        certificate = transport.get_extra_info("peercert") if transport is not None else None
        found = {self._peers[name] for name in names_of(certificate or {}) if name in self._peers}
        if len(found) != 1:
            raise NotAllowed("a certificate that stands for nobody")
        return everything(found.pop())


class OpenDoor:
    """Everybody who can connect: for a port on this machine alone."""

    secured = False

    async def grant(self, request: web.Request) -> Grant:
        """Anybody."""
        del request
        return everything(ANONYMOUS)


def names_of(certificate: Mapping[str, Any]) -> list[str]:
    """Common name and DNS names of a certificate that was verified."""
    subject = [pair for group in certificate.get("subject", ()) for pair in group]
    return [value for key, value in subject if key == "commonName"] + [
        value for key, value in certificate.get("subjectAltName", ()) if key == "DNS"
    ]
