"""Results and failures as cases tell them become what a reader of messages would give on."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from schemas.events import Event, Observation, Status, Treatment
from services.detector.language.ast import Name
from services.detector.language.errors import RuleError
from services.detector.language.spec import Parameter, Rule
from services.detector.rulebook.cases import parse_cases
from services.detector.rulebook.facts import events_of
from services.detector.rulebook.runner import with_parameters

WHOLE_PATIENT = Rule(id="HIV-TEST", title="", kind="failure", plain="", criteria=(), series=())
ON_THERAPY = replace(
    WHOLE_PATIENT, conditions=("hiv",), modalities=("antiretroviral",), clock=("first", "started")
)


def told(obs: str, ctx: str = "{}", rule: Rule = WHOLE_PATIENT) -> list[Event]:
    text = f"rule: HIV-TEST\ncases:\n- id: A\n  ctx: {ctx}\n  obs: {obs}\n  expect: []\n"
    return [event for _, event in events_of(parse_cases(text, "x")[0], rule)]


@pytest.mark.parametrize("words", ["Not detected", "TND", "Target not detected"])
def test_not_detected_is_nothing_in_the_own_unit(words: str) -> None:
    (event,) = told(f"[{{t: 2022-04-01, hiv_vl: {words}, unit: '{{log_copies}}/mL'}}]")
    assert isinstance(event, Observation)
    assert (event.value, event.comparator, event.value_code) == (Decimal(0), None, "not detected")
    assert event.unit == "{copies}/mL", "nothing is 0 copies, not 10 to the power of 0"


def test_detected_below_a_limit_is_both() -> None:
    (event,) = told("[{t: 2022-04-01, hcv_rna: <15 detected, unit: '[IU]/mL'}]")
    assert isinstance(event, Observation)
    assert (event.value, event.comparator, event.value_code) == (Decimal(15), "<", "detected")


def test_thousands_are_read_and_what_is_no_result_stays_a_word() -> None:
    one, other = told("[{t: 2022-04-01, cd4: '1,250'}, {t: 2022-04-02, cd4: clotted}]")
    assert isinstance(one, Observation)
    assert isinstance(other, Observation)
    assert (one.value, one.unit, one.value_code) == (Decimal(1250), "/uL", None)
    assert (other.value, other.value_code) == (None, "clotted")


def test_a_failure_is_a_year_of_therapy_and_two_high_loads() -> None:
    start, first, second = told("[]", "{vf_fired: 2023-10-04}", ON_THERAPY)
    assert isinstance(start, Treatment)
    assert start.effective_at.isoformat() == "2022-10-04"
    assert [one.effective_at.isoformat() for one in (first, second)] == ["2023-06-26", "2023-10-04"]


def test_its_retraction_is_a_later_version_of_the_second_load() -> None:
    *_, second, withdrawn = told(
        "[]", "{vf_fired: 2023-10-04, vf_retracted: 2023-10-20}", ON_THERAPY
    )
    assert second.event_id == withdrawn.event_id
    assert withdrawn.status is Status.ENTERED_IN_ERROR
    assert withdrawn.effective_at == second.effective_at


def test_a_case_takes_one_of_the_choices() -> None:
    (place,) = {
        case.place for case in parse_cases("rule: R\ncases:\n- {id: A, obs: [], expect: []}\n", "x")
    }
    profile = Parameter("profile", Name("DHHS"), choices=("DHHS", "IAS"))
    rule = replace(WHOLE_PATIENT, params=(profile,))
    chosen = with_parameters(rule, {"profile": "IAS"}, place).parameter("profile")
    assert chosen is not None
    assert chosen.value == Name("IAS")
    with pytest.raises(RuleError, match="unknown choice of `profile` 'WHO'"):
        with_parameters(rule, {"profile": "WHO"}, place)
