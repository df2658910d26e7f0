"""What is measured: one name per analyte, its codes, its units, and the codes that look like it.

The facts are in `analytes.toml`. The code of a message decides identity and specimen, its unit
decides the arithmetic: a code whose unit doesn't fit is refused by `units.scale`, never guessed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from schemas.terminology.refusals import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "LOINC",
    "Analyte",
    "AssayFactor",
    "Refusal",
    "all_analytes",
    "analyte",
    "by_code",
    "catalogue_of",
    "is_loinc",
]

LOINC = "http://loinc.org"
"""The system of our codes, as FHIR spells it."""

_LOINC_NAMES = frozenset(
    {"http://loinc.org", "urn:oid:2.16.840.1.113883.6.1", "2.16.840.1.113883.6.1", "ln", "loinc"}
)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class AssayFactor:
    """A size that only the assay's maker knows: one `unit` is so many `equals`.

    `iu_per_copy`: one {copies}/mL is so many [IU]/mL. Never defaulted.
    """

    name: str
    unit: str
    equals: str


@dataclass(frozen=True, slots=True)
class Analyte:
    """One analyte.

    key: our name. aliases: other names for it. title: for people.
    unit: the canonical UCUM unit, in which values are compared; "" for coded findings.
    customary: the unit in which people write and expect it; the canonical one if not given.
    units: units in which it is accepted; any other prefix of the same dimension is, too.
    factors: other unit -> how many canonical units one of it is (molar masses, enzyme units).
    assay: sizes that differ between assays.
    unitless: a number without a unit is accepted (INR, ECOG).
    loinc: code -> the unit that LOINC gives as its example; a hint, never used in arithmetic.
    refused: code -> why it must not be taken for this analyte.
    note: what trips people.
    drug: the names of the drug that the result is about (resistance, a trough level).
    """

    key: str
    title: str = field(hash=False)
    unit: str = field(hash=False)
    customary: str = field(hash=False)
    aliases: tuple[str, ...] = field(default=(), hash=False)
    units: tuple[str, ...] = field(default=(), hash=False)
    factors: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    assay: tuple[AssayFactor, ...] = field(default=(), hash=False)
    unitless: bool = field(default=False, hash=False)
    loinc: Mapping[str, str] = field(default_factory=dict, hash=False)
    refused: Mapping[str, Reason] = field(default_factory=dict, hash=False)
    note: str = field(default="", hash=False)
    drug: tuple[str, ...] = field(default=(), hash=False)

    @property
    def coded(self) -> bool:
        """Whether the finding is a code (`positive`, an organism), not a number."""
        return not self.unit


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """`analytes.toml`, read, with its indexes."""

    analytes: tuple[Analyte, ...]
    by_name: Mapping[str, Analyte]
    by_loinc: Mapping[str, Analyte | Refusal]


@cache
def _catalogue() -> _Catalogue:
    text = resources.files("schemas.terminology").joinpath("analytes.toml").read_text("utf-8")
    return catalogue_of(tomllib.loads(text, parse_float=Decimal))


def catalogue_of(data: Mapping[str, Mapping[str, Any]]) -> _Catalogue:
    """Build the indexes.

    Raises:
        ValueError: a name or a code that stands for two things.
    """
    analytes = tuple(_analyte_of(key, row) for key, row in data.items())
    by_name: dict[str, Analyte] = {}
    by_loinc: dict[str, Analyte | Refusal] = {}
    for one in analytes:
        for name in (one.key, *one.aliases):
            _put(by_name, name, one)
        for code in one.loinc:
            _put(by_loinc, code, one)
        for code, reason in one.refused.items():
            _put(by_loinc, code, Refusal(reason))
    return _Catalogue(analytes, by_name, by_loinc)


def _put(index: dict[str, _T], name: str, value: _T) -> None:
    if name in index:
        raise ValueError(f"{name} stands for two things in the analyte table")
    index[name] = value


def _analyte_of(key: str, row: Mapping[str, Any]) -> Analyte:
    """One table of the file; an unknown key in it is an error of ours, raised as TypeError."""
    given = dict(row)
    unit = given.pop("unit", "")
    factors = {name: Decimal(value) for name, value in given.pop("factors", {}).items()}
    listed = (unit, *factors, *given.pop("units", ())) if unit else ()
    codes = given.pop("loinc", {})
    return Analyte(
        key=key,
        unit=unit,
        customary=given.pop("customary", unit),
        units=tuple(dict.fromkeys(listed)),
        factors=MappingProxyType(factors),
        assay=tuple(AssayFactor(**item) for item in given.pop("assay", ())),
        aliases=tuple(given.pop("aliases", ())),
        drug=tuple(given.pop("drug", ())),
        loinc=MappingProxyType({code: hint for hint, group in codes.items() for code in group}),
        refused=MappingProxyType(_reasons(given.pop("refused", {}))),
        **given,
    )


def _reasons(groups: Mapping[str, list[str]]) -> dict[str, Reason]:
    return {code: Reason[name] for name, codes in groups.items() for code in codes}


def analyte(name: str) -> Analyte | None:
    """The analyte of that key or alias, e.g. `hiv_rna` or `hiv_vl`."""
    return _catalogue().by_name.get(name)


def all_analytes() -> tuple[Analyte, ...]:
    """Every analyte, in the order of the table."""
    return _catalogue().analytes


def is_loinc(system: str) -> bool:
    """Whether a code system is LOINC, by its FHIR address, its OID or its HL7 v2 name."""
    return system.strip().rstrip("/").casefold() in _LOINC_NAMES


def by_code(system: str, code: str) -> Analyte | Refusal | None:
    """What a code of a message stands for.

    Returns:
        The analyte; a refusal for a code that is often mistaken for one of ours (free PSA, urine
        creatinine, non-IS BCR::ABL1); None for a code or a system that we don't know. Unknown
        is not wrong: new codes appear every half-year.
    """
    if not is_loinc(system):
        return None
    return _catalogue().by_loinc.get(code.strip())
