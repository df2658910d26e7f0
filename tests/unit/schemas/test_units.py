"""Units: what is read, what is the same, what is refused, and that nothing is rounded in secret."""

from __future__ import annotations

import itertools
import tomllib
from decimal import Decimal
from fractions import Fraction
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.terminology import (
    Analyte,
    Reason,
    Refusal,
    Scale,
    all_analytes,
    analyte,
    canonical,
    convert,
    dimension,
    is_unit,
    normalise,
    same_dimension,
    scale,
)
from schemas.terminology.ucum import MAX_LENGTH, logarithmic, read


def the(name: str) -> Analyte:
    """The analyte of that name, which must exist."""
    found = analyte(name)
    assert found is not None
    return found


def the_scale(unit: str | None, name: str) -> Scale:
    """The scale of that unit, which must fit the analyte."""
    found = scale(unit, the(name))
    assert isinstance(found, Scale)
    return found


def aliases() -> dict[str, str]:
    text = resources.files("schemas.terminology").joinpath("units.toml").read_text("utf-8")
    table: dict[str, str] = tomllib.loads(text)["aliases"]
    return table


NUMBERS = st.decimals(
    min_value=Decimal("0.000001"), max_value=Decimal(10**9), allow_nan=False, places=6
)
QUANTITIES = [(one, unit) for one in all_analytes() for unit in one.units]
EXACT = [
    (one, unit)
    for one, unit in QUANTITIES
    if isinstance(found := scale(unit, one), Scale) and found.exact
]

# u.convert of the catalogue: id, analyte, value, from, to, assay factors, result (None: refused)
CONVERSIONS: list[tuple[str, str, str, str, str, dict[str, Decimal], str | None]] = [
    ("C2-1", "creat", "1.4", "mg/dL", "umol/L", {}, "123.76"),
    ("C2-2", "bili", "2.4", "mg/dL", "umol/L", {}, "41.04"),
    ("C2-3", "ca", "10", "mg/dL", "mmol/L", {}, "2.495"),
    ("C2-5", "hgb", "10", "g/dL", "mmol/L", {}, "6.206"),
    ("C2-6", "alt", "2", "ukat/L", "U/L", {}, "120"),
    ("C2-7", "hiv_vl", "3", "{log_copies}/mL", "{copies}/mL", {}, "1000"),
    ("C2-9", "hiv_vl", "1670", "[IU]/mL", "{copies}/mL", {"iu_per_copy": Decimal("1.67")}, "1000"),
    ("C2-11", "hcg", "25", "m[IU]/mL", "[IU]/L", {}, "25"),
    ("C2-12", "hcg", "25", "ng/mL", "[IU]/L", {}, None),
    ("C2-16", "cd4", "0.25", "10*9/L", "/uL", {}, "250"),
    ("C2-17", "temp", "100.4", "[degF]", "Cel", {}, "38.0"),
    ("C2-18", "hiv_vl", "3", "{IU_typo}/mL", "{copies}/mL", {}, None),
    ("C2-19", "ca125", "35", "U/mL", "ukat/L", {}, None),
    # ours, from the same tables
    ("log back", "hiv_vl", "1000", "{copies}/mL", "{Log_copies}/mL", {}, "3"),
    ("no factor", "hiv_vl", "1670", "[IU]/mL", "{copies}/mL", {}, None),
    (
        "copies per IU",
        "hbv_dna",
        "580",
        "{copies}/mL",
        "[IU]/mL",
        {"copies_per_iu": Decimal("5.8")},
        "100",
    ),
    (
        "log copies per IU",
        "hcv_rna",
        "3",
        "{log_copies}/mL",
        "[IU]/mL",
        {"copies_per_iu": Decimal("2.5")},
        "400",
    ),
    ("hCG mass", "hcg", "25", "ng/mL", "[IU]/L", {"miu_per_ng": Decimal("9.3")}, "232.5"),
    ("HCV in thousands", "hcv_rna", "1.2", "k[IU]/mL", "[IU]/mL", {}, "1200"),
    ("AFP", "afp", "100", "[IU]/mL", "ng/mL", {}, "121"),
    ("AFP per litre", "afp", "100", "kIU/L", "ng/mL", {}, "121"),
    ("testosterone", "testo", "1.7", "nmol/L", "ng/dL", {}, "48.96"),
    ("creatinine back", "creat", "88.4", "umol/L", "mg/dL", {}, "1"),
    ("glucose", "glu", "54", "mg/dL", "mmol/L", {}, "2.99754"),
    ("magnesium", "mg", "2", "meq/L", "mmol/L", {}, "1"),
    ("sodium", "na", "140", "mEq/L", "mmol/L", {}, "140"),
    ("light chains", "dflc", "10", "mg/dL", "mg/L", {}, "100"),
    ("M-protein", "mspike", "8", "g/L", "g/dL", {}, "0.8"),
    ("urine protein", "umprot", "0.5", "g/d", "mg/(24.h)", {}, "500"),
    ("QTc", "qtc", "0.512", "s", "ms", {}, "512"),
    ("pounds", "weight", "100", "[lb_av]", "kg", {}, "45.359237"),
    ("cholesterol", "cholesterol", "5", "mmol/L", "mg/dL", {}, "193.35"),
    ("triglycerides", "triglycerides", "100", "mg/dL", "mmol/L", {}, "1.129"),
    ("TSH", "tsh", "2.5", "uIU/mL", "m[IU]/L", {}, "2.5"),
    ("IU for U", "alt", "40", "IU/L", "U/L", {}, "40"),
]


