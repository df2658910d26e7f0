"""The house: who is on call, who would be told, who did what, what an emergency opened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.notifier.delivery.emergencies import of_opening
from services.notifier.delivery.parcels import Opened
from services.notifier.inbox.access import glass
from services.notifier.inbox.access.officer import told
from services.notifier.inbox.reading import house as asking
from services.notifier.inbox.reading.contract import GLASS_REASONS, GlassForm, GlassReview
from services.notifier.inbox.reading.trail import audit_page
from services.notifier.inbox.web.calls import Halt, Shown, Went
from services.notifier.store import outbox
from services.runtime.logs import logger

if TYPE_CHECKING:
    from services.notifier.inbox.web.calls import Reply
    from services.notifier.inbox.web.visits import Visit

_LEAST: Final = 10
_MOST: Final = 1000
"""Characters of the words with which somebody opens another team's case."""


def roster(visit: Visit) -> Shown:
    """Who is on call at a time."""
    at = visit.call.query.get("at", "")
    view = asking.roster(visit.parts.teams, at, visit.zone, visit.now)
    return Shown("roster", replace(view, stale=bool(visit.parts.house.refused)))


def route(visit: Visit) -> Shown:
    """What would become of an alert."""
    house = (visit.parts.site, visit.parts.teams)
    return Shown("route", asking.route(house, visit.call.query, visit.zone, visit.now))


def rules(visit: Visit) -> Shown:
    """How each rule does: how often it was right, and how long everything took."""
    return Shown("rules", asking.rules(visit.connection))


def audit(visit: Visit) -> Shown:
    """The audit trail; who searched it is a line of it."""
    asked = {name: one for name in ("reference", "by", "what") if (one := _asked(visit, name))}
    visit.note("audit-read", **({"asked": asked} if asked else {}))
    return Shown("audit", audit_page(visit.connection, visit.call.query))


def _asked(visit: Visit, name: str) -> str:
    return visit.call.query.get(name, "")[:256]


# -- in an emergency


def glass_form(visit: Visit) -> Shown:
    """Ask why; the form tells no more of the case than whose it is."""
    return Shown("glass", _form(visit))


def break_glass(visit: Visit) -> Reply:
    """Open another team's case for a while."""
    reason = visit.call.form.get("reason", "")
    words = visit.call.form.get("words", "").strip()
    if reason not in {code for code, _ in GLASS_REASONS}:
        return Shown("glass", _form(visit, "reason: not one of the choices"), 422)
    if not _LEAST <= len(words) <= _MOST:
        told = f"words: expected {_LEAST} to {_MOST} characters"
        return Shown("glass", _form(visit, told), 422)
    found, who = visit.found, visit.reader.who
    case = (found.reference, found.team)
    number = glass.break_glass(visit.connection, who, case, (reason, words), visit.now)
    visit.note("glass-broken", after=reason, why=words, **_tell(visit, number, reason))
    logger().warning("glass broken", extra={"reason": reason})
    return Went(f"/case/{found.reference}")


def _tell(visit: Visit, number: int, reason: str) -> dict[str, str]:
    """Tell whoever the site names, in the same transaction; what the audit trail says of that."""
    officer, found = visit.parts.settings.privacy, visit.found
    if officer is None:
        return {}
    to, channel = told(officer, visit.parts.teams, visit.now)
    opened = Opened(
        by=visit.reader.who,
        reason=reason,
        reference=found.reference,
        until=visit.now + glass.LASTS,
    )
    parcel = of_opening(number, opened, found.team, (to, channel), visit.now)
    outbox.put(visit.connection, [visit.parts.house.pack(parcel)], visit.now)
    return {"to": str(to)}


def _form(visit: Visit, refused: str = "") -> GlassForm:
    minutes = int(glass.LASTS.total_seconds()) // 60
    found = visit.found
    return GlassForm(found.reference, found.team, minutes, refused=refused)


def glass_review(visit: Visit) -> Shown:
    """Everything that was opened so."""
    visit.note("glass-read")
    return Shown("glass-review", GlassReview(glass.grants(visit.connection)))


def reviewed(visit: Visit) -> Reply:
    """Somebody else has looked at it."""
    text = visit.call.places["number"]
    number = int(text) if text.isdecimal() and len(text) < len(str(2**62)) else 0
    reference = glass.review(visit.connection, number, visit.reader.who, visit.now)
    if reference is None:
        raise Halt(409, "Refused", "It was reviewed already, or it is your own.")
    visit.note("glass-reviewed", number=number, why=visit.call.form.get("words", "")[:_MOST])
    return Went("/glass")
