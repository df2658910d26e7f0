"""Values of observations: `value[x]` and `referenceRange` become a number, a limit or a code.

Sources: FHIR R4, Observation and Quantity; result texts and reference ranges as the catalogue's C3
and C5. Of a quantity's unit the UCUM code counts, whatever its display says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from schemas.events import Comparator
from schemas.terminology.coded import organism
from schemas.terminology.results import parse_range
from schemas.terminology.units import normalise
from services.ingest.coding import Refused
from services.ingest.dialect import STANDARD as PUBLISHED
from services.ingest.fhir.concepts import LOINC, SNOMED, codings, is_ours, told
from services.ingest.readings import FINDINGS, NOT_DETECTED, Reading, printed, word

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from services.ingest.dialect import Dialect
    from services.ingest.fhir.elements import Element

_UCUM: Final = frozenset({"http://unitsofmeasure.org", "urn:oid:2.16.840.1.113883.6.8"})
_ANSWERS: Final = {
    "LA6576-8": "positive",  # H: in an example of mCODE
    "LA6577-6": "negative",  # C, and so are the others
    "LA11882-0": "detected",
    "LA11883-8": NOT_DETECTED,
}
"""LOINC answers that are sent as results."""
_SEXES: Final = {"248152002": "female", "248153007": "male", "F": "female", "M": "male"}
"""SNOMED CT and v3 AdministrativeGender in `referenceRange.appliesTo`."""


def read_value(element: Element, dialect: Dialect = PUBLISHED) -> Reading | None:
    """Read `value[x]` of an Observation or a component; None if there is none.

    Raises:
        Refused: several values, none in what should hold one, or one that no rule can read.
    """
    names = [name for name in element.names() if name.startswith("value")]
    if not names:
        return None
    if len(names) > 1:
        raise Refused(Reason.AMBIGUOUS_VALUE, "several values", element.where("value[x]"))
    said = _declared_word(element, names[0], dialect)
    if said is not None:
        return Reading(code=said)
    reader = _READERS.get(names[0])
    if reader is None:
        where = element.where("value[x]")
        raise Refused(Reason.UNSUPPORTED_VALUE, "not a type that a rule can read", where)
    return reader(element, names[0])


def _declared_word(element: Element, name: str, dialect: Dialect) -> str | None:
    """Our word for a finding that the site has declared."""
    if not dialect.words or name not in ("valueString", "valueCodeableConcept"):
        return None
    if name == "valueString":
        return dialect.word(element.text(name))
    concept = element.one(name)
    return dialect.word(told(concept), *(code.code for code in codings(concept)))


def _quantity(element: Element, name: str) -> Reading:
    quantity = element.one(name)
    number = quantity.number("value") if quantity is not None else None
    if quantity is None or number is None:
        raise Refused(Reason.NO_VALUE, "a quantity without value", element.where(name))
    sign = quantity.text("comparator")
    if sign is not None and sign not in list(Comparator):
        where = quantity.where("comparator")
        raise Refused(Reason.BAD_COMPARATOR, "not one of <, <=, > and >=", where)
    return Reading(number, Comparator(sign) if sign else None, unit=unit_of(quantity))


def unit_of(quantity: Element) -> str | None:
    """The unit of a Quantity: its UCUM code, else its display, else whatever code it has."""
    code, shown = quantity.text("code"), quantity.text("unit")
    if code is not None and (quantity.text("system") or "").rstrip("/") in _UCUM:
        return code
    return shown or code


def _integer(element: Element, name: str) -> Reading:
    return Reading(element.number(name))


def _concept(element: Element, name: str) -> Reading:
    """The finding's word: by a code that we know, else the sender's own text."""
    concept = element.one(name)
    for code in codings(concept):
        if is_ours(code.system):
            return Reading(code=code.code)
        if code.system == SNOMED and code.code in FINDINGS:
            return Reading(code=FINDINGS[code.code])
        if code.system == LOINC and code.code in _ANSWERS:
            return Reading(code=_ANSWERS[code.code])
        grown = organism(code.code) if code.system == SNOMED else None
        if grown is not None:
            return Reading(code=grown.key)
    text = told(concept)
    if text is None:
        raise Refused(Reason.NO_VALUE, "a coded value without code or text", element.where(name))
    return Reading(code=word(text))


def _string(element: Element, name: str) -> Reading:
    text = element.text(name)
    reading = printed(text, words=True) if text else None
    if reading is None:
        raise Refused(
            Reason.NO_VALUE,
            "expected a number, a limit such as <20, or a finding",
            element.where(name),
        )
    return reading


def _boolean(element: Element, name: str) -> Reading:
    return Reading(code="yes" if element.boolean(name) else "no")


def _ratio(element: Element, name: str) -> Reading:
    """A titre, `1:128`; a ratio with units is no single value."""
    ratio = element.one(name)
    parts = [ratio.one(end) if ratio is not None else None for end in ("numerator", "denominator")]
    numbers = [part.number("value") if part is not None else None for part in parts]
    bare = all(part is not None and unit_of(part) in (None, "1") for part in parts)
    if not bare or None in numbers:
        raise Refused(Reason.UNSUPPORTED_VALUE, "not a titre", element.where(name))
    return Reading(code=f"{numbers[0]}:{numbers[1]}")


_READERS: Final[dict[str, Callable[[Element, str], Reading]]] = {
    "valueQuantity": _quantity,
    "valueInteger": _integer,
    "valueDecimal": _integer,  # not in R4 Observations; some senders write it
    "valueCodeableConcept": _concept,
    "valueString": _string,
    "valueBoolean": _boolean,
    "valueRatio": _ratio,
}


def read_limits(
    element: Element, unit: str | None, sex: str | None
) -> tuple[Decimal | None, Decimal | None]:
    """The reference limits in the unit of the value; none unless one range is meant for certain.

    Raises:
        Refused: a limit that is no number.
    """
    usual = [each for each in element.many("referenceRange") if _is_usual(each, sex)]
    if len(usual) != 1:
        return None, None
    low, high = (_limit(usual[0].one(end), unit) for end in ("low", "high"))
    if low is None and high is None:
        found = parse_range(usual[0].text("text"), sex)
        return (found.low, found.high) if found is not None else (None, None)
    if low is not None and high is not None and low > high:
        return None, None
    return low, high


def _is_usual(limits: Element, sex: str | None) -> bool:
    """Whether a range is that of healthy people of this sex; those by age need a birthday."""
    kinds = {code.code for code in codings(limits.one("type"))}
    groups = [code.code for each in limits.many("appliesTo") for code in codings(each)]
    named = [_SEXES.get(code) for code in groups]
    fits = not limits.many("appliesTo") or (sex is not None and sex in named)
    plain = "age" not in limits and "modifierExtension" not in limits
    return fits and plain and kinds <= {"normal"}


def _limit(quantity: Element | None, unit: str | None) -> Decimal | None:
    """A limit's number if it is in the unit of the value, or in none."""
    if quantity is None:
        return None
    own = unit_of(quantity)
    same = own in (None, unit) or (unit is not None and normalise(own or "") == normalise(unit))
    return quantity.number("value") if same else None
