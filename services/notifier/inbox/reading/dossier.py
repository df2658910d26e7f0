"""A case with all that is known of it, and what somebody may do with it now."""

# Not `from __future__ import annotations`: the API's JSON Schema is made from these annotations.

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from schemas.alerts import AlertRevision
from services.notifier.cases.case import Case, Finding
from services.notifier.inbox.reading.lists import Row


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding: what the case holds of it, and the alert in its latest revision.

    Attributes:
        pending: it holds, and nothing was decided about it.
    """

    finding: Finding
    alert: AlertRevision
    pending: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a case's history.

    Attributes:
        what: `owner`, `state`, `finding`, `comment`, `wrong`, `viewed`, `refused`, ...; of a
            message, what became of it: `delivered`, `temporary`, `unknown`, `permanent`, `waits`.
        to: whom a message was for.
        channel: the name of the channel that carried it.
    """

    at: datetime
    by: str
    what: str
    before: str = ""
    after: str = ""
    why: str = ""
    to: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a deed's form.

    Attributes:
        kind: `text` (several lines), `line`, `choice` (a select), `moment` (datetime-local, in the
            frame's zone), `hidden`.
        value: to begin with.
        choices: value and words, of a choice.
        latest: of a moment: not later than this, UTC.
    """

    name: str
    kind: Literal["text", "line", "choice", "moment", "hidden"]
    required: bool = False
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    latest: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeedForm:
    """Something that this person may do with this case now.

    Attributes:
        deed: `acknowledge`, `start` (own it), `snooze`, `wake`, `dispose`, `assign`, `offer`
            (hand over), `accept`, `decline`, `comment`, `wrong` (this alert is wrong).
        url: where it is posted to.
        fields: all but `csrf`. Hidden ones are to be sent as they are: `key` makes that a deed
            posted twice is done once, `revision` that nobody closes what they haven't seen.
    """

    deed: str
    url: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case, for its page.

    Attributes:
        findings: pending ones first, then gravest first.
        history: newest first.
        deeds: in the order in which they are to be offered.
        said: the deed that was just done.
        refused: why the deed that was just asked for was not done.
        draft: what had been filled in then, by the form's fields; `deed` is which form.
        through_glass: this person sees it only because of an emergency, until then.
    """

    row: Row
    case: Case
    findings: tuple[FindingView, ...]
    history: tuple[Entry, ...]
    deeds: tuple[DeedForm, ...]
    said: str = ""
    refused: str = ""
    draft: Mapping[str, str] = field(default_factory=dict)
    through_glass: datetime | None = None
