"""The identity provider ends somebody's sign-ins: what it says, and that it says it once.

Source: OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6; ASVS 5.0, 10.5.5 (H). Signature,
issuer, audience, times and kind of the token have been checked before.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import delete

from services.notifier.inbox.access.oidc import LEEWAY, NotSignedIn
from services.notifier.inbox.access.tickets import end_all
from services.notifier.store.database import insert_into
from services.notifier.store.instants import moment
from services.notifier.store.tables import LOGOUTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.inbox.access.people import Identity

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_LAST: Final = 253_402_300_799
"""Seconds since 1970 at the end of the calendar."""


class Logout(NamedTuple):
    """Whose sign-ins are over: those of a session, of a person, or of a person's session.

    Attributes:
        token: names it among all tokens of the issuer.
        until: it counts no more from then on.
    """

    issuer: str
    subject: str | None
    session: str | None
    token: str
    until: datetime

    def means(self, one: Identity) -> bool:
        """Whether a sign-in is over.

        Of a person whose session is named, also those of which no session is known: the provider
        that names sessions here may not have named them when somebody signed in.
        """
        if one.issuer != self.issuer or self.subject not in (None, one.subject):
            return False
        return self.session in (None, one.session) or (
            one.session is None and self.subject is not None
        )


def logout_of(claims: Mapping[str, Any]) -> Logout:
    """What a token says.

    Raises:
        NotSignedIn: it is no logout token; names the claim.
    """
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise NotSignedIn("events: not a log-out")
    if "nonce" in claims:
        raise NotSignedIn("nonce: only a sign-in has one")
    said = [claims.get(name) for name in ("sub", "sid")]
    if not any(said) or any(not isinstance(one, str) for one in said if one is not None):
        raise NotSignedIn("sub, sid: expected one of them, as text")
    until = moment(min(int(claims["exp"]) + LEEWAY + 1, _LAST) * 1_000_000)
    return Logout(str(claims["iss"]), said[0], said[1], str(claims["jti"]), until)


def carry_out(connection: Connection, logout: Logout, now: datetime) -> tuple[Identity, ...]:
    """End the sign-ins that are meant; who that was.

    Raises:
        NotSignedIn: the token came before.
    """
    connection.execute(delete(LOGOUTS).where(LOGOUTS.c.until < now))
    named = hashlib.sha256(f"{logout.issuer}\n{logout.token}".encode()).digest()
    new = insert_into(connection, LOGOUTS).values(digest=named, until=logout.until)
    if not connection.execute(new.on_conflict_do_nothing(index_elements=["digest"])).rowcount:
        raise NotSignedIn("jti: the token came before")
    return end_all(connection, logout.means)
