"""What a record's software sends: which patient's chart is open, and what became of a card. Pure.

Source: CDS Hooks 2.0: `patient-view` (context `userId`, `patientId`), "Feedback" (H).

Law of this file: a patient is who the record says, by identifiers whose systems we were told of.
Nothing is fetched, nothing is guessed, and no error quotes what was sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from schemas.actions import Disposition
from schemas.base import describe
from services.notifier.channels.cdshooks.cards import REASONS, reference_of
from services.notifier.channels.service import Feedback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOOK: Final = "patient-view"
PREFETCH: Final = {"patient": "Patient/{{context.patientId}}"}
_COMMENT: Final = 2048


class BadRequest(Exception):  # noqa: N818 - a verdict
    """It can't be used; the text names the field and the reason, never a value."""


class NoPatient(Exception):  # noqa: N818 - a verdict
    """Nothing in it says which of our patients it is about."""


@dataclass(frozen=True, slots=True)
class Names:
    """By which names we know patients.

    Attributes:
        systems: of each assigning authority in our patients' ids its identifier system.
        servers: of each server whose own ids are our patients' ids, `EHR|17`, its address.
    """

    systems: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, str] = field(default_factory=dict)


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        BadRequest: it is none.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("body: not JSON") from None
    if not isinstance(found, dict):
        raise BadRequest("body: not a JSON object")
    return found


def patients_of(said: Mapping[str, Any], names: Names) -> list[str]:
    """Our ids of the patient whose chart is open: `HOSP|12345`. Several may be of one person.

    Raises:
        BadRequest: it is no call of this hook, or it is about two patients.
        NoPatient: nothing in it says who it is.
    """
    if said.get("hook") != HOOK:
        raise BadRequest(f"hook: expected {HOOK}")
    if not isinstance(said.get("hookInstance"), str):
        raise BadRequest("hookInstance: missing")
    number = _object(said, "context").get("patientId")
    if not isinstance(number, str) or not number:
        raise BadRequest("context.patientId: missing")
    found = [*_by_server(said, number, names), *_by_identifier(said, number, names)]
    if not found:
        raise NoPatient
    return list(dict.fromkeys(found))


def _by_server(said: Mapping[str, Any], number: str, names: Names) -> Iterator[str]:
    base = str(said.get("fhirServer", "")).rstrip("/")
    for name, address in names.servers.items():
        if base and address.rstrip("/") == base:
            yield f"{name}|{number}"


def _by_identifier(said: Mapping[str, Any], number: str, names: Names) -> Iterator[str]:
    patient = _object(said, "prefetch").get("patient")
    if not isinstance(patient, dict):
        return
    if patient.get("resourceType") != "Patient" or patient.get("id") != number:
        raise BadRequest("prefetch.patient: not the patient of the context")
    listed = patient.get("identifier")
    for one in listed if isinstance(listed, list) else ():
        for authority, system in names.systems.items():
            if isinstance(one, dict) and one.get("system") == system and one.get("value"):
                yield f"{authority}|{one['value']}"


def feedback_of(said: Mapping[str, Any], origin: str) -> list[Feedback]:
    """What became of cards.

    Args:
        said: the call's body.
        origin: who calls.

    Raises:
        BadRequest: it is no feedback.
    """
    listed = said.get("feedback")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise BadRequest("feedback: expected a list of objects")
    try:
        return [_feedback(one, origin) for one in listed]
    except ValidationError as error:
        raise BadRequest(f"feedback: {describe(error)}") from None
    except ValueError:
        raise BadRequest("feedback.card: expected the id of a card") from None


def _feedback(one: dict[str, Any], origin: str) -> Feedback:
    if one.get("outcome") not in ("accepted", "overridden"):
        raise BadRequest("feedback.outcome: expected accepted or overridden")
    turned_down = _object(one, "overrideReason")
    return Feedback.model_validate(
        {
            "reference": reference_of(str(one.get("card"))),
            "accepted": one["outcome"] == "accepted",
            "reason": _reason(_object(turned_down, "reason")),
            "comment": str(turned_down.get("userComment") or "")[:_COMMENT],
            "origin": origin,
            "at": one.get("outcomeTimestamp"),
        }
    )


def _reason(coding: Mapping[str, Any]) -> Disposition | None:
    """One of our reasons; a client may have added others of its own, which say nothing to us."""
    known = coding.get("system") in (None, REASONS) and coding.get("code") in list(Disposition)
    return Disposition(coding["code"]) if known else None


def _object(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}