@pytest.mark.parametrize(
    ("name", "value", "unit", "into", "factors", "expected"),
    [case[1:] for case in CONVERSIONS],
    ids=[case[0] for case in CONVERSIONS],
)
def test_catalogue_conversions(
    name: str, value: str, unit: str, into: str, factors: dict[str, Decimal], expected: str | None
) -> None:
    got = convert(Decimal(value), unit, into, the(name), **factors)
    if expected is None:
        assert isinstance(got, Refusal)
    else:
        assert got == Decimal(expected)


@pytest.mark.parametrize(
    ("unit", "name", "reason"),
    [
        (None, "psa", Reason.NO_UNIT),
        ("", "psa", Reason.NO_UNIT),
        (" ", "psa", Reason.NO_UNIT),
        ("furlong", "psa", Reason.UNKNOWN_UNIT),
        ("mg/kg", "psa", Reason.WRONG_DIMENSION),
        ("%", "egfr", Reason.WRONG_DIMENSION),
        ("mL/min", "egfr", Reason.WRONG_DIMENSION),
        ("g/L", "creatinine", None),
        ("Mmol/L", "sodium", Reason.UNKNOWN_UNIT),
        ("G/L", "hemoglobin", Reason.WRONG_DIMENSION),
        ("/mL", "hiv_rna", Reason.WRONG_DIMENSION),
        ("[IU]/mL", "hiv_rna", Reason.NEEDS_ASSAY_FACTOR),
        ("{copies}/mL", "hbv_dna", Reason.NEEDS_ASSAY_FACTOR),
        ("ng/mL", "hcg", Reason.NEEDS_ASSAY_FACTOR),
        ("umol/L", "afp", Reason.WRONG_DIMENSION),
        ("[IU]/mL", "ca125", Reason.WRONG_DIMENSION),
        ("ng/mL", "ca125", Reason.WRONG_DIMENSION),
        ("ukat/L", "ca125", Reason.WRONG_DIMENSION),
        ("1", "bcrabl", Reason.WRONG_DIMENSION),
        (None, "bcrabl", Reason.NO_UNIT),
        ("ng/mL", "biopsy", Reason.NO_QUANTITY),
        (None, "genotype", Reason.NO_QUANTITY),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(
    unit: str | None, name: str, reason: Reason | None
) -> None:
    got = scale(unit, the(name))
    assert (got.reason if isinstance(got, Refusal) else None) is reason


@pytest.mark.parametrize("name", ["inr", "ecog", "kps", "flc_ratio", "galactomannan", "pmlrara"])
@pytest.mark.parametrize("unit", [None, "", " "])
def test_unitless_analytes_need_no_unit(name: str, unit: str | None) -> None:
    assert scale(unit, the(name)) == Scale()


@pytest.mark.parametrize("unit", ["{INR}", "{inr}", "INR", "1", "{ratio}"])
def test_an_inr_is_an_inr_however_it_is_written(unit: str) -> None:
    assert scale(unit, the("inr")) == Scale()


@pytest.mark.parametrize(
    ("unit", "name", "factor"),
    [
        ("K/uL", "platelets", "1"),
        ("x10^9/L", "platelets", "1"),
        ("10E9/L", "platelets", "1"),
        ("10^3/\N{MICRO SIGN}L", "platelets", "1"),
        ("10\N{SUPERSCRIPT THREE}/\N{GREEK SMALL LETTER MU}L", "platelets", "1"),
        ("x 10\N{SUPERSCRIPT NINE}/L", "platelets", "1"),
        ("\N{MULTIPLICATION SIGN}10^9/L", "platelets", "1"),
        ("{cells}/uL", "neutrophils", "0.001"),
        ("cells/mm3", "neutrophils", "0.001"),
        ("cells/mm\N{SUPERSCRIPT THREE}", "cd4", "1"),
        ("mEq/L", "potassium", "1"),
        ("mcg/L", "psa", "1"),
        ("\N{MICRO SIGN}g/l", "psa", "1"),
        ("ug/l", "psa", "1"),
        ("ng/ml", "psa", "1"),
        ("IU/ml", "hcv_rna", "1"),
        ("umol/l", "creatinine", "1"),
        ("\N{GREEK SMALL LETTER MU}mol/L", "creatinine", "1"),
        ("MG/DL", "creatinine", "88.4"),
        ("gm/dl", "mspike", "1"),
        ("kU/L", "ca125", "1"),
        ("U/mL", "ca125", "1"),
        ("copies/ml", "hiv_rna", "1"),
        ("{Copies}/mL", "hiv_rna", "1"),
        ("mL/min/1.73 m\N{SUPERSCRIPT TWO}", "egfr", "1"),
        ("mL/min/1.73m2", "egfr", "1"),
        ("mg/24 h", "umprot", "1"),
        ("{beats}/min", "heart_rate", "1"),
        ("%{IS}", "bcrabl", "1"),
    ],
)
def test_what_laboratories_write(unit: str, name: str, factor: str) -> None:
    assert the_scale(unit, name) == Scale(Decimal(factor))


def test_a_creatinine_ratio_is_exact_in_either_unit() -> None:
    """`2.0 times the baseline` at exactly twice: 28-digit quotients would decide it by luck."""
    umol, mg = the_scale("umol/L", "creatinine"), the_scale("mg/dL", "creatinine")
    assert umol.apply(Decimal(160)) == 2 * umol.apply(Decimal(80))
    assert mg.apply(Decimal("1.4")) - mg.apply(Decimal("1.1")) == mg.apply(Decimal("0.3"))
    assert mg.apply(Decimal("1.3")) == Decimal("1.3") * mg.apply(Decimal(1))


def test_the_published_limits_of_kdigo_are_not_the_same_number() -> None:
    assert the_scale("mg/dL", "creatinine").apply(Decimal("0.3")) == Decimal("26.52")


def test_a_value_in_the_canonical_unit_keeps_its_digits() -> None:
    assert str(the_scale("ug/L", "psa").apply(Decimal("0.20"))) == "0.20"


@pytest.mark.parametrize(("one", "unit"), QUANTITIES, ids=lambda it: getattr(it, "key", it))
def test_every_listed_unit_is_reached_by_multiplication(one: Analyte, unit: str) -> None:
    """Logarithms are powers of ten; of temperatures nobody forms a ratio. All else is exact."""
    found = scale(unit, one)
    assert isinstance(found, Scale)
    assert found.exact or found.logarithmic or unit == "[degF]"


@given(st.sampled_from(QUANTITIES), NUMBERS)
def test_apply_and_back(quantity: tuple[Analyte, str], value: Decimal) -> None:
    one, unit = quantity
    found = the_scale(unit, one.key)
    value = value % 18 if found.logarithmic else value
    back = found.inverse(found.apply(value))
    assert abs(back - value) <= Decimal("1E-20") * max(abs(value), Decimal(1))


@given(st.sampled_from(EXACT), NUMBERS, st.integers(1, 2000))
def test_ratios_and_differences_survive_exactly(
    quantity: tuple[Analyte, str], value: Decimal, thousandths: int
) -> None:
    one, unit = quantity
    found, ratio = the_scale(unit, one.key), Decimal(thousandths) / 1000
    assert found.apply(value * ratio) == found.apply(value) * ratio
    assert found.apply(value) - found.apply(value / 2) == found.apply(value / 2)


@given(st.sampled_from(QUANTITIES), NUMBERS, NUMBERS)
def test_order_survives(quantity: tuple[Analyte, str], a: Decimal, b: Decimal) -> None:
    one, unit = quantity
    found = the_scale(unit, one.key)
    a, b = (a % 18, b % 18) if found.logarithmic else (a, b)
    assert (a < b) == (found.apply(a) < found.apply(b))


@given(st.integers(-18, 18))
def test_whole_logarithms_are_exact(exponent: int) -> None:
    assert (
        the_scale("{log_copies}/mL", "hiv_rna").apply(Decimal(exponent)) == Decimal(10) ** exponent
    )


def test_a_whole_logarithm_leaves_no_trail_of_zeros() -> None:
    assert str(the_scale("{log_copies}/mL", "hiv_rna").apply(Decimal("3.00"))) == "1000"


def test_a_logarithm_that_can_not_be_one_is_refused() -> None:
    """A linear count in a log unit: 200 copies must not become 10**200."""
    got = canonical(Decimal(200), "{log_copies}/mL", the("hiv_rna"))
    assert got == Refusal(Reason.OUT_OF_RANGE)
    assert convert(Decimal(200), "{log_copies}/mL", "{copies}/mL", the("hiv_rna")) == got
    with pytest.raises(ValueError, match="logarithmic"):
        the_scale("{log_copies}/mL", "hiv_rna").apply(Decimal(200))


def test_zero_copies_have_no_logarithm() -> None:
    got = convert(Decimal(0), "{copies}/mL", "{log_copies}/mL", the("hiv_rna"))
    assert got == Refusal(Reason.OUT_OF_RANGE)


@given(st.text(max_size=60))
def test_any_text_is_a_unit_or_is_refused(text: str) -> None:
    """Units come from outside: nothing raises, and what isn't known is never taken."""
    got = scale(text, the("psa"))
    if read(text) is None and text.strip():
        assert got == Refusal(Reason.UNKNOWN_UNIT)
    else:
        assert isinstance(got, Scale) == (dimension(text) == "mass/volume")


@pytest.mark.parametrize(
    "text",
    ["mg//dL", "mg/", "(mg", "mg)", "mg dL^", "10*99999", "m100", "0", "0/L", "250/uL", "m0", ".",
     "mg/dL^",
     ".".join("g" * 30),
     "mg/{log_copies}", "[degF]/L", "{log_copies}.g/L", "g" * (MAX_LENGTH + 1), "(" * 39, "{a}{b}"],
)  # fmt: skip
def test_what_only_looks_like_a_unit(text: str) -> None:
    assert not is_unit(text)
    assert dimension(text) == "unknown"
    assert not same_dimension(text, text)


@pytest.mark.parametrize(("written", "ucum"), list(aliases().items()))
def test_every_alias_leads_to_a_unit_and_stays_there(written: str, ucum: str) -> None:
    assert normalise(written) == ucum
    assert normalise(ucum) == ucum
    assert is_unit(ucum)


@given(st.text(max_size=45))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("ng/mL", "mass/volume"),
        ("mg/kg", "mass/mass"),
        ("umol/L", "substance/volume"),
        ("10*9/L", "count/volume"),
        ("/uL", "count/volume"),
        ("{cells}/uL", "count/volume"),
        ("{copies}/mL", "{copies}/volume"),
        ("{log_copies}/mL", "log {copies}/volume"),
        ("{Log_IU}/mL", "log international units/volume"),
        ("[iU]/L", "international units/volume"),
        ("[arb'U]/mL", "arbitrary units/volume"),
        ("U/L", "enzyme units/volume"),
        ("mm", "length"),
        ("mm2", "length.length"),
        ("%", "ratio"),
        ("1", "ratio"),
        ("{INR}", "{inr}"),
        ("mL/min/{1.73_m2}", "volume/time/{1.73_m2}"),
        ("mg/(24.h)", "mass/time"),
        ("Cel", "temperature"),
        ("kg", "mass"),
        ("10*-3", "ratio"),
        ("g.m-2", "mass/length/length"),
    ],
)
def test_dimensions_have_names(unit: str, expected: str) -> None:
    assert sorted(dimension(unit).split("/")) == sorted(expected.split("/"))


