"""What a step wants done. Who carries it out is the business of stores, outboxes and channels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.actions import Action
from schemas.alerts import Severity
from schemas.base import Model, Moment, Text
from services.notifier.cases.words import Cause, Channel, Duty, Party, Urgency


class Facts(Model):
    """All that a message may say outside the inbox: no name, no diagnosis, no drug, no value.

    Attributes:
        reference: the case's name outside the house; a link to the inbox is made of it.
        findings: how many hold.
    """

    reference: Text
    cause: Annotated[Cause, Field(strict=False)]
    severity: Annotated[Severity, Field(strict=False)]
    urgency: Annotated[Urgency, Field(strict=False)]
    act_by: Moment | None = None
    findings: int
    team: Text


class Notice(Model):
    """Somebody is to be told, now.

    Attributes:
        notice_id: the same notice has the same id, however often it is computed.
        case_revision: later ones of a case don't overtake earlier ones.
        cause_id: identity of the cause.
        rung: of the ladder, from 0; None for what stands outside of it.
        first: the first notice of an urgent case, which no throttle holds up.
        stale_at: from then on something else has been said; don't send it any more.
    """

    kind: Literal["notice"] = "notice"
    notice_id: Text
    case_id: Text
    case_revision: int
    to: Party
    channel: Annotated[Channel, Field(strict=False)]
    cause_id: Text
    rung: int | None = None
    at: Moment
    first: bool = False
    stale_at: Moment | None = None
    facts: Facts


class AuditEntry(Model):
    """One line of the record of what happened to a case, and why."""

    kind: Literal["audit"] = "audit"
    case_id: Text
    at: Moment
    by: Text = Field(description="who; `system` for time and data")
    what: Text
    before: Text | None = None
    after: Text | None = None
    why: str = ""


class RosterGap(Model):
    """Nobody had a duty when somebody was needed; the desk stood in."""

    kind: Literal["roster-gap"] = "roster-gap"
    team: Text
    duty: Annotated[Duty, Field(strict=False)]
    at: Moment


class Refused(Model):
    """A command was not carried out, and why."""

    kind: Literal["refused"] = "refused"
    command: Text
    why: Text


class Done(Model):
    """An action for `clinical.actions`."""

    kind: Literal["action"] = "action"
    action: Action


Effect = Notice | AuditEntry | RosterGap | Refused | Done
