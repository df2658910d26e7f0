"""What a fact is called, what it said, and the proof made of it, as an alert shows them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from schemas.alerts import Evidence, Explanation
from schemas.assembly import assembled
from services.detector.engine.fact import Fact
from services.detector.engine.truth import Range, Unknown

if TYPE_CHECKING:
    from services.detector.engine.terms import Cited, Proof

_NO_RESULTS = frozenset({"treatment", "imaging_report", "adverse_event"})
_LONGEST = 256
"""Characters of a text in a message."""


def evidence(cited: Cited) -> Evidence:
    """A cited fact."""
    fact, role = cited
    event = fact.event
    return assembled(
        Evidence,
        {
            "event_id": event.event_id,
            "role": role,
            "at": event.effective_at,
            "what": what(fact),
            "value": reported(fact),
            "unit": unit(fact),
        },
    )


def unit(fact: Fact) -> str | None:
    """The unit as it was written, if it is a fact that has one."""
    event = fact.event
    return getattr(event.form or event, "unit", None)


def what(fact: Fact) -> str:
    """A name for a fact: the analyte, the treatment's step, the scan."""
    topic, event = fact.topic, fact.event
    if topic not in _NO_RESULTS:
        return topic
    if topic == "treatment":
        return f"{event.modality} {event.phase}"[:_LONGEST]
    if topic == "imaging_report":
        return event.modality or "imaging"
    return str(event.term)


def reported(fact: Fact) -> str | None:
    """A value as its source reported it, comparator included."""
    topic, event = fact.topic, fact.event
    if topic not in _NO_RESULTS:
        shared = event.form or event  # what results have in common stands in their form, if known
        value = getattr(event, "value", None)
        if value is None:
            code: str | None = getattr(shared, "value_code", None)
            return code
        comparator = shared.comparator
        return str(value) if comparator is None else f"{comparator}{value}"
    if topic == "imaging_report":
        return _verdict(fact)
    if topic == "treatment":
        regimen: str | None = event.regimen
        return regimen
    return None if event.grade is None else f"grade {event.grade}"


def written_day(fact: Fact) -> str:
    """The clinical day, or what is known of it: `2024-03-05`, `2024-03`, `2024`."""
    if isinstance(fact.when, int):
        return date.fromordinal(fact.day).isoformat()
    known: str = fact.event.effective_at.isoformat()
    return known


def _verdict(fact: Fact) -> str | None:
    event = fact.event
    parts = [event.response] if event.response else []
    if event.deauville is not None:
        parts.append(f"Deauville {event.deauville}")
    if event.sum_of_diameters_mm is not None:
        parts.append(f"sum {event.sum_of_diameters_mm} mm")
    if event.new_lesions:
        parts.append("new lesions: " + ", ".join(event.new_lesions))
    return "; ".join(parts)[:_LONGEST] or None


def explanation(proof: Proof) -> Explanation:
    """A proof, with all its parts."""
    text, result, cited, because = proof
    truth: str | None = None
    if result.__class__ is bool:
        truth = "true" if result else "false"
    elif isinstance(result, Unknown):
        truth = "unknown"
    return assembled(
        Explanation,
        {
            "text": text,
            "truth": truth,
            "value": None if result.__class__ is bool else _shown(result),
            "events": tuple(dict.fromkeys([fact.key[1] for fact, _ in cited])) if cited else (),
            "because": tuple([explanation(part) for part in because]) if because else (),
        },
    )


def _shown(result: object) -> str | None:
    if isinstance(result, Decimal):
        return _digits(result)
    if isinstance(result, Unknown):
        return result.reason
    if isinstance(result, Range):
        if result.low is None or (result.high is not None and result.low == 0):
            return f"<{'=' if result.high_included else ''}{result.high}"
        return f">{'=' if result.low_included else ''}{result.low}"
    if isinstance(result, Fact):
        return reported(result)
    return None


def _digits(number: Decimal) -> str:
    """A number without exponent, and without zeros that say nothing."""
    if not number:
        return "0"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
