"""A message becomes resources of FHIR R4. Pure; what they mean stands in docs/channels.md.

Every resource has one identifier of ours: the message's idempotency key. A correction is a resource
of its own and names what it corrects; what it corrects is marked where the server lets us.

Source: FHIR R4 (4.0.1), the resources' pages and required value sets (H).
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from schemas.alerts import Severity, State
from services.notifier.cases.words import CaseState, Cause
from services.notifier.channels.contract import Kind
from services.notifier.channels.fhirout.capabilities import Mode
from services.notifier.channels.recordtext import (
    AUTHOR,
    evidence_text,
    record_lines,
    standing,
    written,
)

if TYPE_CHECKING:
    from services.notifier.channels.contract import Message, Record

Json = dict[str, Any]

NOTICE: Final = "urn:salvage-watch:notice"
"""System of our identifiers: the idempotency keys of messages."""
CASE: Final = "urn:salvage-watch:case"
"""System of the cases' names outside the house."""
_NOTE: Final = {"system": "http://loinc.org", "code": "34109-9", "display": "Note"}
_SEVERITY: Final = {
    Severity.CRITICAL: ("high", "stat"),
    Severity.URGENT: ("high", "urgent"),
    Severity.IMPORTANT: ("moderate", "asap"),
    Severity.ADVISORY: ("low", "routine"),
}
"""Of a DetectedIssue, and the priority of a request."""
_RETRACTED: Final = {
    "DetectedIssue": "entered-in-error",
    "Task": "entered-in-error",
    "Communication": "entered-in-error",
    "DocumentReference": "entered-in-error",
}
"""What a resource becomes when data turned out to be wrong and nothing of the case holds."""
_REPLACED: Final = {
    "DetectedIssue": "amended",
    "Task": "cancelled",
    "DocumentReference": "superseded",
}
"""What it becomes otherwise: the new one says what holds. That somebody was told stays as it is."""


def resources(mode: Mode, message: Message, record: Record, patient: str) -> list[Json]:
    """What is to be created, in this order.

    Args:
        mode: the way that the server offers.
        message: what is said.
        record: the case.
        patient: reference of the Patient on that server.
    """
    subject = {"reference": patient}
    match mode:
        case Mode.DETECTED_ISSUE_TASK:
            issue = _detected_issue(message, record, subject)
            # A case that is closed asks nothing more of anybody.
            work = record.state is not CaseState.CLOSED
            return [issue, _task(message, subject)] if work else [issue]
        case Mode.COMMUNICATION:
            return [_communication(message, record, subject)]
        case Mode.DOCUMENT_REFERENCE:
            return [_document_reference(message, record, subject)]
        case Mode.INBOX_ONLY:
            return []


def withdrawn_statuses(message: Message, record: Record) -> dict[str, str]:
    """The status, by type, of the resources that a correction is about; no entry: it stays."""
    wrong = message.cause is Cause.RETRACTION and not standing(record)
    return _RETRACTED if wrong else _REPLACED


def named(kind: str, key: str) -> Json:
    """A reference to a resource of ours by its identifier, wherever the server keeps it."""
    return {"type": kind, "identifier": {"system": NOTICE, "value": key}}


def _base(kind: str, message: Message) -> Json:
    return {
        "resourceType": kind,
        "identifier": [{"system": NOTICE, "value": message.key}],
    }


def _detected_issue(message: Message, record: Record, subject: Json) -> Json:
    found = _base("DetectedIssue", message) | {
        "status": _issue_status(message, record),
        "code": {"text": message.subject},
        "patient": subject,
        "identifiedDateTime": written(message.at),
        "author": {"display": AUTHOR},
        "detail": "\n".join(record_lines(message, record)),
    }
    if message.severity is not None:
        found["severity"] = _SEVERITY[message.severity][0]
    if message.links:
        found["reference"] = message.links[0]
    evidence = [{"code": [{"text": evidence_text(one)}]} for one in _evidence(record)]
    evidence += [{"detail": [named("DetectedIssue", key)]} for key in message.corrects]
    return found | ({"evidence": evidence} if evidence else {})


def _evidence(record: Record) -> list[Any]:
    return [one for alert in standing(record) for one in alert.evidence]


def _issue_status(message: Message, record: Record) -> str:
    if message.kind is Kind.CORRECTION:
        return "corrected"
    holds = [alert.state for alert in standing(record)]
    suspected = bool(holds) and all(state is State.SUSPECTED for state in holds)
    return "preliminary" if suspected else "final"


def _task(message: Message, subject: Json) -> Json:
    found = _base("Task", message) | {
        "status": "requested",
        "intent": "order",
        "code": {"text": "Review a case of salvage-watch"},
        "description": message.subject,
        "focus": named("DetectedIssue", message.key),
        "for": subject,
        "authoredOn": written(message.at),
        "requester": {"display": AUTHOR},
        "owner": {"display": str(message.recipient)},
    }
    if message.severity is not None:
        found["priority"] = _SEVERITY[message.severity][1]
    if message.reference is not None:
        found["groupIdentifier"] = {"system": CASE, "value": message.reference}
    if message.act_by is not None:
        found["restriction"] = {"period": {"end": written(message.act_by)}}
    return found


def _communication(message: Message, record: Record, subject: Json) -> Json:
    found = _base("Communication", message) | {
        "status": "completed",
        "subject": subject,
        "sent": written(message.at),
        "topic": {"text": message.subject},
        "recipient": [{"display": str(message.recipient)}],
        "sender": {"display": AUTHOR},
        "payload": [{"contentString": "\n".join(record_lines(message, record))}],
    }
    if message.severity is not None:
        found["priority"] = _SEVERITY[message.severity][1]
    if message.corrects:
        found["inResponseTo"] = [named("Communication", key) for key in message.corrects]
    return found


def _document_reference(message: Message, record: Record, subject: Json) -> Json:
    text = "\n".join(record_lines(message, record)).encode()
    attachment = {
        "contentType": "text/plain; charset=utf-8",
        "data": base64.b64encode(text).decode(),
        "title": message.subject,
        "creation": written(message.at),
    }
    found = _base("DocumentReference", message) | {
        "status": "current",
        "type": {"coding": [_NOTE]},
        "subject": subject,
        "date": written(message.at),
        "author": [{"display": AUTHOR}],
        "description": message.subject,
        "content": [{"attachment": attachment}],
    }
    earlier = [named("DocumentReference", key) for key in message.corrects]
    if earlier:
        found["relatesTo"] = [{"code": "replaces", "target": one} for one in earlier]
    return found
