"""Words of cases about infections become the messages that a hospital would have sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from schemas.events import ImagingReport, Observation, Treatment
from services.detector.language.ast import Duration
from services.detector.language.errors import RuleError
from services.detector.language.spec import Parameter, Rule
from services.detector.rulebook.cases import parse_cases
from services.detector.rulebook.facts import Event, events_of
from services.detector.rulebook.runner import asked_by

RULE = Rule(
    id="TEST",
    title="",
    kind="failure",
    plain="",
    criteria=(),
    series=(),
    conditions=("candidaemia",),
    modalities=("antimicrobial",),
    clock=("first", "started"),
)


ENDED = replace(RULE, clock=("last", "completed"))


def told(obs: str, ctx: str = "{}", rule: Rule = RULE) -> list[Event]:
    text = f"rule: TEST\ncases:\n- id: A\n  ctx: {ctx}\n  obs: {obs}\n  expect: []\n"
    return [event for _, event in events_of(parse_cases(text, "x")[0], rule)]


def observed(events: list[Event]) -> list[tuple[str | None, str | None, Decimal | None]]:
    return [
        (each.analyte, each.value_code, each.value)
        for each in events
        if isinstance(each, Observation)
    ]


def test_the_first_positive_culture_has_its_species_and_its_hour() -> None:
    ctx = "{first_pos: '2023-04-01T06:00', af_start: '2023-04-02T12:00', species: C_albicans}"
    culture, start = told("[]", ctx)
    assert isinstance(culture, Observation)
    assert isinstance(start, Treatment)
    assert (culture.analyte, culture.value_code) == ("blood_culture", "C_albicans")
    assert culture.effective_at == datetime(2023, 4, 1, 6, tzinfo=UTC)
    assert (start.phase, start.condition) == ("started", "candidaemia")
    assert start.effective_at == datetime(2023, 4, 2, 12, tzinfo=UTC)


def test_a_film_and_a_baseline_index() -> None:
    ctx = "{start: 2023-01-10, cavitation: true, gm0: 0.8}"
    assert observed(told("[]", ctx)) == [
        ("galactomannan", None, Decimal("0.8")),
        ("cavitation", "present", None),
    ]


@pytest.mark.parametrize(
    ("stop", "steps"),
    [("null", ["started"]), ("2023-05-28", ["started", "stopped"])],
)
def test_acid_suppression_is_another_treatment(stop: str, steps: list[str]) -> None:
    events = told("[]", f"{{eot: 2023-05-14, ppi_stop: {stop}}}", ENDED)
    given = [each for each in events if isinstance(each, Treatment) and each.drug_classes]
    assert [each.phase for each in given] == steps
    assert {each.drug_classes for each in given} == {("proton-pump-inhibitor",)}
    assert {each.condition for each in given} == {"dyspepsia"}
    assert given[0].effective_at == date(2023, 4, 30)


@pytest.mark.parametrize(
    ("followup", "regimen"),
    [(28, "artemether-lumefantrine"), (42, "dihydroartemisinin-piperaquine")],
)
def test_follow_up_is_told_by_the_regimen(followup: int, regimen: str) -> None:
    (start,) = told("[]", f"{{d0: 2023-11-06, followup: {followup}}}")
    assert isinstance(start, Treatment)
    assert start.regimen == regimen


def test_growth_is_a_scan_beside_its_baseline() -> None:
    events = told("[{t: 2023-03-16, ct_change: 25, unit: '%'}]", "{start: 2023-03-01}")
    scans = [each for each in events if isinstance(each, ImagingReport)]
    assert [(each.effective_at, each.sum_of_diameters_mm) for each in scans] == [
        (date(2023, 3, 1), Decimal(100)),
        (date(2023, 3, 16), Decimal(125)),
    ]


@pytest.mark.parametrize(("recovery", "now"), [("true", "0.8"), ("false", "0.2")])
def test_recovery_is_two_counts_of_neutrophils(recovery: str, now: str) -> None:
    events = told(f"[{{t: 2023-03-16, anc_recovery: {recovery}}}]", "{start: 2023-03-01}")
    assert observed(events) == [
        ("neutrophils", None, Decimal("0.2")),
        ("neutrophils", None, Decimal(now)),
    ]


def test_the_bedside_comes_before_the_laboratory() -> None:
    events = told("[{t: 2023-01-10, cdi: pos, diarrhoea: false}]", "{start: 2023-01-01}")
    assert observed(events) == [("diarrhoea", "absent", None), ("cdi", "pos", None)]


def test_a_unit_belongs_to_the_result_that_can_have_it() -> None:
    line = "[{t: 2023-11-08, parasites: 40001, unit: /uL, temp: 36.9}]"
    units = [each.unit for each in told(line, "{d0: 2023-11-06}") if isinstance(each, Observation)]
    assert units == ["/uL", "Cel"]


def test_a_new_site_is_a_report_of_a_new_lesion() -> None:
    (_, scan) = told("[{t: 2023-03-09, event: new_site}]", "{start: 2023-03-01}")
    assert isinstance(scan, ImagingReport)
    assert scan.new_lesions == ("unequivocal",)


@pytest.mark.parametrize(
    "line", ["{t: 2023-03-09, ct_change: a lot}", "{t: 2023-03-09, diarrhoea: maybe}"]
)
def test_what_means_nothing_is_refused(line: str) -> None:
    with pytest.raises(RuleError):
        told(f"[{line}]", "{start: 2023-03-01}")


def test_a_bare_number_takes_the_unit_of_a_duration() -> None:
    rule = replace(RULE, params=(Parameter("gap_min", Duration(7, "d")),))
    text = "rule: TEST\ncases:\n- id: A\n  ctx: {gap_min: 30}\n  obs: []\n  expect: []\n"
    asked = asked_by(parse_cases(text, "x")[0], rule)
    assert asked.params[0].value == Duration(30, "d")
