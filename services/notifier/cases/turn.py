"""One input at work: the case as it is becoming, and what is to be done about it.

A turn lives as long as one call of `step`. Cases and effects are immutable; only the turn changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from schemas.actions import Action
from schemas.base import digest
from services.notifier.cases.case import Receipt
from services.notifier.cases.effects import AuditEntry, Done, Facts, Notice, RosterGap
from services.notifier.cases.ladder import urgency
from services.notifier.cases.words import Duty, Urgency

if TYPE_CHECKING:
    from datetime import date, datetime

    from schemas.actions import Deed, Disposition
    from schemas.partial import PartialDate
    from services.notifier.cases.case import Case, Finding
    from services.notifier.cases.commands import Input
    from services.notifier.cases.effects import Effect
    from services.notifier.cases.site import Site
    from services.notifier.cases.words import CaseState, Cause, Channel, Party, Trigger

SYSTEM = "system"


@dataclass(slots=True)
class Turn:
    """What is being worked on.

    Attributes:
        case: as it is becoming.
        trigger: what is moving it.
        before: the state that it was in until then.
        given: the input; None while only time passes.
        cause: why somebody is to be told, with its identity.
        why: for the audit trail.
    """

    case: Case
    now: datetime
    site: Site
    trigger: Trigger
    before: CaseState
    given: Input | None = None
    cause: tuple[Cause, str] | None = None
    why: str = ""
    effects: list[Effect] = field(default_factory=list)

    @property
    def by(self) -> str:
        """Who acts: a person, or the system."""
        return getattr(self.given, "by", SYSTEM)

    @property
    def identity(self) -> str:
        """Names what is happening now, as the cause of a notice."""
        return digest(self.trigger, self.now.isoformat(), self.case.revision)

    def change(self, **fields: Any) -> None:
        """Give the case other values in some fields."""
        self.case = self.case.model_copy(update=fields)

    def mark(self, **marks: Any) -> None:
        """Note when the episode reached something for the first time."""
        new = {name: at for name, at in marks.items() if getattr(self.case.marks, name) is None}
        self.change(marks=self.case.marks.model_copy(update=new))

    def note(
        self, what: str, before: object = None, after: object = None, why: str | None = None
    ) -> None:
        """Write a line into the audit trail."""
        entry = AuditEntry(
            case_id=self.case.case_id,
            at=self.now,
            by=self.by,
            what=what,
            before=None if before is None else str(before),
            after=None if after is None else str(after),
            why=self.why if why is None else why,
        )
        self.effects.append(entry)

    def give_to(self, owner: Party, why: str) -> None:
        """Change the owner; the one place where that happens."""
        before = self.case.owner
        if before != owner:
            self.change(owner=owner)
            self.note("owner", before, owner, why)

    def find(self, duty: Duty) -> Party:
        """Who has a duty now; the team's desk, and a gap reported, when nobody has."""
        if duty is Duty.DESK:
            return self.site.roster.desk(self.case.team)
        found = self.site.roster.on_duty(self.case.team, duty, self.now)
        if found is None:
            self.effects.append(RosterGap(team=self.case.team, duty=duty, at=self.now))
        return found or self.site.roster.desk(self.case.team)

    def tell(
        self,
        to: Party,
        channel: Channel,
        cause: Cause,
        cause_id: str,
        *,
        rung: int | None = None,
        about: tuple[Finding, ...] | None = None,
        stale_at: datetime | None = None,
    ) -> None:
        """Have somebody told, and remember that, so that they hear if it is taken back."""
        case = self.case
        notice = Notice(
            notice_id=digest(case.case_id, cause, cause_id, rung, str(to), channel),
            case_id=case.case_id,
            case_revision=case.revision + 1,
            to=to,
            channel=channel,
            cause_id=cause_id,
            rung=rung,
            at=self.now,
            first=about is None and case.marks.noticed is None and self.urgency is Urgency.URGENT,
            stale_at=stale_at,
            facts=self._facts(cause),
        )
        self.effects.append(notice)
        if about is None:
            self.mark(noticed=self.now)
            self.remember(to, channel)

    def remember(self, to: Party, channel: Channel) -> None:
        """Note that somebody knows of all that stands."""
        receipts = {(one.alert_id, one.to): one for one in self.case.receipts}
        for finding in self.case.standing:
            key = (finding.alert_id, to)
            known = receipts.get(key)
            if known is None or known.channel.rank < channel.rank:
                receipts[key] = Receipt(alert_id=finding.alert_id, to=to, channel=channel)
        ordered = sorted(receipts.values(), key=lambda one: (one.alert_id, str(one.to)))
        self.change(receipts=tuple(ordered))

    def act(
        self,
        deed: Deed,
        *,
        until: datetime | None = None,
        disposition: Disposition | None = None,
        event_id: str | None = None,
        effective_at: date | PartialDate | None = None,
    ) -> None:
        """Publish what was done, for each alert that is pending; of a closed case, that stands."""
        case = self.case
        for one in case.pending or case.standing:
            action = Action(
                action_id=digest(case.case_id, one.alert_id, deed, self.by, self.now.isoformat()),
                alert_id=one.alert_id,
                case_id=case.case_id,
                patient_id=case.course.patient_id,
                course_id=case.course.course_id,
                rule=one.rule,
                rule_version=one.rule_version,
                deed=deed,
                at=self.now,
                by=None if self.by == SYSTEM else self.by,
                until=until,
                disposition=disposition,
                event_id=event_id,
                effective_at=effective_at,
            )
            self.effects.append(Done(action=action))

    @property
    def urgency(self) -> Urgency:
        """How the case may interrupt now."""
        return urgency(self.case, self.site, self.now)

    def _facts(self, cause: Cause) -> Facts:
        case = self.case
        return Facts(
            reference=self.site.reference(case.case_id),
            cause=cause,
            severity=case.severity,
            urgency=self.urgency,
            act_by=case.act_by,
            findings=len(case.pending),
            team=case.team,
        )
