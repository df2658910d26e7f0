"""AdverseEvent: a toxicity with its CTCAE grade.

Sources: FHIR R4, AdverseEvent; the extensions of the HL7 CTCAE guide for grade and resolution.
R4 gives an AdverseEvent no status: what stands there is final.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from schemas.deadletter import Reason
from schemas.events import AdverseEvent, Coding, Status
from services.ingest.coding import Notice, Refused
from services.ingest.fhir.concepts import MEDDRA, codings, told
from services.ingest.fhir.times import effective
from services.ingest.fhir.verdicts import Ignored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.events import Event
    from services.ingest.fhir.context import Context
    from services.ingest.fhir.document import Entry
    from services.ingest.fhir.elements import Element

_SERIOUS: Final = {"serious": True, "non-serious": False}
_GRADES: Final = frozenset("12345")


def read_adverse_event(entry: Entry, context: Context) -> Iterator[Event | Notice | Ignored]:
    """Read an AdverseEvent.

    Raises:
        Refused: no patient, no event, no time, or a grade that is none.
        ValidationError: a field that is not what it should be.
    """
    resource = entry.resource
    if resource.text("actuality") == "potential":
        yield Ignored(Reason.NOT_A_RESULT, "an adverse event that did not happen")
        return
    head = context.head(entry, "adverse_event")
    yield from head.notices
    event = resource.one("event")
    term = _term(event)
    if term is None:
        raise Refused(Reason.MISSING_FIELD, "neither code nor text", resource.where("event"))
    yield AdverseEvent(
        **head.fields,
        status=Status.FINAL,
        effective_at=_occurred(resource),
        term=term,
        code=_meddra(event),
        grade=_grade(resource),
        serious=_serious(resource),
        **_ended(resource),
        **_suspected(entry, context),
    )


def _term(event: Element | None) -> str | None:
    """The coded term; a text is what somebody wrote, and only stands in for it."""
    return next((code.display for code in codings(event) if code.display), None) or told(event)


def _meddra(event: Element | None) -> Coding | None:
    """The MedDRA code, else the first one."""
    found = codings(event)
    chosen = [code for code in found if code.system.rstrip("/") in MEDDRA] or found
    if not chosen:
        return None
    return Coding(
        system=chosen[0].system or "local", code=chosen[0].code, display=chosen[0].display
    )


def _occurred(resource: Element) -> Any:
    """When it occurred, else when it was detected; when it was written down is neither."""
    at = effective(resource, "date") or effective(resource, "detected")
    if at is None:
        raise Refused(Reason.MISSING_FIELD, "empty, and detected too", resource.where("date"))
    return at


def _grade(resource: Element) -> int | None:
    """The CTCAE grade; None where none is given.

    Raises:
        Refused: something else stands there. A grade is never guessed from words.
    """
    extension = resource.extension("ctcae-grade", "adverse-event-grade")
    if extension is None:
        return None
    said = {code.code for code in codings(extension.one("valueCodeableConcept"))}
    number = extension.number("valueInteger")
    said |= {str(number)} if number is not None else set()
    if len(said) != 1 or not said <= _GRADES:
        raise Refused(Reason.BAD_FIELD, "expected one grade from 1 to 5", extension.place)
    return int(said.pop())


def _serious(resource: Element) -> bool | None:
    found = (_SERIOUS.get(code.code.casefold()) for code in codings(resource.one("seriousness")))
    return next((each for each in found if each is not None), None)


def _ended(resource: Element) -> dict[str, Any]:
    """The day of resolution; a mere month or year does not say when it ended."""
    extension = resource.extension("adverse-event-resolved-date")
    for name in ("valueDateTime", "valueDate"):
        text = extension.text(name) if extension is not None else None
        if text is not None and len(text) >= len("YYYY-MM-DD"):
            return {"ended_at": text}
    return {}


def _suspected(entry: Entry, context: Context) -> dict[str, Any]:
    """The suspected drug or regimen, and how likely it is the cause."""
    for suspect in entry.resource.many("suspectEntity"):
        causes = suspect.many("causality")
        assessed = (told(cause.one("assessment")) for cause in causes)
        return {
            "suspected": _instance(suspect.one("instance"), entry, context),
            "causality": next((text for text in assessed if text), None),
        }
    return {}


def _instance(reference: Element | None, entry: Entry, context: Context) -> str | None:
    """What people call the suspected thing."""
    if reference is None:
        return None
    address = reference.text("reference")
    target = context.document.find(address, entry) if address else None
    names = ("code", "medicationCodeableConcept")
    found = (told(target.resource.one(name)) for name in names) if target is not None else ()
    return next((text for text in found if text), None) or reference.title("display")
