"""A FHIR server that we write to: its exchanges, each judged by what the server says of itself.

Laws of this file:
- a patient's number goes into bodies, never into an address;
- nothing is created twice on a server that lets us see to it;
- what is not FHIR (a login page, a proxy's error) is no answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from services.notifier.channels import web
from services.notifier.channels.contract import Result, permanent, temporary
from services.notifier.channels.fhirout.capabilities import Offer, negotiated
from services.notifier.channels.fhirout.resources import NOTICE, Json
from services.notifier.channels.fhirout.tokens import Refused, Tokens, not_taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import aiohttp

    from services.notifier.channels.attempts import Progress

FHIR: Final = "application/fhir+json"
_UNAUTHORIZED, _CONFLICT, _PRECONDITION = 401, 409, 412


class Server:
    """One server."""

    def __init__(self, base: str, client: aiohttp.ClientSession, tokens: Tokens | None) -> None:
        """Wire.

        Args:
            base: its address; nothing else is ever asked.
            client: asks.
            tokens: say who we are; None if nobody asks for that.
        """
        self._base = base.rstrip("/")
        self._client = client
        self._tokens = tokens

    async def offer(self) -> Offer:
        """What it can take, by its CapabilityStatement.

        Raises:
            Refused: it doesn't say so in R4.
        """
        reply = await self._asked("GET", "metadata")
        try:
            return negotiated(_read(reply))
        except ValueError:
            raise Refused(temporary("fhir-no-capabilities")) from None

    async def patient(self, system: str, number: str) -> str:
        """Reference of the one Patient who has a number.

        Raises:
            Refused: there is none, or more than one; nobody is guessed.
        """
        body = urlencode({"identifier": f"{system}|{number}"}).encode()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = await self._asked("POST", "Patient/_search", body=body, headers=form)
        found = {one["id"] for one in _entries(_read(reply), "Patient")}
        if len(found) != 1:
            raise Refused(permanent("patient-ambiguous" if found else "patient-not-found"))
        return f"Patient/{found.pop()}"

    async def create(self, resource: Json, offer: Offer, key: str, progress: Progress) -> str:
        """Create a resource, unless it is there already.

        Returns:
            Where it is, as far as the server says: `Task/17`.

        Raises:
            Refused: it wasn't created.
        """
        kind = str(resource["resourceType"])
        ability = offer.ability(kind)
        if ability.finds and not ability.once and (there := await self._found(kind, key)):
            return f"{kind}/{there[0]['id']}"
        headers = {"Content-Type": FHIR, "Prefer": "return=minimal"}
        if ability.once:
            headers["If-None-Exist"] = _criteria(key)
        reply = await self._ask("POST", kind, encoded(resource), headers, progress)
        if ability.recognises:
            progress.left = False  # the next attempt finds it, if this one goes on to fail
        if reply.status != _PRECONDITION or not ability.once:  # there are even several of them
            self._judge(reply)
        return _location(reply, kind)

    async def withdraw(self, key: str, offer: Offer, statuses: Mapping[str, str]) -> None:
        """Mark what a correction is about, wherever the server finds it and lets us.

        Args:
            key: of the message that is corrected.
            offer: what the server does.
            statuses: what resources of each type become.

        Raises:
            Refused: it can be found, and can't be changed at present.
        """

        def withdrawn(resource: Json) -> Json | None:
            status = statuses[resource["resourceType"]]
            return resource | {"status": status} if resource.get("status") != status else None

        await self.revise(key, offer, statuses, withdrawn)

    async def revise(
        self, key: str, offer: Offer, kinds: Iterable[str], change: Callable[[Json], Json | None]
    ) -> None:
        """Change what came of a message, wherever the server finds it and lets us.

        Args:
            key: of the message.
            offer: what the server does.
            kinds: types of resources.
            change: a resource as it is to be; None if it stays as it is.

        Raises:
            Refused: it can be found, and can't be changed at present.
        """
        for kind in kinds:
            ability = offer.ability(kind)
            if ability.update and ability.finds:
                for resource in await self._found(kind, key):
                    changed = change(resource)
                    if changed is not None:
                        await self._update(changed)

    async def _update(self, resource: Json) -> None:
        headers = {"Content-Type": FHIR, "Prefer": "return=minimal"}
        version = (resource.get("meta") or {}).get("versionId")
        if version is not None:
            headers["If-Match"] = f'W/"{version}"'
        path = f"{resource['resourceType']}/{quote(str(resource['id']), safe='')}"
        reply = await self._ask("PUT", path, encoded(resource), headers)
        if reply.status in (_CONFLICT, _PRECONDITION):
            raise Refused(temporary("fhir-changed-meanwhile"))
        self._judge(reply)

    async def _found(self, kind: str, key: str) -> list[Json]:
        reply = await self._asked("GET", f"{kind}?{_criteria(key)}")
        return _entries(_read(reply), kind)

    async def _asked(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> web.Reply:
        """Ask a question that changes nothing.

        Raises:
            Refused: it wasn't answered; nothing was taken.
        """
        try:
            reply = await self._ask(method, path, body, headers)
            self._judge(reply)
        except Refused as error:
            raise Refused(not_taken(error.outcome)) from None
        return reply

    async def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        progress: Progress | None = None,
    ) -> web.Reply:
        login = await self._tokens.header(self._client) if self._tokens else {}
        return await web.ask(
            self._client,
            method,
            f"{self._base}/{path}",
            body=body,
            headers={"Accept": FHIR, **(headers or {}), **login},
            progress=progress,
        )

    def _judge(self, reply: web.Reply) -> None:
        if reply.status == _UNAUTHORIZED and self._tokens is not None:
            self._tokens.forget()  # it may have ended early; a second refusal is for good
            raise Refused(temporary("http-401"))
        outcome = web.verdict(reply)
        if outcome.result is not Result.DELIVERED:
            raise Refused(outcome)
        if reply.body.strip() and "json" not in reply.headers.get("Content-Type", ""):
            raise Refused(temporary("not-fhir"))


def encoded(resource: Json) -> bytes:
    """As JSON in UTF-8."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()


def _criteria(key: str) -> str:
    return f"identifier={quote(f'{NOTICE}|{key}', safe='')}"


def _read(reply: web.Reply) -> Json:
    try:
        found = json.loads(reply.body)
    except ValueError:
        raise Refused(temporary("not-fhir")) from None
    if not isinstance(found, dict):
        raise Refused(temporary("not-fhir"))
    return found


def _entries(bundle: Json, kind: str) -> list[dict[str, Any]]:
    """The resources of a type in a search's answer that have an id."""
    entries = bundle.get("entry") if bundle.get("resourceType") == "Bundle" else None
    if bundle.get("resourceType") != "Bundle" or not isinstance(entries, list | None):
        raise Refused(temporary("not-fhir"))
    listed = [one.get("resource") for one in entries or () if isinstance(one, dict)]
    whole = [one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)]
    return [one for one in whole if one.get("resourceType") == kind]


def _location(reply: web.Reply, kind: str) -> str:
    """`Task/17` of `https://…/Task/17/_history/1`; only the type where no address is told."""
    parts = reply.headers.get("Location", "").split("/")
    after = parts[parts.index(kind) + 1 :] if kind in parts else []
    return f"{kind}/{after[0]}" if after and after[0] else kind
