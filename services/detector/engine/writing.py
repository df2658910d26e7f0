"""From a finding to the alert that a care team reads: evidence, sentence, proof, time left."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from schemas.alerts import (
    OPEN_STATES,
    AlertRevision,
    Readiness,
    Role,
    Severity,
    State,
    Window,
)
from schemas.base import digest
from services.detector.engine.card import CURBED_BY_COMFORT
from services.detector.engine.fact import Fact
from services.detector.engine.instants import US_PER_DAY, end_of, instant, moment
from services.detector.engine.journal import Change, Revision
from services.detector.engine.truth import Range, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.detector.engine.card import Card
    from services.detector.engine.finding import Finding
    from services.detector.engine.terms import Cited, Proof

_GRACE = 7 * US_PER_DAY
_REMINDER = " The test that would settle it is overdue."
_SHORT_OF = {State.REFUTED: "no longer suspected", State.CLEARED: "the missing evidence arrived"}


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
        else card.severity_of(finding.tag, finding.state.value, finding.severity)
    )
    evidence = tuple(_evidence(cited) for cited in finding.cited)
    onset = None if finding.onset is None else finding.onset.event.effective_at
    told = at if revision.told is None else revision.told
    stands = state in OPEN_STATES
    # One validation for the whole, parts included: each on its own would cost as much again.
    return AlertRevision.model_validate(
        {
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
                *(part[name] for part in evidence for name in _IN_DIGEST),
            ),
            "change": revision.change.value,
            "episode": revision.episode,
            "state": state,
            "tag": finding.tag,
            "grade": finding.grade,
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
            "evidence": evidence,
            "explanation": None if finding.proof is None else _explanation(finding.proof),
            "readiness": readiness() if stands else (),
            "options": card.options if stands else (),
            "source": card.source,
        }
    )


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
    )


# ---------------------------------------------------------------- evidence and proof


_IN_DIGEST = ("event_id", "role", "at", "value", "unit")


def _evidence(cited: Cited) -> dict[str, Any]:
    """The fields of an `Evidence`."""
    fact, role = cited
    event = fact.event
    return {
        "event_id": event.event_id,
        "role": role,
        "at": event.effective_at,
        "what": what(fact),
        "value": reported(fact),
        "unit": getattr(event, "unit", None),
    }


def what(fact: Fact) -> str:
    """A name for a fact: the analyte, the treatment's step, the scan."""
    event = fact.event
    if fact.topic == "treatment":
        return f"{event.modality} {event.phase}"
    if fact.topic == "imaging_report":
        return event.modality or "imaging"
    if fact.topic == "adverse_event":
        return str(event.term)
    return fact.topic


def reported(fact: Fact) -> str | None:
    """A value as its source reported it, comparator included."""
    event = fact.event
    if fact.topic == "imaging_report":
        return _verdict(fact)
    if fact.topic == "treatment":
        regimen: str | None = event.regimen
        return regimen
    if fact.topic == "adverse_event":
        return None if event.grade is None else f"grade {event.grade}"
    if getattr(event, "value", None) is None:
        code: str | None = getattr(event, "value_code", None)
        return code
    return f"{event.comparator or ''}{event.value}"


def _verdict(fact: Fact) -> str | None:
    event = fact.event
    parts = [event.response] if event.response else []
    if event.deauville is not None:
        parts.append(f"Deauville {event.deauville}")
    if event.sum_of_diameters_mm is not None:
        parts.append(f"sum {event.sum_of_diameters_mm} mm")
    if event.new_lesions:
        parts.append("new lesions: " + ", ".join(event.new_lesions))
    return "; ".join(parts)[:256] or None


def _explanation(proof: Proof) -> dict[str, Any]:
    """The fields of an `Explanation`."""
    return {
        "text": proof.text,
        "truth": _truth(proof.result),
        "value": _shown(proof.result),
        "events": tuple(dict.fromkeys(fact.event.event_id for fact, _ in proof.cited)),
        "because": tuple(_explanation(part) for part in proof.because),
    }


def _truth(result: object) -> str | None:
    if isinstance(result, Unknown):
        return "unknown"
    return str(result).lower() if isinstance(result, bool) else None


