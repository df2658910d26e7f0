"""The route table: every address of the inbox, and who may use it."""

from __future__ import annotations

from typing import Final

from services.notifier.inbox.access.roles import Right
from services.notifier.inbox.api.table import API
from services.notifier.inbox.web import (
    cases,
    deeds,
    doors,
    farewell,
    house,
    personal,
    streams,
    upkeep,
)
from services.notifier.inbox.web.routes import Route, Scope

_CASE: Final = "/case/{reference}"
_GLASS: Final = "/glass/{reference}"

PAGES: Final = (
    Route("GET", "/", Scope.TEAMS, Right.READ, cases.worklist),
    Route("POST", "/find", Scope.TEAMS, Right.READ, cases.find),
    Route("GET", _CASE, Scope.CASE, Right.READ, cases.case, glass=True),
    Route("POST", _CASE + "/{deed}", Scope.CASE, Right.DECIDE, deeds.deed),
    Route("GET", "/roster", Scope.HOUSE, Right.ROSTER, house.roster),
    Route("GET", "/route", Scope.HOUSE, Right.ROUTE, house.route),
    Route("GET", "/rules", Scope.HOUSE, Right.RULES, house.rules),
    Route("GET", "/sources", Scope.HOUSE, Right.SOURCES, upkeep.sources),
    Route("GET", "/letters", Scope.HOUSE, Right.LETTERS, upkeep.letters),
    Route("GET", "/letters/{letter}", Scope.HOUSE, Right.LETTERS, upkeep.letter),
    Route("POST", "/letters/replay", Scope.HOUSE, Right.LETTERS, upkeep.replay),
    Route("POST", "/letters/drop", Scope.HOUSE, Right.LETTERS, upkeep.drop),
    Route("GET", "/audit", Scope.TRAIL, Right.AUDIT, house.audit),
    Route("GET", "/glass", Scope.TRAIL, Right.REVIEW, house.glass_review),
    Route("POST", "/glass/{number}/reviewed", Scope.TRAIL, Right.REVIEW, house.reviewed),
    Route("GET", _GLASS, Scope.OTHERS, Right.BREAK_GLASS, house.glass_form),
    Route("POST", _GLASS, Scope.OTHERS, Right.BREAK_GLASS, house.break_glass),
    Route("GET", "/events", Scope.TEAMS, Right.READ, streams.listen),
    Route("GET", "/sign-in", Scope.OPEN, None, doors.sign_in),
    Route("POST", "/sign-in", Scope.OPEN, None, doors.enter),
    Route("GET", "/sign-in/go", Scope.OPEN, None, door=doors.go),
    Route("GET", "/sign-in/back", Scope.OPEN, None, door=doors.back),
    Route("GET", "/preferences", Scope.SELF, None, personal.preferences),
    Route("POST", "/preferences", Scope.SELF, None, personal.choose),
    Route("POST", "/preferences/views", Scope.SELF, None, personal.name_view),
    Route("POST", "/preferences/views/without", Scope.SELF, None, personal.forget_view),
    Route("POST", "/stay", Scope.SELF, None, doors.stay),
    Route("POST", "/sign-out", Scope.SELF, None, doors.sign_out),
    Route("POST", farewell.PATH, Scope.OPEN, None, door=farewell.over),
)

ROUTES: Final = (*PAGES, *API)
