"""Words of a case that stand for several messages, or for a result and how it was measured."""

from __future__ import annotations

from decimal import Decimal

import pytest

from schemas.events import Observation, Treatment
from services.detector.language.ast import Quantity
from services.detector.language.errors import RuleError
from services.detector.language.spec import Parameter, Rule
from services.detector.rulebook.cases import parse_cases
from services.detector.rulebook.facts import Event, events_of, parameters_of

RULE = Rule(
    id="TEST-RULE",
    title="",
    kind="failure",
    plain="",
    criteria=(),
    series=(),
    conditions=("gtn",),
    modalities=("chemotherapy",),
    regimens=("methotrexate", "mtx"),
    clock=("first", "started"),
    params=(Parameter("uln_afp", Quantity(Decimal(10), "ng/mL")),),
)


def told(obs: str, ctx: str = "{}") -> list[Event]:
    text = f"rule: TEST-RULE\ncases:\n- id: A\n  ctx: {ctx}\n  obs: {obs}\n  expect: []\n"
    return [event for _, event in events_of(parse_cases(text, "x")[0], RULE)]


def results(events: list[Event]) -> list[tuple[str, str | None, Decimal | None, str]]:
    return [
        (one.analyte or "", one.comparator, one.value, one.event_id)
        for one in events
        if isinstance(one, Observation)
    ]


def steps(events: list[Event]) -> list[Treatment]:
    return [one for one in events if isinstance(one, Treatment)]


def test_a_marrow_comes_with_the_counts_of_its_day() -> None:
    events = told("[{t: 2024-02-05, marrow: {blasts: 18, anc: 0.4, plt: 30}}]")
    assert results(events) == [
        ("bmblast", None, Decimal(18), "fact-1"),
        ("neutrophils", None, Decimal("0.4"), "fact-1-2"),
        ("platelets", None, Decimal(30), "fact-1-3"),
    ]


def test_a_correction_of_several_results_replaces_each() -> None:
    events = told(
        "[{t: 2024-02-05, marrow: {blasts: 18, anc: 0.4}, id: a},"
        " {rx: 2024-02-09, corrects: a, marrow: {anc: 1.4, blasts: 2}}]"
    )
    assert results(events) == [
        ("bmblast", None, Decimal(18), "fact-1"),
        ("neutrophils", None, Decimal("0.4"), "fact-1-2"),
        ("neutrophils", None, Decimal("1.4"), "fact-1-2"),
        ("bmblast", None, Decimal(2), "fact-1"),
    ]


def test_a_value_of_a_course_day_comes_with_a_dose_of_the_regimen_watched() -> None:
    events = told("[{t: 2024-03-04, course_hcg: 800}]")
    assert results(events) == [("hcg", None, Decimal(800), "fact-1-2")]
    assert {(step.phase.value, step.regimen) for step in steps(events)} == {
        ("started", "methotrexate"),
        ("administered", "methotrexate"),
    }


def test_the_line_after_is_of_no_such_regimen() -> None:
    events = steps(told("[{t: 2024-03-04, event: therapy_change}]"))
    assert {(step.line, step.regimen) for step in events} == {(1, "methotrexate"), (2, None)}


def test_not_detected_by_an_assay_of_some_sensitivity_is_below_that() -> None:
    events = told("[{t: 2024-02-05, mrd: 0, sens: 0.01}, {t: 2024-03-05, mrd: 0.5, sens: 0.01}]")
    assert results(events) == [
        ("mrd", "<", Decimal("0.01"), "fact-1"),
        ("mrd", None, Decimal("0.5"), "fact-2"),
    ]


def test_specimen_and_method_are_carried() -> None:
    events = told("[{t: 2024-02-05, npm1: 0.1, specimen: marrow, method: A}]")
    (event,) = [one for one in events if isinstance(one, Observation)]
    assert (event.specimen, event.method) == ("marrow", "A")


@pytest.mark.parametrize(
    ("intensity", "regimen"), [("intensive", "7+3"), ("less", "azacitidine-venetoclax")]
)
def test_an_intensity_is_told_as_a_regimen(intensity: str, regimen: str) -> None:
    events = steps(told("[{t: 2024-02-05, event: induction}]", f"{{intensity: {intensity}}}"))
    assert regimen in {event.regimen for event in events}


def test_an_intensity_that_means_nothing_is_refused() -> None:
    with pytest.raises(RuleError, match="intensity"):
        told("[{t: 2024-02-05, event: induction}]", "{intensity: heavy}")


def test_a_parameter_for_each_analyte() -> None:
    text = "rule: TEST-RULE\nparams: {uln: {afp: 12}}\ncases:\n- {id: A, obs: [], expect: []}\n"
    assert parameters_of(parse_cases(text, "x")[0], RULE) == {"uln_afp": "12"}
