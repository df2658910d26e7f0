"""What an alert itself still tells of the record, where the record isn't at hand. Pure.

Evidence is what the verdict needs and no more: a chart made of it shows why, and nothing besides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from schemas.alerts import Role
from schemas.events import EVENT
from schemas.terminology import analyte
from services.notifier.inbox.facts import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.alerts import AlertRevision, Evidence
    from services.notifier.inbox.book import Event

_SIGN: Final = {"below": "<", "above": ">"}


def remembered(alert: AlertRevision) -> list[Event]:
    """The facts that the alert's evidence quotes: results, and the step that started the clock."""
    return [event for item in alert.evidence for event in _event(item, alert)]


def _event(item: Evidence, alert: AlertRevision) -> Iterator[Event]:
    own = _result(item) if item.role is not Role.CLOCK else _step(item, alert)
    if own is None:
        return
    common = {
        "event_id": item.event_id,
        "patient_id": alert.patient_id,
        "source": "evidence",
        "effective_at": item.at,
        "status": "preliminary",
    }
    try:
        yield EVENT.validate_python({**common, **own})
    except ValidationError:
        return  # quoted in a form that says less than an event has to


def _result(item: Evidence) -> dict[str, Any] | None:
    number = parsed(item.value)
    if analyte(item.what) is None or number is None:
        return None
    value, bound = number
    told = {"type": "observation", "analyte": item.what, "value": value, "unit": item.unit}
    return told if bound == "exact" else {**told, "comparator": _SIGN[bound]}


def _step(item: Evidence, alert: AlertRevision) -> dict[str, Any] | None:
    """`antiretroviral started`, with the regimen as value."""
    modality, _, phase = item.what.rpartition(" ")
    if not modality or alert.course_id is None:
        return None
    told = {"type": "treatment", "modality": modality, "phase": phase, "regimen": item.value}
    return {**told, "course_id": alert.course_id, "condition": "as treated"}
