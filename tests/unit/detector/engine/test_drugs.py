"""Whether a result is about a drug of the regimen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.lanes import fact, step

from services.detector.engine.drugs import of_regimen
from services.detector.engine.fields import the_fact
from services.detector.engine.terms import Context, Term
from services.detector.engine.truth import Unknown

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact

DOLUTEGRAVIR = fact("r", 1, None, analyte="resistance_dtg", value_code="high-level")


def asked(here: Fact, regimen: str | None) -> object:
    own = step("s", 0, regimen=regimen)
    return of_regimen(the_fact("it"), "t").evaluate(Context(here, own, own, (), (), 0))


@pytest.mark.parametrize(
    "regimen",
    ["TDF/3TC/DTG", "dolutegravir + lamivudine", "dtg, rpv", "Dolutegravir/Rilpivirine", "DTG"],
)
def test_by_its_names_wherever_it_stands(regimen: str) -> None:
    assert asked(DOLUTEGRAVIR, regimen) is True


@pytest.mark.parametrize("regimen", ["TDF/3TC/EFV", "DTGX", "BIC/FTC/TAF"])
def test_not_by_what_only_looks_like_it(regimen: str) -> None:
    assert asked(DOLUTEGRAVIR, regimen) is False


def test_another_result_is_about_no_drug() -> None:
    assert asked(fact("p", 1), "TDF/3TC/DTG") is False


def test_without_a_regimen_nobody_knows_and_without_a_result_it_is_false() -> None:
    assert isinstance(asked(DOLUTEGRAVIR, None), Unknown)
    here = Context(DOLUTEGRAVIR, None, None, (), (), 0)
    assert isinstance(of_regimen(the_fact("it"), "t").evaluate(here), Unknown)
    nothing = Term("fact", "nothing", lambda _: None)
    assert of_regimen(nothing, "t").evaluate(here) is False


def test_the_step_that_names_the_regimen_is_evidence() -> None:
    own = step("s", 0, regimen="DTG/3TC")
    proof = of_regimen(the_fact("it"), "t").prove(Context(DOLUTEGRAVIR, own, own, (), (), 0))
    assert {cited.key for cited, _ in proof.cited} == {DOLUTEGRAVIR.key, own.key}
