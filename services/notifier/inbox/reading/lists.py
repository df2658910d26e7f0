"""The worklist, as pages and programs are given it."""

# Not `from __future__ import annotations`: the API's JSON Schema is made from these annotations.

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.alerts import Kind, Severity, State
from services.notifier.cases.words import CaseState, Party


@dataclass(frozen=True, slots=True)
class CourseWords:
    """A course of treatment, as its events named it; None where nobody said."""

    condition: str | None
    line: int | None
    course_id: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One case in the worklist.

    Attributes:
        patient: id as the record knows it.
        title: of the gravest finding that is pending; of a closed case, that holds or held.
        kind: of that finding.
        stage: state of that finding: suspected, confirmed, retracted, ...
        findings: how many are pending.
        act_by: by when to act, UTC; None where nothing is asked.
        left: until then; negative when it has passed.
        until: when an acknowledgement or a snooze ends.
        mine: the viewer owns it.
        offered: it is offered to the viewer, who may accept or decline.
        news: it has changed since the viewer last opened it, or they never did.
    """

    reference: str
    revision: int
    patient: str
    title: str
    kind: Kind | None
    stage: State | None
    severity: Severity
    course: CourseWords
    team: str
    owner: Party
    state: CaseState
    findings: int
    act_by: datetime | None
    left: timedelta | None
    until: datetime | None
    mine: bool
    offered: bool
    news: bool


VIEWS: Final = ("open", "mine", "unowned", "overdue", "snoozed", "closed")
"""`unowned`: open, and a desk has it, no person."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for; empty text: no restriction."""

    view: str = "open"
    severity: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view as a link: one of `VIEWS`, with the other filters as they are."""

    view: str
    url: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class OwnView:
    """A view that this person has named, as a link."""

    name: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Worklist:
    """A page of cases: least time left first, then gravest first.

    Attributes:
        teams: that this person can choose in the filter.
        previous: address of the page before; None at the start.
        next: address of the page after; None at the end.
        own: views that this person has named; none for programs.
        found: whether this is the answer to a search for a patient; then nothing is filtered.
    """

    rows: tuple[Row, ...]
    filters: Filters
    views: tuple[SavedView, ...]
    teams: tuple[str, ...]
    previous: str | None = None
    next: str | None = None
    own: tuple[OwnView, ...] = ()
    found: bool = False
