"""The routes of the JSON API; each shows what its page shows, after the same checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from services.notifier.inbox.access.roles import Right
from services.notifier.inbox.api.about import document, me
from services.notifier.inbox.api.answers import Done, Me
from services.notifier.inbox.personal.preferences import CHOICES, Preferences
from services.notifier.inbox.reading.contract import (
    AuditView,
    CaseView,
    GlassReview,
    LettersView,
    Outcome,
    RosterView,
    RouteView,
    RulesView,
    SourcesView,
    Worklist,
)
from services.notifier.inbox.web import cases, deeds, house, personal, upkeep
from services.notifier.inbox.web.routes import Route, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.notifier.inbox.web.routes import Handler

ROOT: Final = "/api/v1"
_TIME: Final = "local to whoever asks, 2026-12-24T22:30; default: now"


@dataclass(frozen=True, slots=True)
class Described:
    """A route, with what its description says beside.

    Attributes:
        answer: the class of what is answered.
        query: parameters of the address, and what each means.
        body: fields of the JSON object that is sent.
        more: what other fields it may have; none: no others.
    """

    route: Route
    answer: type
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    more: str = ""


def _route(
    method: Literal["GET", "POST"],
    path: str,
    scope: Scope,
    right: Right | None,
    handler: Handler,
    *,
    glass: bool = False,
) -> Route:
    return Route(method, ROOT + path, scope, right, handler, glass=glass, api=True)


_LISTED: Final = {
    "view": "open (default), mine, unowned, overdue, snoozed or closed",
    "severity": "critical, urgent, important or advisory",
    "team": "the id of one of the own teams",
    "after": "as in `next` of the page before",
    "before": "as in `previous` of the page after",
}
_ROUTED: Final = {
    "condition": "of the course, as in treatment events",
    "care_team": "the patient's, as in patient events",
    "severity": "of the alert; without it nothing is rehearsed",
    "at": _TIME,
}
_TRAIL: Final = {
    "reference": "of a case",
    "by": "who",
    "what": "of which kind",
    "before": "number of a line: older ones",
}
_DEED: Final = {
    "key": "new for each deed: the same one comes in once",
    "revision": "of the case that was looked at",
}
_LETTERS: Final = {
    "letter": "a whole id",
    "reason": "of a dead letter",
    "source": "a sender, as letters name it",
    "age": "any (default), day or week: older than that",
    "handled": "yes: also those that are done with",
}
_MEANT: Final = {
    **{name: _LETTERS[name] for name in ("letter", "reason", "source")},
    "why": "one line, without anything of a patient",
}
_CHOSEN: Final = {
    "first": "a view of the worklist, or the name of one of `views`",
    **{name: ", ".join(value for value, _ in choices) for name, choices in CHOICES.items()},
}
_FIELDS: Final = "the other fields of the deed, as `deeds` of the case lists them"

DESCRIBED: Final = (
    Described(_route("GET", "/me", Scope.SELF, None, me), Me),
    Described(_route("GET", "/preferences", Scope.SELF, None, personal.told), Preferences),
    Described(
        _route("POST", "/preferences", Scope.SELF, None, personal.api_choose),
        Preferences,
        body=_CHOSEN,
    ),
    Described(
        _route("GET", "/worklist", Scope.TEAMS, Right.READ, cases.api_worklist), Worklist, _LISTED
    ),
    Described(
        _route("POST", "/find", Scope.TEAMS, Right.READ, cases.find),
        Worklist,
        body={"patient": "an id as the record has it, or its number without the authority"},
    ),
    Described(
        _route("GET", "/cases/{reference}", Scope.CASE, Right.READ, cases.case, glass=True),
        CaseView,
    ),
    Described(
        _route("POST", "/cases/{reference}/deeds/{deed}", Scope.CASE, Right.DECIDE, deeds.api_deed),
        Done,
        body=_DEED,
        more=_FIELDS,
    ),
    Described(
        _route("GET", "/roster", Scope.HOUSE, Right.ROSTER, house.roster), RosterView, {"at": _TIME}
    ),
    Described(_route("GET", "/route", Scope.HOUSE, Right.ROUTE, house.route), RouteView, _ROUTED),
    Described(_route("GET", "/rules", Scope.HOUSE, Right.RULES, house.rules), RulesView),
    Described(_route("GET", "/sources", Scope.HOUSE, Right.SOURCES, upkeep.sources), SourcesView),
    Described(
        _route("GET", "/letters", Scope.HOUSE, Right.LETTERS, upkeep.letters),
        LettersView,
        _LETTERS,
    ),
    Described(
        _route("POST", "/letters/replay", Scope.HOUSE, Right.LETTERS, upkeep.replay),
        Outcome,
        body=_MEANT,
    ),
    Described(
        _route("POST", "/letters/drop", Scope.HOUSE, Right.LETTERS, upkeep.drop),
        Outcome,
        body=_MEANT,
    ),
    Described(_route("GET", "/audit", Scope.TRAIL, Right.AUDIT, house.audit), AuditView, _TRAIL),
    Described(_route("GET", "/glass", Scope.TRAIL, Right.REVIEW, house.glass_review), GlassReview),
)

API: Final = (
    *(one.route for one in DESCRIBED),
    _route("GET", "/openapi.json", Scope.OPEN, None, document),
)
