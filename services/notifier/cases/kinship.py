"""One rule's word on a course, said of records that turned out to be one person's.

The surviving record's own word counts, once it has been spoken: it is judged with everybody's
facts. Until then the merged records' words stand beside each other, each under its own alert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.case import Receipt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from services.notifier.cases.case import Case, Finding
    from services.notifier.cases.commands import Alerted


def record_of(given: Alerted) -> str | None:
    """The merged record of which a revision speaks; None if it is the course's own patient."""
    patient_id = given.revision.patient_id
    return None if patient_id == given.course.patient_id else patient_id


def kin(case: Case | None, rule: str) -> tuple[Finding, ...]:
    """What merged records say by a rule, and stands."""
    found = case.standing if case is not None else ()
    return tuple(one for one in found if one.record is not None and one.rule == rule)


def own(case: Case | None, rule: str) -> Finding | None:
    """What the case's own patient's alert says by a rule, if it stands."""
    found = case.standing if case is not None else ()
    return next((one for one in found if one.record is None and one.rule == rule), None)


def renamed(
    receipts: Iterable[Receipt], alerts: Collection[str], alert_id: str
) -> tuple[Receipt, ...]:
    """Receipts of some alerts as ones of another: on the strongest channel that somebody had."""
    best: dict[tuple[str, str], Receipt] = {}
    for one in receipts:
        name = alert_id if one.alert_id in alerts else one.alert_id
        known = best.get((name, str(one.to)))
        if known is None or known.channel.rank < one.channel.rank:
            best[name, str(one.to)] = Receipt(alert_id=name, to=one.to, channel=one.channel)
    return tuple(best[key] for key in sorted(best))
