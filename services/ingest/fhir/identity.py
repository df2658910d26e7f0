"""Who and which: patients and facts, each by a name that stays the same.

Law of this file: nothing is guessed and nothing is fetched. A patient has a name only together with
the authority that gave it, and a reference to another server is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from schemas.base import digest
from schemas.deadletter import Reason
from services.ingest.coding import Refused
from services.ingest.fhir.concepts import codings
from services.ingest.fhir.elements import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.ingest.fhir.document import Document, Entry
    from services.ingest.fhir.elements import Element
    from services.ingest.fhir.profile import Profile

_PATIENT_ID = re.compile(r"Patient/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?")
_BY_IDENTIFIER: Final = re.compile(r"Patient\?identifier=([^&]+)")
"""A conditional reference, as transactions may have (FHIR R4, RESTful API, "transaction")."""
_PLAN: Final = re.compile(r"(?:.*/)?((?:CarePlan|EpisodeOfCare)/[A-Za-z0-9.-]{1,64})")
_NOT_PERSONS: Final = frozenset({"AN", "VN", "ANON", "BC", "FI"})
"""Identifier types (table 0203) of accounts and visits: they change while the patient doesn't."""
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FACT: Final = f"{OURS}:fact"
_OUR_PATIENTS: Final = f"{OURS}:patients:"
_WHAT: Final = ("code", "event", "medicationCodeableConcept", "medicationReference", "class")
_WHEN: Final = ("effectiveDateTime", "effectivePeriod", "performedDateTime", "performedPeriod")
_WHEN_ELSE: Final = ("effectiveInstant", "period", "date", "authoredOn")


def patient_of(entry: Entry, document: Document, profile: Profile) -> str:
    """The patient that a resource is about: `authority|id`.

    A contained resource without a subject is about the subject of what contains it.

    Raises:
        Refused: none is named, it is no patient, it is elsewhere, or its name has no authority.
    """
    holder: Entry | None = entry
    while holder is not None:
        reference = holder.resource.one("subject") or holder.resource.one("patient")
        if reference is not None:
            return referred(reference, holder, document, profile)
        holder = holder.container
    raise Refused(Reason.NO_SUBJECT, "absent", entry.resource.where("subject"))


def referred(reference: Element, seen_from: Entry, document: Document, profile: Profile) -> str:
    """The patient to whom a Reference leads: `authority|id`.

    Raises:
        Refused: as `patient_of`.
    """
    address = reference.text("reference")
    target = document.find(address, seen_from) if address else None
    if reference.text("type") not in (None, "Patient") or (
        target is not None and target.kind != "Patient"
    ):
        raise Refused(Reason.NO_SUBJECT, "not a patient", reference.place)
    if target is not None:
        return name_of(target, profile)
    number = _own_number(address, seen_from, profile) if address else None
    if number is not None and profile.server:
        return f"{profile.server}|{number}"
    name = _identified(reference.many("identifier"), profile) or _searched(address, profile)
    if name is None:
        raise _nameless(address, reference, seen_from, profile)
    return name


def name_of(patient: Entry, profile: Profile) -> str:
    """The patient that a Patient resource describes: `authority|id`.

    Raises:
        Refused: none of its identifiers has an authority.
    """
    number = patient.resource.text("id")
    lasting = patient.container is None and not patient.created
    if profile.server and number and lasting and _is_own(patient.base, profile):
        return f"{profile.server}|{number}"
    name = _identified(patient.resource.many("identifier"), profile)
    if name is None:
        where = patient.resource.where("identifier")
        raise Refused(Reason.UNMAPPED_PATIENT, "no identifier with an authority", where)
    return name


def _is_own(base: str | None, profile: Profile) -> bool:
    return base is None or profile.origin is None or base == profile.origin.rstrip("/")


def _own_number(address: str, seen_from: Entry, profile: Profile) -> str | None:
    """The id of a Patient on the very server that the profile is about."""
    if "://" in address:
        home = f"{(profile.origin or '').rstrip('/')}/"
        if home == "/" or not address.startswith(home):
            return None
        address = address.removeprefix(home)
    elif not _is_own(seen_from.root.base, profile):
        return None
    match = _PATIENT_ID.fullmatch(address)
    return match[1] if match else None


def _searched(address: str | None, profile: Profile) -> str | None:
    """The patient whom a conditional reference names by an identifier with its system."""
    match = _BY_IDENTIFIER.fullmatch(address or "")
    if match is None:
        return None
    system, _, value = unquote(match[1]).partition("|")
    authority = _authority_of(system.strip(), profile)
    return f"{authority}|{value.strip()}" if authority and value.strip() else None


