"""What becomes of resources that we made when their case is closed. Pure.

The work ends: a Task that still asks for something asks no more. What was found stays found: the
disposition is written beside it, as a mitigation; only where a person said that data or patient
were wrong does the DetectedIssue become an error (CHOICE).

Source: FHIR R4 (4.0.1), Task and DetectedIssue, and their required value sets (H).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.actions import Disposition
from services.notifier.channels.recordtext import written

if TYPE_CHECKING:
    from services.notifier.channels.contract import Record
    from services.notifier.channels.fhirout.resources import Json

KINDS: Final = ("DetectedIssue", "Task")
_OVER: Final = frozenset({"cancelled", "completed", "entered-in-error", "failed", "rejected"})
_ERRORS: Final = frozenset({Disposition.WRONG_PATIENT, Disposition.WRONG_DATA})
_BY_THE_RECORD: Final = "shown by an event of the record"


def ended(resource: Json, record: Record) -> Json | None:
    """A resource of a closed case as it is to be; None if it stays as it is."""
    if resource.get("status") in _OVER:
        return None
    return (
        _task(resource, record) if resource["resourceType"] == "Task" else _issue(resource, record)
    )


def _task(task: Json, record: Record) -> Json:
    """Completed if somebody, or the record, answered; cancelled if nothing was left to ask."""
    if record.disposition is None:
        status = "completed" if record.settled else "cancelled"
        return task | {"status": status} | _reason(record)
    said = {"type": {"text": "disposition"}, "valueString": str(record.disposition)}
    return task | {"status": "completed", "output": [said]}


def _reason(record: Record) -> Json:
    return {"statusReason": {"text": _BY_THE_RECORD}} if record.settled else {}


def _issue(issue: Json, record: Record) -> Json | None:
    if record.disposition in _ERRORS:
        return issue | {"status": "entered-in-error"}
    action = str(record.disposition or (_BY_THE_RECORD if record.settled else ""))
    known = issue.get("mitigation") or []
    if not action or any((one.get("action") or {}).get("text") == action for one in known):
        return None
    told: Json = {"action": {"text": action}}
    if record.closed_at is not None:
        told["date"] = written(record.closed_at)
    return issue | {"mitigation": [*known, told]}