def _shown(result: object) -> str | None:
    if isinstance(result, Unknown):
        return result.reason
    if isinstance(result, Decimal):
        return f"{result.normalize():f}" if result else "0"
    if isinstance(result, Range):
        if result.low is None or (result.high is not None and result.low == 0):
            return f"<{'=' if result.high_included else ''}{result.high}"
        return f">{'=' if result.low_included else ''}{result.low}"
    if isinstance(result, Fact):
        return reported(result)
    return None


# ---------------------------------------------------------------- times


def _day(ordinal: int) -> date:
    return date.fromordinal(ordinal)


def _confirm_by(finding: Finding, card: Card, at: int) -> date | datetime | None:
    """By when a suspicion ought to be settled: the rule's time, else the first day that counts."""
    if finding.state is not State.SUSPECTED or finding.onset is None:
        return None
    limit = card.time_to_act(finding.tag, finding.state.value)
    if limit is not None:
        return limit.until(at, finding.onset.day)
    after = card.confirm_after.get(finding.criterion)
    return None if after is None else _day(finding.onset.day + after)


def settle_by(finding: Finding, card: Card, told: int) -> int | None:
    """When (microseconds) a suspicion, first told of at `told`, has waited too long for its test.

    Never before the first day on which a test could settle it. A rule that names only that day
    gets a week of grace: ours, sources are silent.
    """
    by = _confirm_by(finding, card, told)
    if by is None or finding.onset is None:
        return None
    first = end_of(finding.onset.day + card.confirm_after.get(finding.criterion, 0))
    if card.time_to_act(finding.tag, finding.state.value) is None:
        return first + _GRACE
    return max(first, instant(by) if isinstance(by, datetime) else end_of(by.toordinal()))


def _act_by(finding: Finding, card: Card, at: int) -> date | datetime | None:
    if finding.state not in {State.CONFIRMED, State.WINDOW, State.OVERDUE}:
        return None
    limit = card.time_to_act(finding.tag, finding.state.value)
    if limit is None:
        return None
    return limit.until(at, None if finding.onset is None else finding.onset.day)


def _window(finding: Finding, card: Card) -> Window | None:
    limit = card.time_to_act(finding.tag, finding.state.value)
    if limit is None or finding.state not in OPEN_STATES:
        return None
    return Window(tier=limit.tier, basis="fixed", evidence=limit.evidence)


# ---------------------------------------------------------------- the sentence

PLACEHOLDERS = frozenset(
    {
        "analyte",
        "baseline",
        "clock",
        "date",
        "grade",
        "nadir",
        "onset",
        "tag",
        "unit",
        "value",
    }
)
"""What a rule's sentence may ask for."""


def sentence(finding: Finding, card: Card) -> str:
    """The sentence a clinician would write, filled in from the evidence."""
    # What is cleared keeps the tag of what was missing, whose sentence says that it still is.
    tag = None if finding.state is State.CLEARED else finding.tag
    template = card.sentence(tag, finding.state.value)
    if finding.state in _SHORT_OF and template == card.title:
        return f"{card.title}: {_SHORT_OF[finding.state]}."
    values = _values(finding)
    return template.format_map(_Lenient(values))


class _Lenient(dict[str, str]):
    """An evidence that isn't there reads "not known"; a sentence must never fail an alert."""

    def __missing__(self, key: str) -> str:
        return "not known"


def _values(finding: Finding) -> Mapping[str, str]:
    values = {"date": _day(finding.day).isoformat()}
    if finding.trigger is not None:
        values |= {
            "value": reported(finding.trigger) or "not known",
            "unit": getattr(finding.trigger.event, "unit", None) or "",
            "analyte": what(finding.trigger),
            "date": _written(finding.trigger),
        }
    if finding.onset is not None:
        values["onset"] = _written(finding.onset)
    if finding.grade is not None:
        values["grade"] = str(finding.grade)
    if finding.tag is not None:
        values["tag"] = finding.tag.replace("_", " ")
    for fact, role in finding.cited:
        if role is Role.CLOCK:
            values.setdefault("clock", _written(fact))
        elif role in {Role.NADIR, Role.BASELINE}:
            values.setdefault(role.value, reported(fact) or "not known")
    return values


def _written(fact: Fact) -> str:
    when: date | datetime = fact.event.effective_at
    return when.isoformat()[:10]