def _nameless(
    address: str | None, reference: Element, seen_from: Entry, profile: Profile
) -> Refused:
    """Why a Reference names no patient that we could know."""
    where = reference.place
    if address is None and not reference.many("identifier"):
        return Refused(Reason.NO_SUBJECT, "neither reference nor identifier", where)
    if address is not None and address.startswith("#"):
        return Refused(Reason.NO_SUBJECT, "a contained resource that is not there", where)
    if address is not None and _leads_away(address, seen_from, profile):
        return Refused(Reason.FOREIGN_REFERENCE, "to another server; it is not followed", where)
    if address is not None and not address.startswith(("Patient/", "urn:", "http")):
        return Refused(Reason.NO_SUBJECT, "not a patient", where)
    detail = "no identifier with an authority, and the patient is not in the document"
    return Refused(Reason.UNMAPPED_PATIENT, detail, where)


def _leads_away(address: str, seen_from: Entry, profile: Profile) -> bool:
    if "://" not in address:
        return not address.startswith("urn:") and not _is_own(seen_from.root.base, profile)
    return not (profile.origin and address.startswith(f"{profile.origin.rstrip('/')}/"))


def _identified(identifiers: Iterable[Element], profile: Profile) -> str | None:
    """The preferred identifier of a person with its authority, if there is one."""
    found: list[tuple[int, int, str]] = []
    for at, identifier in enumerate(identifiers):
        kinds = {code.code for code in codings(identifier.one("type"))}
        value, authority = identifier.text("value"), _authority(identifier, profile)
        if identifier.text("use") == "old" or kinds & _NOT_PERSONS:
            continue
        if value and authority:
            found.append((_preference(kinds, profile), at, f"{authority}|{value}"))
    return min(found)[2] if found else None


def _preference(kinds: set[str], profile: Profile) -> int:
    ranks = [at for at, kind in enumerate(profile.id_types) if kind in kinds]
    return min(ranks, default=len(profile.id_types))


def _authority(identifier: Element, profile: Profile) -> str | None:
    system = identifier.text("system")
    return profile.authority if system is None else _authority_of(system, profile)


def _authority_of(system: str, profile: Profile) -> str | None:
    name = profile.authorities.get(system) or system.removeprefix(_OUR_PATIENTS)
    foreign = profile.persons and name not in profile.persons
    return None if foreign else name or None


def fact_of(entry: Entry, patient: str, *parts: object) -> tuple[str, bool]:
    """The id of a fact: equal in all its versions, different between facts.

    Args:
        entry: the resource that states it.
        patient: whose fact it is.
        parts: what tells several facts of one resource apart.

    Returns:
        The id; and whether the sender gave nothing that lasts, so that what was measured and
        when had to stand in. A correction of either then looks like another fact.
    """
    own = _own_fact(entry.resource)
    if own is not None and not parts:
        return own, False
    key = _key(entry)
    resource = entry.resource
    stand_in = [resource.raw(name) for name in _WHAT + _WHEN + _WHEN_ELSE] if key is None else None
    return digest("fhir", entry.kind, patient, own or key or stand_in, *parts), key is None


def _own_fact(resource: Element) -> str | None:
    """The id that our own writer gave to the fact."""
    for identifier in resource.many("identifier"):
        if identifier.text("system") == _FACT:
            return identifier.text("value")
    return None


def _key(entry: Entry) -> tuple[object, ...] | None:
    """What names a resource on its server, or beyond it."""
    number = entry.resource.text("id")
    if entry.container is not None:
        outer = _key(entry.container)
        return (outer, number) if outer and number else None
    if number and not entry.created:
        return (number,)
    for identifier in entry.resource.many("identifier"):
        value = identifier.text("value")
        if value:
            return (identifier.text("system"), value)
    return (number,) if number and _is_unique(number, entry) else None


def _is_unique(number: str, entry: Entry) -> bool:
    """Whether the id of what is created is a UUID of its sender's making.

    A server gives what it creates an id of its own and ignores the one that was sent (FHIR R4,
    RESTful API, "create"); two results may have been sent as `1`. A UUID is nobody else's.
    """
    return entry.url == f"urn:uuid:{number}" and bool(_UUID.fullmatch(number))


def plan_of(address: str, seen_from: Entry, document: Document) -> str | None:
    """What names the CarePlan or EpisodeOfCare to which a reference leads; None if to neither.

    The same one has the same name whether the reference is relative, absolute or a `urn:uuid`.
    """
    target = document.find(address, seen_from)
    if target is None:
        match = _PLAN.fullmatch(address.partition("/_history/")[0])
        return match[1] if match else None
    if target.kind not in ("CarePlan", "EpisodeOfCare"):
        return None
    key = _key(target)
    return "/".join([target.kind, *(str(part) for part in key)]) if key else address


def personal_fact(kind: str, patient: str) -> str:
    """The id of a fact of which a patient has one: demographics, death, goals, merging."""
    return digest("fhir", kind, patient)