def test_dimensions_that_must_never_meet() -> None:
    units = [
        *("mg/dL", "umol/L", "[IU]/L", "[arb'U]/L", "U/L", "ukat/L", "meq/L", "mg/kg", "%", "mm"),
        *("{copies}/mL", "{log_copies}/mL", "{log_IU}/mL", "{IU_typo}/mL", "/mL", "{index}"),
    ]
    for a, b in itertools.combinations(units, 2):
        assert not same_dimension(a, b), (a, b)
    assert same_dimension("mg/dL", "ng/mL")


def test_exponents_count_either_way() -> None:
    hundredth, thousand = read("10*-2"), read("10^3")
    assert hundredth is not None
    assert thousand is not None
    assert (hundredth.factor, thousand.factor) == (Fraction(1, 100), Fraction(1000))


def test_the_unit_of_a_logarithm() -> None:
    assert logarithmic("copies/mL") == "{log_copies}/mL"
    assert logarithmic("[IU]/mL") == "{log_IU}/mL"
    assert logarithmic("mg/dL") is None


def test_assay_factors_are_checked() -> None:
    with pytest.raises(ValueError, match="no assay factor"):
        scale("[IU]/mL", the("hiv_rna"), iu_per_kopy=Decimal("1.67"))
    with pytest.raises(ValueError, match="must be positive"):
        scale("[IU]/mL", the("hiv_rna"), iu_per_copy=Decimal(0))
