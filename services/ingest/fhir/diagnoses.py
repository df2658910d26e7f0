"""What a diagnosis is called here: codes of conditions to the names that rules use.

Sources: ICD-10 (WHO) categories (H: the classification itself is public); SNOMED CT codes as the
examples of mCODE and FHIR use them (H), that of liver metastases recalled (C). A site adds its own
with `Profile.conditions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from schemas.events import Observation, Status
from services.ingest.coding import Refused
from services.ingest.fhir.concepts import ICD10, SNOMED, codings
from services.ingest.fhir.elements import profiles
from services.ingest.fhir.times import effective, span
from services.ingest.fhir.verdicts import Ignored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.events import Event
    from services.ingest.coding import Notice, Rejected
    from services.ingest.fhir.concepts import Code
    from services.ingest.fhir.context import Context
    from services.ingest.fhir.document import Entry
    from services.ingest.fhir.elements import Element

_BY_ICD10: Final = {
    "B18.0": "hepatitis-b",
    "B18.1": "hepatitis-b",
    "B18.2": "hepatitis-c",
    "B20": "hiv",
    "B21": "hiv",
    "B22": "hiv",
    "B23": "hiv",
    "B24": "hiv",
    "Z21": "hiv",
    "C18": "colorectal-cancer",
    "C19": "colorectal-cancer",
    "C20": "colorectal-cancer",
    "C22.0": "hepatocellular-carcinoma",
    "C50": "breast-cancer",
    "C56": "ovarian-cancer",
    "C58": "gtn",
    "C61": "prostate-cancer",
    "C82": "follicular-lymphoma",
    "C90.0": "multiple-myeloma",
    "C91.0": "all",
    "C91.1": "cll",
    "C92.0": "aml",
    "C92.1": "cml",
    "C92.4": "apl",
    "O01": "molar-pregnancy",
}
"""A code, or the beginning of one."""
_BY_SNOMED: Final = {
    "254637007": "non-small-cell-lung-cancer",
    "353431000119107": "breast-cancer",
}
_CAME_BACK: Final = frozenset({"recurrence", "relapse"})
_WRONG: Final = frozenset({"refuted", "entered-in-error"})
_UNSURE: Final = frozenset({"unconfirmed", "provisional", "differential"})
_PRIMARY: Final = "mcode-primary-cancer-condition"
_SECONDARY: Final = "mcode-secondary-cancer-condition"
_METASTASES: Final = frozenset({"C77", "C78", "C79"})
_IN_LIVER: Final = frozenset({(system, "C78.7") for system in ICD10} | {(SNOMED, "94381002")})


def conditions_of(entry: Entry, context: Context) -> list[str | None]:
    """The conditions for which something was done (`reasonCode`, `reasonReference`).

    Returns:
        Our name of each that is said in the document; None for one that no rule is about.
    """
    reasons = [*entry.resource.many("reasonCode"), *_diagnoses(entry, context)]
    return [_named(codings(reason), context) for reason in reasons]


def _diagnoses(entry: Entry, context: Context) -> Iterator[Element]:
    for address in entry.resource.references("reasonReference"):
        target = context.document.find(address, entry)
        if target is None or target.kind != "Condition":
            continue
        if not _codes(target.resource, "verificationStatus") & _WRONG:
            yield from target.resource.many("code")


def _named(found: Iterable[Code], context: Context) -> str | None:
    for code in found:
        name = context.profile.conditions.get(code.code)
        if name is None and code.system in ICD10:
            name = _by_icd10(code.code)
        elif name is None and code.system == SNOMED:
            name = _BY_SNOMED.get(code.code)
        if name is not None:
            return name
    return None


def _by_icd10(code: str) -> str | None:
    """By the longest beginning of the code that is in the table."""
    return next((_BY_ICD10[code[:n]] for n in (5, 4, 3) if code[:n] in _BY_ICD10), None)


def read_condition(entry: Entry, context: Context) -> Iterator[Event | Notice | Rejected | Ignored]:
    """Read a Condition: it names what is treated; of its course it says no more than "now".

    A return of the disease matters, but a Condition does not say when it came: `onset` is that of
    the first diagnosis, and `recordedDate` that of the record. mCODE's place for it is the
    Observation of disease status (LOINC 97509-4). Of metastases rules ask whether there are any in
    the liver.

    Raises:
        Refused: a disease that we follow came back, which must not be lost in silence.
    """
    found = codings(entry.resource.one("code"))
    if _codes(entry.resource, "verificationStatus") & _UNSURE:
        yield Ignored(Reason.NOT_A_RESULT, "a diagnosis that is not confirmed")
    elif any((code.system, code.code) in _IN_LIVER for code in found):
        yield from _in_liver(entry, context)
    elif _is_secondary(entry.resource, found):
        yield Ignored(Reason.NOT_A_RESULT, "a metastasis; whether it is new, disease status tells")
    else:
        _refuse_return(entry, found, context)
        yield Ignored(Reason.NOT_A_RESULT, "a diagnosis; it names what is treated")


def _refuse_return(entry: Entry, found: list[Code], context: Context) -> None:
    """A disease that no rule is about may come back without anybody waiting for it."""
    ours = _named(found, context) is not None or _profile(entry.resource) == _PRIMARY
    is_wrong = _codes(entry.resource, "verificationStatus") & _WRONG
    if ours and not is_wrong and _CAME_BACK & _codes(entry.resource, "clinicalStatus"):
        detail = "the disease came back, but not when; send an Observation of disease status"
        raise Refused(Reason.MISSING_FIELD, detail, entry.resource.where("clinicalStatus"))


def _in_liver(entry: Entry, context: Context) -> Iterator[Event | Notice]:
    """Metastases in the liver, from their onset on, else from when they were recorded (CHOICE)."""
    resource = entry.resource
    head = context.head(entry, "observation")
    yield from head.notices
    onset = span(resource, "onset")
    at = (onset and (onset.start or onset.end)) or effective(resource, "recordedDate")
    if not at:
        raise Refused(
            Reason.MISSING_FIELD, "empty, and recordedDate too", resource.where("onset[x]")
        )
    is_wrong = bool(_codes(resource, "verificationStatus") & _WRONG)
    yield Observation(
        **head.fields,
        status=Status.ENTERED_IN_ERROR if is_wrong else Status.FINAL,
        effective_at=at,
        analyte="liver_metastases",
        value_code="present",
    )


def _is_secondary(resource: Element, found: Iterable[Code]) -> bool:
    coded = any(code.system in ICD10 and code.code[:3] in _METASTASES for code in found)
    return coded or _profile(resource) == _SECONDARY


def _profile(resource: Element) -> str | None:
    """Which of mCODE's profiles of a cancer it says that it has."""
    names = profiles(resource)
    return next((name for name in names if name in (_PRIMARY, _SECONDARY)), None)


def _codes(resource: Element, name: str) -> set[str]:
    """The codes of a status, be it one concept or, as in STU3 and some senders' R4, a bare code."""
    bare = resource.raw(name)
    if isinstance(bare, str):
        return {bare.strip()}
    return {code.code for concept in resource.many(name) for code in codings(concept)}
