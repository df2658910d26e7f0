"""Messages as the notifier makes them, of cases full of words that must not leave the house."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.alerts import AlertRevision, Severity, State
from services.notifier.cases.words import CaseState, Cause, Urgency, person
from services.notifier.channels.contract import Kind, Message, Record

AT = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
KEY = "0f" * 16
OLDER = "a1" * 16
SENTINELS = ("ZZNUMBER", "ZZNAME", "ZZTITLE", "ZZVALUE", "ZZCOURSE", "ZZRULE")
"""In every alert of `record`: number, name, title, value, course and rule."""
PATIENT = "HOSP|ZZNUMBER77"
REPEAT = "may be a repeat"


def alert(state: State = State.CONFIRMED, name: str = "a1", **fields: Any) -> AlertRevision:
    """A revision of an alert, in which everything is a sentinel."""
    evidence = {"event_id": "e1", "role": "trigger", "at": "2026-11-02", "what": "psa"}
    said = {
        "alert_id": name,
        "revision": 1,
        "digest": f"{name}-1",
        "change": "raised",
        "episode": 1,
        "state": state,
        "kind": "failure",
        "severity": Severity.URGENT,
        "patient_id": PATIENT,
        "course_id": "ZZCOURSE",
        "rule": "ZZRULE",
        "rule_version": "1",
        "title": "ZZTITLE of a finding",
        "summary": "ZZNAME | has ^ a & finding ~ of \\ sorts",
        "at": AT,
        "act_by": "2026-12-01",
        "evidence": [evidence | {"value": "<ZZVALUE", "unit": "ng/mL"}],
        **fields,
    }
    return AlertRevision.model_validate(said)


def record(*alerts: AlertRevision, **fields: Any) -> Record:
    """A case."""
    said: dict[str, Any] = {
        "case_id": "c0" * 16,
        "reference": "d0" * 16,
        "link": "https://inbox.hospital.example/c/" + "d0" * 16,
        "patient_id": PATIENT,
        "course_id": "ZZCOURSE",
        "state": CaseState.ASSIGNED,
        "owner": person("anne"),
        "alerts": alerts or (alert(),),
        **fields,
    }
    return Record(**said)


def message(**fields: Any) -> Message:
    """A message about `record`, which is with it as for a channel that writes into the record."""
    link = "https://inbox.hospital.example/c/" + "d0" * 16
    duplicate = fields.get("duplicate", False)
    said: dict[str, Any] = {
        "key": KEY,
        "kind": Kind.ALERT,
        "at": AT,
        "subject": f"Urgent case{' (' + REPEAT + ')' if duplicate else ''}: 1 finding, 8 days left",
        "text": f"A case of your team waits for you.\nÄrzte: {link}\n",
        "reference": "d0" * 16,
        "links": (link,),
        "cause": Cause.NEW_FINDING,
        "severity": Severity.URGENT,
        "urgency": Urgency.SOON,
        "act_by": AT + timedelta(days=8),
        "team": "haematology",
        "recipient": person("anne"),
        "addresses": ("anne@hospital.example",),
        "record": record(),
        **fields,
    }
    return Message(**said)


def correction(**fields: Any) -> Message:
    """The message that an earlier one no longer holds, nor anything else of the case."""
    said = {
        "key": "2e" * 16,
        "kind": Kind.CORRECTION,
        "cause": Cause.RETRACTION,
        "subject": "Correction: a finding that you were told of does not hold",
        "corrects": (OLDER, KEY),
        "record": record(alert(State.RETRACTED)),
    }
    return message(**said | fields)
