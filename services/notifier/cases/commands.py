"""What people ask of a case, and what else may happen to it: every input is a message."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.actions import Disposition
from schemas.alerts import AlertRevision
from schemas.base import LongText, Model, Moment, Text
from schemas.events import Event
from services.notifier.cases.case import Case, Course
from services.notifier.cases.words import Channel, Party


class Command(Model):
    """A person's deed. `by` is who: an authenticated identity, never a team or a machine."""

    by: Text
    note: LongText | None = Field(default=None, description="stays in the audit trail")


class Acknowledge(Command):
    """I have seen it and look after it, for now."""

    type: Literal["acknowledge"] = "acknowledge"


class Start(Command):
    """I am working on it."""

    type: Literal["start"] = "start"


class Snooze(Command):
    """Not before `until`, or before a result of `awaiting` is there."""

    type: Literal["snooze"] = "snooze"
    until: Moment
    awaiting: Text | None = Field(default=None, description="an analyte, or an event's type")


class Wake(Command):
    """End a snooze."""

    type: Literal["wake"] = "wake"


class Dispose(Command):
    """Close the case, with the reason."""

    type: Literal["dispose"] = "dispose"
    disposition: Annotated[Disposition, Field(strict=False)]


class Assign(Command):
    """Give the case to somebody, or, as a reviewer, pass it on."""

    type: Literal["assign"] = "assign"
    to: Party


class OfferHandOver(Command):
    """Offer the case to the next shift."""

    type: Literal["offer"] = "offer"
    to: Party


class Accept(Command):
    """Take over what was offered."""

    type: Literal["accept"] = "accept"


class Decline(Command):
    """Don't take over what was offered."""

    type: Literal["decline"] = "decline"


class Reopen(Command):
    """It was closed in error: I look after it."""

    type: Literal["reopen"] = "reopen"


AnyCommand = (
    Acknowledge
    | Start
    | Snooze
    | Wake
    | Dispose
    | Assign
    | OfferHandOver
    | Accept
    | Decline
    | Reopen
)


class Alerted(Model):
    """The detector published a revision; `course` is what is known of its course.

    The revision may be of a record that was merged into the course's patient's.
    """

    type: Literal["alerted"] = "alerted"
    revision: AlertRevision
    course: Course


class Happened(Model):
    """A clinical event of the patient: a treatment, a result that was waited for, a death."""

    type: Literal["happened"] = "happened"
    event: Event


class DigestSent(Model):
    """A digest that listed the case has gone to somebody."""

    type: Literal["digest-sent"] = "digest-sent"
    to: Party
    channel: Annotated[Channel, Field(strict=False)] = Channel.MESSAGE


class Merged(Model):
    """The patient's record was merged into another's; None: that was taken back."""

    type: Literal["merged"] = "merged"
    into: Text | None


class Inherited(Model):
    """A merged record's case of the same course; `course` is the surviving record's."""

    type: Literal["inherited"] = "inherited"
    case: Case
    course: Course


class Parted(Model):
    """These records belong to somebody else after all: what was said of them is not of this one."""

    type: Literal["parted"] = "parted"
    records: tuple[Text, ...] = Field(strict=False)


class Rostered(Model):
    """There is another roster."""

    type: Literal["rostered"] = "rostered"


class Tick(Model):
    """Time has passed."""

    type: Literal["tick"] = "tick"


Input = AnyCommand | Alerted | Happened | DigestSent | Merged | Inherited | Parted | Rostered | Tick

INPUT: TypeAdapter[Input] = TypeAdapter(Annotated[Input, Field(discriminator="type")])
"""Reads any input, told apart by `type`."""
