"""What a diagnosis is called here: codes of conditions to the names that rules use.

Sources: ICD-10 (WHO) categories (H: the classification itself is public); SNOMED CT codes as the
examples of mCODE and FHIR use them (H). A site adds its own with `Profile.conditions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from services.ingest.coding import Refused
from services.ingest.fhir.concepts import ICD10, SNOMED, codings
from services.ingest.fhir.verdicts import Ignored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
        if target is not None and target.kind == "Condition":
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


def read_condition(entry: Entry, _: Context) -> Iterator[Ignored]:
    """Read a Condition: it names what is treated; of its course it says no more than "now".

    A return of the disease matters, but a Condition does not say when it came: `onset` is that of
    the first diagnosis, and `recordedDate` that of the record. mCODE's place for it is the
    Observation of disease status (LOINC 97509-4).

    Raises:
        Refused: the disease came back, which must not be lost in silence.
    """
    found = entry.resource.many("clinicalStatus")
    if _CAME_BACK & {code.code for concept in found for code in codings(concept)}:
        detail = "the disease came back, but not when; send an Observation of disease status"
        raise Refused(Reason.MISSING_FIELD, detail, entry.resource.where("clinicalStatus"))
    yield Ignored(Reason.NOT_A_RESULT, "a diagnosis; it names what is treated")
