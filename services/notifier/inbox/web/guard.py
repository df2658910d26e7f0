"""The guard: who asks, whether the question came from our own page, and whose case it is about.

Every check that stands before a handler is in this file. What is refused is a line in the audit
trail; a reference is a name and no key, so it alone opens nothing.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.notifier.inbox.access import glass, tickets
from services.notifier.inbox.access.people import Person, teams_of
from services.notifier.inbox.access.roles import Right
from services.notifier.inbox.personal.keeping import preferences_of
from services.notifier.inbox.reading.cases import located
from services.notifier.inbox.reading.contract import Trouble
from services.notifier.inbox.web.calls import Halt, Shown, Went
from services.notifier.inbox.web.entry import ENTRY, packed
from services.notifier.inbox.web.routes import BEFORE, ONE_CASE, Scope
from services.notifier.inbox.web.visits import pages

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.inbox.access.people import Identity
    from services.notifier.inbox.web.calls import Call, Reply
    from services.notifier.inbox.web.parts import Parts
    from services.notifier.inbox.web.routes import Route
    from services.notifier.inbox.web.visits import Visit

SIGNED_IN: Final = "inbox"
"""The cookie of who is signed in."""
CSRF: Final = "x-csrf"
"""The header in which programs send the token."""
_REFERENCE: Final = re.compile(r"[0-9a-f]{32}")


def admit(visit: Visit, route: Route) -> Reply | None:
    """Look at a question before its handler does.

    Returns:
        None if the handler may answer; else the answer.

    Raises:
        Halt: not to be answered, and nothing that an auditor would want to know.
    """
    if route.method != "GET":
        own_origin(visit.call, visit.parts)
    if route.scope is Scope.OPEN:
        return None
    visit.person = someone(visit, touch=True)
    if visit.person is None:
        return _first_sign_in(visit, route)
    if route.method != "GET" and visit.call.vouched is None:  # no browser adds a token by itself
        own_page(visit.call, visit.person.csrf)
    if route.scope in BEFORE:
        return None
    if route.right not in visit.person.rights:
        home = pages(visit.person)
        if route.path == "/" and home:
            return Went(home[0])  # where everybody comes in; some have nothing to read there
        return _denied(visit, "Your role may not do this.")
    return _of_case(visit, route) if route.scope in ONE_CASE else None


def someone(visit: Visit, *, touch: bool) -> Person | None:
    """Who is signed in, by the cookie, or vouched for; None if nobody is, or no more."""
    if visit.call.vouched is not None:
        ends_at = visit.now + tickets.IDLE
        return as_they_are(visit.parts, visit.connection, visit.call.vouched, "", ends_at)
    secret = visit.call.cookies.get(visit.parts.cookie(SIGNED_IN), "")
    return known(visit.parts, visit.connection, secret, visit.now, touch=touch)


def known(
    parts: Parts, connection: Connection, secret: str, now: datetime, *, touch: bool
) -> Person | None:
    """Whose secret it is; None if nobody's, or no more."""
    ticket = tickets.held(connection, secret, now, touch=touch) if secret else None
    if ticket is None:
        return None
    return as_they_are(parts, connection, ticket.identity, secret, ticket.ends_at)


def as_they_are(
    parts: Parts, connection: Connection, identity: Identity, secret: str, ends_at: datetime
) -> Person:
    """Somebody with their teams, and what they opened in an emergency, as it is now."""
    who = Person(identity, secret, teams_of(identity.member, parts.teams), ends_at, {})
    who = replace(who, chosen=preferences_of(connection, who.who))
    if Right.READ not in who.rights:
        return who
    return replace(who, glass=glass.opened(connection, who.who, parts.now()))


def own_origin(call: Call, parts: Parts) -> None:
    """What changes something must come from a page of ours; browsers say from where it comes.

    Raises:
        Halt: it comes from elsewhere.
    """
    site = call.headers.get("sec-fetch-site", "same-origin")
    origin = call.headers.get("origin", parts.settings.public)
    if site != "same-origin" or origin != parts.settings.public:
        raise Halt(403, "Refused", "This came from another site's page.")


def own_page(call: Call, token: str) -> None:
    """It must hold the token that only our own pages know.

    Raises:
        Halt: it doesn't.
    """
    said = call.form.get("csrf") or call.headers.get(CSRF, "")
    if not hmac.compare_digest(said.encode(), token.encode()):
        raise Halt(403, "Refused", "The page was too old. Load it again, and repeat what you did.")


def _first_sign_in(visit: Visit, route: Route) -> Reply:
    if route.api or route.method != "GET":
        raise Halt(401, "Not signed in", "You are not signed in, or not any more.")
    return Went("/sign-in", {ENTRY: packed(to=visit.call.path)})


def _of_case(visit: Visit, route: Route) -> Reply | None:
    """The object check: a case is its team's; others need an emergency, and then may read."""
    reference = visit.call.places["reference"]
    found = located(visit.connection, reference) if _REFERENCE.fullmatch(reference) else None
    if found is None:
        raise Halt(404, "Not found", "There is no such case, or it has another name by now.")
    visit.case, who = found, visit.reader
    own = found.team in who.teams
    if route.scope is Scope.OTHERS:
        return Went(f"/case/{reference}") if own else None
    if own or (route.glass and reference in who.glass):
        return None
    if route.glass and not route.api and Right.BREAK_GLASS in who.rights:
        return Went(f"/glass/{reference}")
    return _denied(visit, "It is another team's case.")


def _denied(visit: Visit, why: str) -> Reply:
    visit.note("denied", path=_template(visit), why=why)
    return Shown("trouble", Trouble(403, "Not allowed", why), 403)


def _template(visit: Visit) -> str:
    """The address without what stands in it."""
    path = visit.call.path
    for name, value in visit.call.places.items():
        path = path.replace(value, f"{{{name}}}")
    return path
