"""From a finding to the alert that a care team reads: evidence, sentence, proof, time left."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Context as Precision
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from schemas.alerts import OPEN_STATES, AlertRevision, Severity, State
from schemas.assembly import assembled
from schemas.base import SCHEMA_VERSION, digest
from services.detector.engine.card import CURBED_BY_COMFORT
from services.detector.engine.evidence import evidence, explanation
from services.detector.engine.instants import US_PER_DAY, day_of, end_of, instant, moment
from services.detector.engine.journal import Change, Revision
from services.detector.engine.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.alerts import Evidence, Readiness, Window
    from services.detector.engine.card import Card
    from services.detector.engine.finding import Finding

_GRACE = 7 * US_PER_DAY
_NINE_DIGITS = Precision(prec=9)
_FURTHEST = 9
"""Powers of ten to which a message's 18 digits reach with nine digits to spare."""
_REMINDER = " The test that would settle it is overdue."


@lru_cache(maxsize=65536)  # an alert has several revisions
def alert_id(patient_id: str, course_id: str | None, rule: str) -> str:
    """Identity of an alert: the digest of what it is about."""
    return digest("alert", patient_id, course_id, rule)


def write(  # noqa: PLR0913  (the parts of an alert)
    revision: Revision,
    number: int,
    card: Card,
    *,
    patient_id: str,
    course_id: str | None,
    at: int,
    comfort_only: bool,
    readiness: Callable[[], tuple[Readiness, ...]],
) -> AlertRevision:
    """Write one entry of an alert's journal.

    Args:
        revision: what is to be published.
        number: its number in the journal, from 1.
        card: what the rule says.
        patient_id: the surviving patient id.
        course_id: the course, None for the whole patient.
        at: instant at which it could first be known, microseconds UTC.
        comfort_only: the goals of care leave no place for salvage: failure becomes information.
        readiness: what bears on whether salvage is possible; asked only where it is shown.
    """
    identity = alert_id(patient_id, course_id, card.rule)
    finding = revision.finding
    if finding is None:
        return _retraction(revision, number, card, identity, patient_id, course_id, at)
    state = finding.state
    if comfort_only and card.kind in CURBED_BY_COMFORT and state in OPEN_STATES:
        state = State.INFO
    severity = (
        Severity.ADVISORY
        if state is State.INFO or state not in OPEN_STATES
        else card.urgency_of(finding)
    )
    cited = tuple([evidence(one) for one in finding.cited])
    onset = None if finding.onset is None else finding.onset.event.effective_at
    told = at if revision.told is None else revision.told
    stands = state in OPEN_STATES
    return assembled(
        AlertRevision,
        {
            "schema_version": SCHEMA_VERSION,
            "alert_id": identity,
            "revision": number,
            "digest": _content(
                identity,
                revision.episode,
                state,
                finding.tag,
                finding.grade,
                severity,
                card.version,
                onset,
                revision.overdue,
                *[part for one in cited for part in _in_digest(one)],
            ),
            "change": revision.change.value,
            "episode": revision.episode,
            "state": state,
            "tag": finding.tag,
            "grade": finding.grade,
            "value": _rounded(finding.value),
            "action": finding.action,
            "kind": card.kind,
            "severity": severity,
            "patient_id": patient_id,
            "course_id": course_id,
            "rule": card.rule,
            "rule_version": card.version,
            "title": card.title,
            "summary": sentence(finding, card) + (_REMINDER if revision.overdue else ""),
            "at": moment(at),
            "onset": onset,
            "confirm_by": _confirm_by(finding, card, told),
            "confirmation_overdue": revision.overdue,
            "act_by": _act_by(finding, card, told),
            "window": _window(finding, card),
            "evidence": cited,
            "explanation": None if finding.proof is None else explanation(finding.proof),
            "readiness": readiness() if stands else (),
            "options": card.options if stands else (),
            "source": card.source,
            "to_be_checked": card.to_be_checked,
            "cause": None,
        },
    )


def _in_digest(one: Evidence) -> tuple[object, ...]:
    return one.event_id, one.role, one.at, one.value, one.unit


def _rounded(value: Decimal | None) -> Decimal | None:
    """A number that was worked out, to more digits than anybody measures.

    What is too large or too small for a message is left out: an alert must not fail for it.
    """
    if value is None:
        return None
    if value == 0:
        return Decimal(0)
    return _NINE_DIGITS.plus(value) if abs(value.adjusted()) < _FURTHEST else None


def _content(*parts: object) -> str:
    """Digest of what an alert says; as `schemas.base.digest`, for parts in one fixed order."""
    text = "\x1f".join(map(str, parts))  # no text of a message holds a control character
    return sha256(text.encode()).hexdigest()[:32]


def _retraction(
    revision: Revision,
    number: int,
    card: Card,
    identity: str,
    patient_id: str,
    course_id: str | None,
    at: int,
) -> AlertRevision:
    return AlertRevision(
        alert_id=identity,
        revision=number,
        digest=digest(
            identity, revision.state, [step.identity for step in revision.withdrawn], number
        ),
        change=Change.WITHDRAWN.value,
        episode=revision.episode,
        state=revision.state,
        kind=card.kind,
        severity=Severity.ADVISORY,
        patient_id=patient_id,
        course_id=course_id,
        rule=card.rule,
        rule_version=card.version,
        title=card.title,
        summary=f"{card.title}: withdrawn, it no longer follows from the corrected record.",
        at=moment(at),
        source=card.source,
        to_be_checked=card.to_be_checked,
    )


# ---------------------------------------------------------------- times


def _day(ordinal: int) -> date:
    return date.fromordinal(ordinal)


def _confirm_by(finding: Finding, card: Card, at: int) -> date | datetime | None:
    """By when a suspicion ought to be settled: the rule's time, else the first day that counts.

    A rule that asks for no second test suspects only because a result is preliminary: its final
    version is expected within a week of grace.
    """
    if finding.state is not State.SUSPECTED or finding.onset is None:
        return None
    limit = card.time_to_act(finding.tag, finding.state)
    if limit is not None:
        return limit.until(at, finding.onset.day)
    after = card.confirm_after.get(finding.declared)
    return _day(day_of(at + _GRACE) if after is None else finding.onset.day + after)


def settle_by(finding: Finding, card: Card, told: int) -> int | None:
    """When (microseconds) a suspicion, first told of at `told`, has waited too long for its test.

    Never before the first day on which a test could settle it. A rule that names only that day
    gets a week of grace: ours, sources are silent.
    """
    by = _confirm_by(finding, card, told)
    if by is None or finding.onset is None:
        return None
    after = card.confirm_after.get(finding.declared)
    first = end_of(finding.onset.day + (after or 0))
    if after is not None and card.time_to_act(finding.tag, finding.state) is None:
        return first + _GRACE
    return max(first, instant(by) if isinstance(by, datetime) else end_of(by.toordinal()))


def _act_by(finding: Finding, card: Card, at: int) -> date | datetime | None:
    if finding.state not in {State.CONFIRMED, State.WINDOW, State.OVERDUE}:
        return None
    limit = card.time_to_act(finding.tag, finding.state)
    if limit is None:
        return None
    return limit.until(at, None if finding.onset is None else finding.onset.day)


def _window(finding: Finding, card: Card) -> Window | None:
    limit = card.time_to_act(finding.tag, finding.state)
    return None if limit is None or finding.state not in OPEN_STATES else limit.window
