"""Worklist and case: what they show, and what is noted of who saw them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.notifier.inbox.reading import worklist as lists
from services.notifier.inbox.reading.cases import case_view, remember_seen
from services.notifier.inbox.reading.deeds import ORDER
from services.notifier.inbox.web.calls import Shown
from services.notifier.inbox.web.visits import fresh_key

if TYPE_CHECKING:
    from services.notifier.inbox.reading.contract import CaseView, Worklist
    from services.notifier.inbox.web.visits import Visit


def worklist(visit: Visit) -> Shown:
    """A page of the cases of the person's teams, as they want it."""
    query, chosen = visit.call.query, visit.reader.chosen
    choice = lists.Choice.read(query).of(chosen)
    if not query.keys() & {"view", "severity", "team"}:
        choice = replace(choice, filters=chosen.opening)
    found = _listed(visit, choice)
    return Shown("worklist", replace(found, own=lists.own_views(chosen, choice.filters)))


def api_worklist(visit: Visit) -> Shown:
    """A page of the cases of the person's teams; preferences are for eyes."""
    return Shown("worklist", _listed(visit, lists.Choice.read(visit.call.query)))


def _listed(visit: Visit, choice: lists.Choice) -> Worklist:
    found = lists.worklist(visit.connection, choice, visit.reader, visit.now)
    _note_listed(visit, found, "listed")
    return found


def find(visit: Visit) -> Shown:
    """The cases of one patient, if they are of the person's teams."""
    patient = visit.call.form.get("patient", "").strip()
    found = lists.search(visit.connection, patient, visit.reader, visit.now)
    _note_listed(visit, found, "searched")
    return Shown("worklist", found)


def _note_listed(visit: Visit, found: Worklist, what: str) -> None:
    """Whose cases somebody saw in a list can be told from their references."""
    if found.rows:
        visit.note(what, cases=" ".join(row.reference for row in found.rows))


def case(visit: Visit) -> Shown:
    """A case. That somebody opened it is noted, and not new to them any more."""
    found, who = visit.found, visit.reader
    seen_through = found.reference in who.glass and found.team not in who.teams
    visit.note("viewed", **({"through": "broken glass"} if seen_through else {}))
    view = view_of(visit)
    remember_seen(visit.connection, who.who, found)
    said = visit.call.query.get("said", "")
    return Shown("case", replace(view, said=said if said in ORDER else ""))


def view_of(visit: Visit) -> CaseView:
    """The case as the person sees it."""
    house = (visit.parts.site, visit.parts.teams)
    return case_view(visit.connection, visit.found, visit.reader, house, visit.now, fresh_key())
