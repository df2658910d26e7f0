"""Somebody's own preferences: they concern nobody else, so being signed in is all that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.words import person
from services.notifier.inbox.access.roles import Right
from services.notifier.inbox.personal import preferences as choices
from services.notifier.inbox.personal.keeping import keep
from services.notifier.inbox.reading.contract import PreferencesView, Reached, Trouble
from services.notifier.inbox.reading.worklist import Choice, url_of
from services.notifier.inbox.web.calls import Data, Shown, Went

if TYPE_CHECKING:
    from services.notifier.inbox.personal.preferences import Preferences
    from services.notifier.inbox.web.calls import Reply
    from services.notifier.inbox.web.visits import Visit

_HERE = "/preferences"
_REFUSED = 422


def preferences(visit: Visit) -> Shown:
    """What somebody has chosen, and may choose."""
    return _page(visit)


def told(visit: Visit) -> Data:
    """What somebody has chosen."""
    return Data(visit.reader.chosen)


def choose(visit: Visit) -> Reply:
    """Choose otherwise."""
    try:
        _keep(visit, choices.changed(visit.reader.chosen, visit.call.form))
    except ValueError as error:
        return _page(visit, str(error))
    return Went(f"{_HERE}?said")


def api_choose(visit: Visit) -> Reply:
    """Choose otherwise; fields that aren't sent stay as they are."""
    try:
        return Data(_keep(visit, choices.changed(visit.reader.chosen, visit.call.form)))
    except ValueError as error:
        return Shown("trouble", Trouble(_REFUSED, "Refused", str(error)), _REFUSED)


def name_view(visit: Visit) -> Reply:
    """Give the filters of a worklist a name."""
    name, filters = visit.call.form.get("name", "").strip(), Choice.read(visit.call.form).filters
    try:
        _keep(visit, choices.named(visit.reader.chosen, name, filters))
    except ValueError as error:
        return _page(visit, str(error))
    return Went(url_of(filters))


def forget_view(visit: Visit) -> Went:
    """Take a name away."""
    _keep(visit, choices.without(visit.reader.chosen, visit.call.form.get("name", "")))
    return Went(f"{_HERE}?said")


def _keep(visit: Visit, chosen: Preferences) -> Preferences:
    keep(visit.connection, visit.reader.who, chosen)
    return chosen


def _page(visit: Visit, refused: str = "") -> Shown:
    who = visit.reader
    view = PreferencesView(
        chosen=who.chosen,
        reads=Right.READ in who.rights,
        reached=_reached(visit),
        saved="said" in visit.call.query,
        refused=refused,
    )
    return Shown("preferences", view, _REFUSED if refused else 200)


def _reached(visit: Visit) -> Reached | None:
    member, teams = visit.reader.identity.member, visit.parts.teams
    if member is None or not visit.reader.teams:
        return None
    who = person(member)
    return Reached(teams.channels(who), teams.digest_time(who), teams.zone_of(who))
