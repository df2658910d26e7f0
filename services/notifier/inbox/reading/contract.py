"""What pages and the API are given: plain immutable values, worked out; they only put it in words.

HTML is made by one function, `services.notifier.inbox.pages.render(name, view, frame)`, a `Render`.
`name` is a key of `PAGES`, `view` a value of the class that stands there.

Addresses

    GET  /                          worklist; `?view=&severity=&team=&after=&before=`, all optional
    POST /find                      field `patient`: a worklist of one patient, never in an address
    GET  /case/{reference}          case; `?said=` is the deed that was just done
    POST /case/{reference}/{deed}   the fields of a `DeedForm`, and `csrf`
    GET  /glass/{reference}         form to open another team's case in an emergency
    POST /glass/{reference}         fields `csrf`, `reason`, `words`
    GET  /glass                     who opened what, to be reviewed
    POST /glass/{number}/reviewed   field `csrf`, `words` (optional)
    GET  /roster                    `?at=` (local, 2026-12-24T22:30)
    GET  /route                     `?condition=&care_team=&severity=&at=`
    GET  /rules                     how the rules do
    GET  /sources                   who sends, and how they do
    GET  /letters                   `?reason=&source=&age=&handled=`
    GET  /letters/{letter}          one of them
    POST /letters/replay, .../drop  `csrf`, `why`, and `letter`, or `reason` and `source`
    GET  /audit                     `?reference=&by=&what=&before=`
    GET  /sign-in, POST /sign-in    local account: fields `csrf`, `password`; else `GET /sign-in/go`
    POST /sign-out, POST /stay      field `csrf`
    POST /sign-out/back-channel     the provider: field `logout_token`
    GET  /preferences               `?said` after a change
    POST /preferences               `csrf`, and fields of `Preferences`
    POST /preferences/views         `csrf`, `name`, and the filters as in `/`
    POST /preferences/views/without `csrf`, `name`
    GET  /events                    text/event-stream: `changed` with {"case": reference, "rev": n},
                                    `reset` (load anew), `ended` (the sign-in ended)
    GET  /static/{file}             files of services/notifier/inbox/static

A POST that did its work answers 303; one that was refused shows the page again with `refused`.
"""

from __future__ import annotations

from typing import Final, Protocol

from services.notifier.inbox.reading.dossier import (
    CaseView,
    DeedForm,
    Entry,
    Field,
    FindingView,
)
from services.notifier.inbox.reading.frames import (
    Frame,
    Glass,
    SignIn,
    Trouble,
    Viewer,
)
from services.notifier.inbox.reading.lists import (
    VIEWS,
    CourseWords,
    Filters,
    OwnView,
    Row,
    SavedView,
    Worklist,
)
from services.notifier.inbox.reading.machinery import (
    Asked,
    Heap,
    Heard,
    Letter,
    LettersView,
    Outcome,
    Source,
    SourcesView,
)
from services.notifier.inbox.reading.oversight import (
    GLASS_REASONS,
    AuditLine,
    AuditView,
    GlassForm,
    GlassGrant,
    GlassReview,
)
from services.notifier.inbox.reading.roundabout import (
    GapView,
    MedianView,
    MemberView,
    OnDuty,
    RosterView,
    RouteAnswer,
    RouteView,
    RulesView,
    RuleView,
    TeamView,
    ToldView,
)
from services.notifier.inbox.reading.settings import PreferencesView, Reached

__all__ = [
    "GLASS_REASONS",
    "PAGES",
    "VIEWS",
    "Asked",
    "AuditLine",
    "AuditView",
    "CaseView",
    "CourseWords",
    "DeedForm",
    "Entry",
    "Field",
    "Filters",
    "FindingView",
    "Frame",
    "GapView",
    "Glass",
    "GlassForm",
    "GlassGrant",
    "GlassReview",
    "Heap",
    "Heard",
    "Letter",
    "LettersView",
    "MedianView",
    "MemberView",
    "OnDuty",
    "Outcome",
    "OwnView",
    "Page",
    "PreferencesView",
    "Reached",
    "Render",
    "RosterView",
    "RouteAnswer",
    "RouteView",
    "Row",
    "RuleView",
    "RulesView",
    "SavedView",
    "SignIn",
    "Source",
    "SourcesView",
    "TeamView",
    "ToldView",
    "Trouble",
    "Viewer",
    "Worklist",
]

Page = (
    Worklist
    | CaseView
    | RosterView
    | RouteView
    | RulesView
    | AuditView
    | GlassForm
    | GlassReview
    | PreferencesView
    | SourcesView
    | LettersView
    | SignIn
    | Trouble
)

PAGES: Final[dict[str, type]] = {
    "worklist": Worklist,
    "case": CaseView,
    "roster": RosterView,
    "route": RouteView,
    "rules": RulesView,
    "audit": AuditView,
    "glass": GlassForm,
    "glass-review": GlassReview,
    "preferences": PreferencesView,
    "sources": SourcesView,
    "letters": LettersView,
    "sign-in": SignIn,
    "trouble": Trouble,
}


class Render(Protocol):
    """Makes HTML of a page."""

    def __call__(self, name: str, view: Page, frame: Frame) -> str:
        """The whole document, as text."""
        ...
