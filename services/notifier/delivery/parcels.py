"""Parcels: what waits in the outbox. One for each message that somebody is to get.

A notice of a case makes one; so does a digest, and what a throttle held back leaves as one bundle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from schemas.alerts import Severity
from schemas.base import Model, Moment, Text, digest
from services.notifier.cases.case import gravity
from services.notifier.cases.words import Cause, Channel, Party, Urgency
from services.notifier.channels.contract import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.notifier.cases.case import Case, Forerunner
    from services.notifier.cases.effects import Notice
    from services.notifier.delivery.digest import Digest

CORRECTIONS: Final = frozenset({Cause.RETRACTION, Cause.RESOLVED, Cause.CORRECTION})
"""What was told does not hold, has settled itself, or was closed by an error."""
_URGENCIES: Final = tuple(Urgency)


class Origin(Model):
    """The case that a parcel is about. It stays in the house."""

    patient_id: Text
    course_id: Text | None = None
    case_id: Text
    revision: int


class Opened(Model):
    """That somebody opened another team's case in an emergency; for who reviews it."""

    by: Text
    reason: Text
    reference: Text
    until: Moment


class Parcel(Model):
    """One message to be sent.

    Attributes:
        origin: the case; None for what is about several.
        channel: the class of channels; None for a copy to the record.
        references: the cases' names outside the house.
        opened: what an emergency opened; None of everything else.
        rung: of the ladder; None for what stands outside of it.
        first: no throttle holds it up.
        stale_at: from then on it isn't sent any more.
    """

    parcel_id: Text
    kind: Annotated[Kind, Field(strict=False)]
    to: Party
    channel: Annotated[Channel, Field(strict=False)] | None = None
    at: Moment
    origin: Origin | None = None
    references: tuple[Text, ...] = Field(default=(), strict=False)
    cause: Annotated[Cause, Field(strict=False)] | None = None
    severity: Annotated[Severity, Field(strict=False)] | None = None
    urgency: Annotated[Urgency, Field(strict=False)] | None = None
    act_by: Moment | None = None
    findings: int = 0
    team: Text | None = None
    opened: Opened | None = None
    rung: int | None = None
    first: bool = False
    stale_at: Moment | None = None


def of_notice(notice: Notice, patient_id: str, course_id: str | None) -> Parcel:
    """The parcel of a notice. A correction waits for nothing: who was misled must hear it."""
    facts = notice.facts
    wrong = facts.cause in CORRECTIONS
    return Parcel(
        parcel_id=notice.notice_id,
        kind=Kind.CORRECTION if wrong else Kind.ALERT,
        to=notice.to,
        channel=notice.channel,
        at=notice.at,
        origin=Origin(
            patient_id=patient_id,
            course_id=course_id,
            case_id=notice.case_id,
            revision=notice.case_revision,
        ),
        references=(facts.reference,),
        cause=facts.cause,
        severity=facts.severity,
        urgency=facts.urgency,
        act_by=facts.act_by,
        findings=facts.findings,
        team=facts.team,
        rung=notice.rung,
        first=notice.first or facts.cause is Cause.RETRACTION,
        stale_at=notice.stale_at,
    )


def copy_for(notice: Notice, parcel: Parcel, channel: str) -> Parcel:
    """A copy for the record: one for each cause, whoever is told of it, on whatever rung."""
    cause = (notice.case_id, notice.facts.cause, notice.cause_id)
    update = {"channel": None, "rung": None, "first": True, "stale_at": None}
    return parcel.model_copy(update={**update, "parcel_id": digest("record", channel, *cause)})


def of_closing(case: Case, of: Forerunner, channel: str, reference: str, now: datetime) -> Parcel:
    """That a case asks nothing any more, for a channel that has opened work in the record.

    Args:
        case: as it now is.
        of: under which patient's and case's id the work was opened: its own, or a forerunner's.
        channel: its name.
        reference: the case's name outside the house.
        now: the present instant.
    """
    return Parcel(
        parcel_id=digest("closed", channel, of.case_id, case.revision),
        kind=Kind.CLOSED,
        to=case.owner,
        at=now,
        origin=Origin(
            patient_id=of.patient_id,
            course_id=case.course.course_id,
            case_id=of.case_id,
            revision=case.revision,
        ),
        references=(reference,),
        team=case.team,
        first=True,
    )


def of_digest(found: Digest) -> Parcel:
    """The parcel of a digest."""
    return Parcel(
        parcel_id=found.digest_id,
        kind=Kind.DIGEST,
        to=found.to,
        channel=found.channel,
        at=found.at,
        references=found.references,
        urgency=Urgency.ROUTINE,
        findings=len(found.cases),
        first=True,
    )


def bundle(parcels: Sequence[Parcel], now: datetime) -> Parcel:
    """What was too much for one recipient on one channel, as one message."""
    dates = [one.act_by for one in parcels if one.act_by]
    severities = [one.severity for one in parcels if one.severity]
    urgencies = [one.urgency for one in parcels if one.urgency]
    return Parcel(
        parcel_id=digest("bundle", sorted(one.parcel_id for one in parcels)),
        kind=Kind.DIGEST,
        to=parcels[0].to,
        channel=parcels[0].channel,
        at=now,
        references=tuple(sorted({name for one in parcels for name in one.references})),
        severity=min(severities, key=gravity, default=None),
        urgency=min(urgencies, key=_URGENCIES.index, default=None),
        act_by=min(dates, default=None),
        findings=sum(one.findings for one in parcels),
        team=parcels[0].team,
        first=True,
    )


def instead(parcel: Parcel, to: Party, now: datetime) -> Parcel:
    """The same, for somebody who is always there."""
    name = digest("instead", parcel.parcel_id, str(to))
    update = {"parcel_id": name, "to": to, "channel": Channel.PHONE, "at": now, "first": True}
    return parcel.model_copy(update=update)
