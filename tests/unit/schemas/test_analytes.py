"""Analytes: names, codes, and the codes that only look right."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import yaml

from schemas.terminology import (
    Analyte,
    Reason,
    Refusal,
    Scale,
    all_analytes,
    analyte,
    by_code,
    dimension,
    is_loinc,
    is_unit,
    scale,
)
from schemas.terminology.analytes import LOINC, catalogue_of

SHARED = Path(__file__).resolve().parents[4] / "shared"
DATA = SHARED / "data"
CATALOGUE = SHARED / "catalogue" / "infectious-and-toxicity.md"

MOVED = {
    "1995-0", "1994-3", "12180-6", "34581-9",  # ionised calcium: an analyte of its own here
    "29265-6",  # corrected calcium, likewise
    "8123-2",  # CD4 percentage
    "1558-6", "14771-0",  # fasting glucose
    "35591-7", "2164-2",  # creatinine clearance
    "69405-9",  # eGFR without index in its example unit: the unit of the message decides
}  # fmt: skip
"""Codes that the catalogue keeps out of an analyte and that aren't refused outright."""

SHORT_NAMES = {
    "hiv_vl": "hiv_rna", "bili": "bilirubin", "plt": "platelets", "creat": "creatinine",
    "hgb": "hemoglobin", "wbc": "leukocytes", "lym": "lymphocytes", "alc": "lymphocytes",
    "anc": "neutrophils", "k": "potassium", "na": "sodium", "ca": "calcium", "alb": "albumin",
    "mg": "magnesium", "phos": "phosphate", "glu": "glucose", "ica": "ionized_calcium",
    "testosterone": "testo", "qtcf": "qtc", "wt": "weight", "bcx": "blood_culture",
    "gm": "galactomannan",
}  # fmt: skip

CATALOGUE_KEYS = [
    "hiv_vl", "cd4", "hbv_dna", "hcv_rna", "cmv_dna", "alt", "ast", "alp", "ggt", "bili",
    "creat", "egfr", "anc", "plt", "hgb", "wbc", "lym", "k", "na", "ca", "alb", "mg", "phos",
    "glu", "lipase", "amylase", "ck", "inr", "ldh", "urate", "psa", "ca125", "afp", "hcg",
    "testo", "ca153", "ca2729", "cea", "bcrabl", "mspike", "umprot", "kappa", "lambda",
    "bmblast", "npm1", "mrd", "pmlrara", "tg", "tgab", "tsh", "alc", "dflc", "iflc", "temp",
    "weight", "ecog", "lvef", "qtc", "qrs", "biopsy", "genotype", "cholesterol",
    "prothrombin_time", "ica", "pbblast", "kelim", "gm", "parasites", "kps",
]  # fmt: skip


