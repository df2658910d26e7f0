"""Signing in and out: the pages before somebody is known, and the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from services.notifier.inbox.access import tickets
from services.notifier.inbox.access.local import LocalDoor
from services.notifier.inbox.access.oidc import Begun, NotSignedIn, OpenIdDoor
from services.notifier.inbox.access.people import token_of
from services.notifier.inbox.reading.contract import SignIn
from services.notifier.inbox.web.calls import JSON, Data, Halt, Shown, Went
from services.notifier.inbox.web.entry import ENTRY, entry_of, packed, unpacked, way
from services.notifier.inbox.web.guard import SIGNED_IN, own_page, someone
from services.notifier.store import audit
from services.notifier.store.audit import Line
from services.runtime.logs import logger

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.inbox.access.people import Identity
    from services.notifier.inbox.web.calls import Call, Reply
    from services.notifier.inbox.web.parts import Parts
    from services.notifier.inbox.web.visits import Visit

_WRONG: Final = "The password is wrong."
_SHUT: Final = "Too many wrong passwords. Wait a minute, then try again."


def sign_in(visit: Visit) -> Reply:
    """The page of the sign-in; whoever is signed in goes on."""
    if someone(visit, touch=False) is not None:
        return Went("/")
    entry = packed(**entry_of(visit.call, visit.parts))
    return _asked(visit, entry, ended="ended" in visit.call.query)


def _asked(
    visit: Visit, entry: str, refused: str = "", *, ended: bool = False, status: int = 200
) -> Shown:
    """The page, with the token that goes with the browser's cookie."""
    door = visit.parts.door
    local = isinstance(door, LocalDoor)
    by_link = isinstance(door, LocalDoor) and door.by_link
    visit.csrf = token_of(unpacked(entry)["secret"])
    return Shown("sign-in", SignIn(local, refused, ended, by_link), status, {ENTRY: entry})


def enter(visit: Visit) -> Reply:
    """With the local account's password."""
    door, entry = visit.parts.door, entry_of(visit.call, visit.parts)
    if not isinstance(door, LocalDoor):
        raise Halt(404, "Not found", "Nobody signs in here with a password.")
    own_page(visit.call, token_of(entry.get("secret", "")))
    identity = door.enter(visit.call.form.get("password", ""), visit.now)
    if identity is None:
        visit.lines.append(Line(visit.now, None, {"what": "sign-in-refused", "why": "password"}))
        refused = _SHUT if door.is_shut(visit.now) else _WRONG
        return _asked(visit, packed(**entry), refused, status=403)
    secret = _issue(visit.connection, identity, visit.now, _held(visit.call, visit.parts))
    visit.lines.append(_signed_in(identity, visit.now))
    return Went(way(entry), {SIGNED_IN: secret, ENTRY: ""})


def _held(call: Call, parts: Parts) -> str:
    """What the browser holds from an earlier sign-in."""
    return call.cookies.get(parts.cookie(SIGNED_IN), "")


def _issue(connection: Connection, identity: Identity, now: datetime, before: str) -> str:
    """A new sign-in; the one before ends in this browser."""
    tickets.end(connection, before)
    return tickets.issue(connection, identity, now)


def _signed_in(identity: Identity, now: datetime) -> Line:
    who, roles = identity.member or identity.subject, " ".join(identity.roles)
    said = {"issuer": identity.issuer, "subject": identity.subject}
    return Line(now, None, {"by": who, "what": "signed-in", "after": roles, **said})


def stay(visit: Visit) -> Reply:
    """Go on being signed in: to have asked is all that it takes."""
    wants_json = JSON in visit.call.headers.get("accept", "")
    return Data({"ends_at": visit.reader.ends_at}) if wants_json else Went("/")


def sign_out(visit: Visit) -> Went:
    """The end; nothing of a patient stays in the browser."""
    tickets.end(visit.connection, visit.reader.secret)
    visit.note("signed-out")
    return Went("/sign-in?ended", {SIGNED_IN: ""}, forget=True)


# -- by way of the identity provider


async def go(parts: Parts, call: Call) -> Went:
    """Off to the provider. What has to be remembered goes into the browser's own cookie."""
    url, begun = await _provider(parts).begin()
    entry = {**entry_of(call, parts), "begun": begun.model_dump()}
    return Went(url, {ENTRY: packed(**entry)})


async def back(parts: Parts, call: Call) -> Reply:
    """And back, with a code for somebody whom the provider vouches for."""
    entry = entry_of(call, parts)
    try:
        begun = Begun.model_validate(entry.get("begun"))
        identity = await _provider(parts).finish(begun, call.query)
    except ValidationError:
        return _refused("The sign-in took too long, or began in another window.")
    except NotSignedIn as error:
        logger().warning("sign-in refused", extra={"reason": str(error)})
        await asyncio.to_thread(_note_refused, parts, str(error))
        return _refused(f"You could not be signed in: {error}.")
    secret = await asyncio.to_thread(_let_in, parts, identity, _held(call, parts))
    return Went(way(entry), {SIGNED_IN: secret, ENTRY: ""})


async def vouched(parts: Parts, call: Call) -> Identity:
    """For whom a program comes: by the access token of the house's identity provider.

    Raises:
        Halt: the token opens nothing here.
    """
    kind, _, token = call.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not isinstance(parts.door, OpenIdDoor):
        raise Halt(401, "Not signed in", "Expected a bearer token of the identity provider.")
    try:
        return await parts.door.vouched(token.strip())
    except NotSignedIn as error:
        logger().warning("token refused", extra={"reason": str(error)})
        raise Halt(401, "Not signed in", f"The token opens nothing here: {error}.") from None


def _provider(parts: Parts) -> OpenIdDoor:
    if not isinstance(parts.door, OpenIdDoor):
        raise Halt(404, "Not found", "There is no identity provider here.")
    return parts.door


def _refused(why: str) -> Shown:
    return Shown("sign-in", SignIn(local=False, refused=why), 403)


def _let_in(parts: Parts, identity: Identity, before: str) -> str:
    now = parts.now()
    with parts.database.transaction() as connection:
        secret = _issue(connection, identity, now, before)
        audit.append(connection, [_signed_in(identity, now)])
    return secret


def _note_refused(parts: Parts, why: str) -> None:
    with parts.database.transaction() as connection:
        audit.append(connection, [Line(parts.now(), None, {"what": "sign-in-refused", "why": why})])
