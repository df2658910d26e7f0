"""The identity provider says that somebody is signed out everywhere, so here, too.

Source: OpenID Connect Back-Channel Logout 1.0, 2.5, 2.7 and 2.8 (H). No session and no token of a
page stand behind this question: the provider's signature does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from services.notifier.inbox.access.logout import carry_out, logout_of
from services.notifier.inbox.access.oidc import NotSignedIn, OpenIdDoor
from services.notifier.inbox.web.calls import Data, Halt
from services.notifier.store import audit
from services.notifier.store.audit import Line
from services.runtime.errors import Unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    from services.notifier.inbox.access.logout import Logout
    from services.notifier.inbox.web.calls import Call, Reply
    from services.notifier.inbox.web.parts import Parts

PATH: Final = "/sign-out/back-channel"
_WHY: Final = "the identity provider ended it"
_FAILED: Final = 400


async def over(parts: Parts, call: Call) -> Reply:
    """End the sign-ins that the provider names; whatever stands against it is 400."""
    door = parts.door
    if not isinstance(door, OpenIdDoor):
        raise Halt(404, "Not found", "There is no identity provider here.")
    try:
        logout = logout_of(await door.ended(call.form.get("logout_token", "")))
        count = await asyncio.to_thread(_end, parts, logout)
    except NotSignedIn as error:
        return _failed("invalid_request", str(error))
    except Unavailable as error:
        return _failed("temporarily_unavailable", str(error))
    logger().info("signed out by the provider", extra={"detail": str(count)})
    return Data({})


def _end(parts: Parts, logout: Logout) -> int:
    now = parts.now()
    with parts.database.transaction() as connection:
        ended = carry_out(connection, logout, now)
        names = [one.member or one.subject for one in ended]
        lines = [Line(now, None, {"by": one, "what": "signed-out", "why": _WHY}) for one in names]
        audit.append(connection, lines)
    return len(ended)


def _failed(error: str, why: str) -> Data:
    logger().warning("log-out refused", extra={"reason": why})
    return Data({"error": error, "error_description": why}, _FAILED)