def the(name: str) -> Analyte:
    found = analyte(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", CATALOGUE_KEYS)
def test_the_catalogues_analytes_are_all_here(name: str) -> None:
    assert analyte(name) is not None


@pytest.mark.parametrize(("short", "key"), SHORT_NAMES.items())
def test_short_names_are_aliases(short: str, key: str) -> None:
    assert the(short).key == key
    assert the(short) is the(key)


def test_unknown_names_give_nothing() -> None:
    assert analyte("psaa") is None
    assert analyte("") is None


def test_names_and_codes_stand_for_one_thing() -> None:
    with pytest.raises(ValueError, match="stands for two things"):
        catalogue_of({"a": {"title": "A", "aliases": ["b"]}, "b": {"title": "B"}})
    with pytest.raises(ValueError, match="stands for two things"):
        catalogue_of(
            {
                "a": {"title": "A", "loinc": {"": ["1-8"]}},
                "b": {"title": "B", "refused": {"URINE": ["1-8"]}},
            }
        )


def test_an_unknown_field_of_the_table_is_an_error() -> None:
    with pytest.raises(TypeError):
        catalogue_of({"a": {"title": "A", "lionc": {}}})


def check_digit(code: str) -> str:
    """Mod 10 (Luhn), as LOINC's users' guide, appendix C, has it."""
    body = code.partition("-")[0]
    doubled = "".join(str(int(d) * 2) if i % 2 == 0 else d for i, d in enumerate(reversed(body)))
    return str(-sum(int(d) for d in doubled) % 10)


@pytest.mark.parametrize("one", all_analytes(), ids=lambda one: one.key)
def test_every_analyte_is_sound(one: Analyte) -> None:
    for code in (*one.loinc, *one.refused):
        assert code.endswith("-" + check_digit(code)), code
    assert one.title
    assert one.key == one.key.lower()
    if one.coded:
        assert one.units == ()
        return
    assert one.units[0] == one.unit
    assert isinstance(scale(one.customary, one), Scale)
    assert all(is_unit(unit) for unit in one.units)
    assert all(factor > 0 for factor in one.factors.values())
    for hint in one.loinc.values():
        got = scale(hint, one)
        assert isinstance(got, Scale) or got.reason is Reason.NEEDS_ASSAY_FACTOR or one.key == "afp"


@pytest.mark.parametrize(
    "system",
    [LOINC, "http://loinc.org/", "urn:oid:2.16.840.1.113883.6.1", "2.16.840.1.113883.6.1", "LN",
     "LOINC", " ln "],
)  # fmt: skip
def test_loinc_goes_by_several_names(system: str) -> None:
    assert is_loinc(system)
    assert by_code(system, " 2857-1 ") is the("psa")


def test_other_systems_and_unknown_codes_give_nothing() -> None:
    assert by_code("http://snomed.info/sct", "2857-1") is None
    assert by_code("L", "2857-1") is None
    assert by_code(LOINC, "99999-0") is None
    assert by_code(LOINC, "") is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("10886-0", Reason.FREE_PSA),
        ("12841-3", Reason.FREE_PSA),
        ("19195-7", Reason.ARBITRARY_UNITS),
        ("2118-8", Reason.PREGNANCY),
        ("20450-3", Reason.PREGNANCY),
        ("46434-7", Reason.NOT_INTERNATIONAL_SCALE),
        ("55147-3", Reason.NOT_INTERNATIONAL_SCALE),
        ("44871-2", Reason.PROVIRAL_DNA),
        ("69353-1", Reason.OTHER_VIRUS),
        ("41498-7", Reason.CEREBROSPINAL_FLUID),
        ("25835-0", Reason.QUALITATIVE),
        ("24013-5", Reason.INTERPRETATION),
        ("2161-8", Reason.URINE),
        ("1968-7", Reason.DIRECT),
        ("1777-2", Reason.BONE_ISOENZYME),
        ("770-8", Reason.PERCENT),
        ("768-2", Reason.SEGMENTED_ONLY),
        ("35383-9", Reason.LAVAGE_FLUID),
        ("40661-1", Reason.NOT_24_HOURS),
        ("80515-0", Reason.OTHER_PLATFORM),
    ],
)
def test_wrong_families_are_refused(code: str, reason: Reason) -> None:
    assert by_code(LOINC, code) == Refusal(reason)


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("1995-0", "ionized_calcium"),
        ("29265-6", "corrected_calcium"),
        ("8123-2", "cd4_percent"),
        ("1558-6", "glucose_fasting"),
        ("2164-2", "creatinine_clearance"),
        ("31844-4", "hbeag"),
        ("31843-6", "stool_ag"),
        ("69380-4", "bcrabl"),
        ("98979-8", "egfr"),
        ("26446-5", "pbblast"),
    ],
)
def test_neighbours_are_analytes_of_their_own(code: str, key: str) -> None:
    assert by_code(LOINC, code) is the(key)


def test_a_code_does_not_excuse_a_unit() -> None:
    """69405-9 is indexed by name and not by its example unit: only the message's unit decides."""
    found = by_code(LOINC, "69405-9")
    assert isinstance(found, Analyte)
    assert scale("mL/min", found) == Refusal(Reason.WRONG_DIMENSION)
    assert isinstance(scale("mL/min/1.73m2", found), Scale)


def test_analytes_can_be_keys() -> None:
    assert len(set(all_analytes())) == len(all_analytes())


def test_people_read_creatinine_in_the_unit_they_know() -> None:
    creatinine = the("creatinine")
    assert (creatinine.unit, creatinine.customary) == ("umol/L", "mg/dL")
    assert the("testo").unit == "ng/dL"
    assert dimension(the("hiv_rna").unit) == "{copies}/volume"


def test_reasons_hold_no_digits_of_a_patient() -> None:
    """They label metrics: short, fixed, without placeholders."""
    assert all(len(reason) < 60 and "%" not in reason and "{" not in reason for reason in Reason)
    assert str(Refusal(Reason.NO_UNIT)) == "no unit"


def observations() -> set[tuple[str, str]]:
    found = set()
    for path in sorted(DATA.glob("*/events.jsonl*")):
        packed = path.read_bytes()
        text = gzip.decompress(packed) if path.suffix == ".gz" else packed
        for line in text.splitlines():
            if b'"observation"' in line:
                event = json.loads(line)
                found.add((event["analyte"], event["unit"]))
    return found


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared test data is not beside the repository")
def test_every_result_of_the_public_data_has_a_scale() -> None:
    pairs = observations()
    assert pairs
    for key, unit in pairs:
        assert the(key).key == key, f"{key} is the key, not an alias"
        assert isinstance(scale(unit, the(key)), Scale), (key, unit)


@pytest.mark.skipif(not CATALOGUE.is_file(), reason="the catalogue is not beside the repository")
def test_every_code_of_the_catalogue_is_placed_as_it_says() -> None:
    text = CATALOGUE.read_text("utf-8").partition("\n## C1.")[2]
    rows = yaml.safe_load(text.split("```yaml")[1].split("```")[0])["analytes"]
    assert len(rows) > 30
    for row in rows:
        one = the(row["k"])
        for hint, codes in row["codes"].items():
            assert all(by_code(LOINC, code) is one for code in codes), row["k"]
            assert one.coded or is_unit(hint) or hint == "[arb'U]"
        for code in row.get("ex", {}):
            assert isinstance(by_code(LOINC, code), Refusal) or code in MOVED, code
            assert by_code(LOINC, code) is not one or code == "69405-9", code
