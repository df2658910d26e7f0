"""Cases become the messages that a hospital would have sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from schemas.base import as_utc
from schemas.events import AdverseEvent, ImagingReport, Observation, Patient, Treatment
from services.detector.language.ast import Quantity
from services.detector.language.errors import RuleError
from services.detector.language.spec import Parameter, Rule
from services.detector.rulebook.cases import Case, parse_cases
from services.detector.rulebook.facts import Event, events_of, parameters_of

RULE = Rule(
    id="PROST-BCR-RP",
    title="",
    kind="failure",
    plain="",
    criteria=(),
    series=(),
    conditions=("prostate-cancer",),
    modalities=("surgery",),
    clock=("last", "completed"),
    params=(Parameter("version", Quantity(Decimal(5))),),
)
WHOLE_PATIENT = replace(RULE, conditions=(), modalities=(), clock=None)


def case_of(obs: str, ctx: str = "{}") -> Case:
    text = f"rule: PROST-BCR-RP\ncases:\n- id: A\n  ctx: {ctx}\n  obs: {obs}\n  expect: []\n"
    return parse_cases(text, "x")[0]


def told(obs: str, ctx: str = "{}", rule: Rule = WHOLE_PATIENT) -> list[Event]:
    return [event for _, event in events_of(case_of(obs, ctx), rule)]


def test_a_result_has_the_unit_in_which_people_write_it() -> None:
    (event,) = told("[{t: 2022-04-01, psa: <0.01}]")
    assert isinstance(event, Observation)
    assert (event.analyte, event.comparator, event.value) == ("psa", "<", Decimal("0.01"))
    assert event.unit == "ng/mL"
    assert event.effective_at == date(2022, 4, 1)
    assert event.issued_at == datetime(2022, 4, 1, 12, tzinfo=UTC)


def test_aliases_units_limits_and_words_are_carried() -> None:
    (first, second) = told(
        "[{t: '2023-02-01T08:00', bili: 2.4, unit: mg/dL}, {t: 2023-02-02, biopsy: pos}]",
        "{uln: {bili: 1.2, alt: 40}}",
    )
    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert (first.analyte, first.reference_high) == ("bilirubin", Decimal("1.2"))
    assert first.effective_at == first.issued_at == datetime(2023, 2, 1, 8, tzinfo=UTC)
    assert (second.value, second.value_code) == (None, "pos")


def test_a_unit_of_null_is_a_message_without_unit() -> None:
    (event,) = told("[{t: 2022-04-01, psa: 9, unit: null}]")
    assert isinstance(event, Observation)
    assert event.unit is None


def test_a_correction_is_a_new_version_that_keeps_its_date_and_unit() -> None:
    first, second = told(
        "[{t: 2022-04-01, psa: 2.1, id: a, unit: ug/L}, {rx: 2022-06-20, corrects: a, psa: 0.12}]"
    )
    assert isinstance(second, Observation)
    assert second.event_id == first.event_id
    assert second.effective_at == first.effective_at
    assert (second.status, second.unit) == ("corrected", "ug/L")
    assert second.issued_at == datetime(2022, 6, 20, 12, tzinfo=UTC)


def test_a_correction_may_be_corrected() -> None:
    *_, last = told(
        "[{t: 2022-04-01, psa: 2, id: a}, {rx: 2022-05-01, corrects: a, psa: 3},"
        " {rx: 2022-06-01, corrects: a, psa: 4}]"
    )
    assert isinstance(last, Observation)
    assert (last.event_id, last.value) == ("fact-1", Decimal(4))


def test_a_withdrawal_needs_no_value() -> None:
    _, last = told(
        "[{t: 2022-04-01, psa: 2, id: a}, {rx: 2022-05-01, corrects: a, status: entered-in-error}]"
    )
    assert (last.event_id, last.status) == ("fact-1", "entered-in-error")
    (cancelled,) = told("[{t: 2022-04-01, psa: null, status: cancelled}]")
    assert isinstance(cancelled, Observation)
    assert (cancelled.value, cancelled.status) == (None, "cancelled")


def test_receipts_of_one_moment_follow_each_other_in_order_of_writing() -> None:
    case = case_of("[{t: 2022-04-01, psa: 1}, {t: 2022-03-01, rx: 2022-04-01, psa: 2}]")
    first, second = events_of(case, WHOLE_PATIENT)
    assert (second[0] - first[0]).total_seconds() == 1
    assert [event.event_id for _, event in (first, second)] == ["fact-1", "fact-2"]


def test_what_is_received_earlier_comes_earlier_wherever_it_is_written() -> None:
    case = case_of("[{t: 2022-04-01, psa: 1}, {t: 2022-03-01, psa: 2}]")
    assert [event.event_id for _, event in events_of(case, WHOLE_PATIENT)] == ["fact-2", "fact-1"]


def test_an_anchor_is_a_step_of_the_course_that_the_rule_asks_for() -> None:
    anchor, _ = told("[{t: 2022-04-01, psa: 1}]", "{rp: 2021-02-01}", RULE)
    assert isinstance(anchor, Treatment)
    assert (anchor.modality, anchor.phase, anchor.condition) == (
        "surgery",
        "completed",
        "prostate-cancer",
    )


def test_regimen_and_class_belong_to_the_anchor() -> None:
    brachy, _ = told("[{t: 2022-04-01, psa: 1}]", "{rt_end: 2021-02-01, modality: brachy}")
    assert isinstance(brachy, Treatment)
    assert (brachy.modality, brachy.regimen) == ("radiotherapy", "brachy")
    hiv, _ = told("[{t: 2022-04-01, psa: 1}]", "{start: 2021-02-01, class: NNRTI}")
    assert isinstance(hiv, Treatment)
    assert hiv.drug_classes == ("NNRTI",)


def test_what_comes_after_the_course_is_another_course_of_another_line() -> None:
    obs = "[{t: 2022-04-01, event: srt_start}, {t: 2022-05-01, event: therapy_change}]"
    steps = [e for e in told(obs, "{rp: 2021-02-01}", RULE) if isinstance(e, Treatment)]
    assert [step.line for step in steps] == [1, 2, 2]
    assert len({step.course_id for step in steps}) == 3


def test_consolidation_is_of_the_same_line() -> None:
    rule = replace(RULE, conditions=("lymphoma",), modalities=("chemotherapy",))
    obs = "[{t: 2024-05-20, event: last_chemo}, {t: 2024-07-01, event: rt_end}]"
    chemo, rt = told(obs, rule=rule)
    assert isinstance(chemo, Treatment)
    assert isinstance(rt, Treatment)
    assert (chemo.line, rt.line) == (1, 1)
    assert chemo.course_id != rt.course_id


def test_a_course_that_the_case_leaves_out_starts_with_the_first_fact() -> None:
    rule = replace(RULE, modalities=("chemotherapy",), clock=("first", "started"))
    _, start = told("[{t: 2024-01-05, sum: 100}]", rule=rule)
    assert isinstance(start, Treatment)
    assert (start.phase, start.effective_at) == ("started", date(2024, 1, 5))


def test_a_course_whose_clock_is_told_gets_no_other_start() -> None:
    rule = replace(RULE, modalities=("chemotherapy",))
    assert len(told("[{t: 2024-05-20, event: last_chemo}]", rule=rule)) == 1


def test_a_pet_is_judged_by_lugano_and_a_sum_by_recist() -> None:
    pet, ct, done = told(
        "[{t: 2024-07-08, pet: {ds: 4, met: PMR}}, {t: 2024-07-09, sum: 27.0, new: equivocal},"
        " {t: 2024-07-10, event: pet_done}]"
    )
    assert isinstance(pet, ImagingReport)
    assert isinstance(ct, ImagingReport)
    assert isinstance(done, ImagingReport)
    assert (pet.modality, pet.criteria, pet.response, pet.deauville) == ("PT", "lugano", "PMR", 4)
    assert (ct.criteria, str(ct.sum_of_diameters_mm)) == ("recist-1.1", "27.0")
    assert ct.new_lesions == ("equivocal",)
    assert (done.modality, done.response) == ("PT", None)


def test_a_baseline_stands_before_the_start_of_treatment() -> None:
    base, start, fact = told("[{t: 2023-01-03, alt: 90, unit: U/L}]", "{ver: 5, uln: 40, base: 60}")
    assert isinstance(base, Observation)
    assert isinstance(start, Treatment)
    assert as_utc(base.effective_at) < as_utc(start.effective_at) < as_utc(fact.effective_at)
    assert (base.value, base.unit, base.reference_high) == (Decimal(60), "U/L", Decimal(40))


def test_symptoms_and_drugs_are_facts() -> None:
    drug, symptom, _ = told(
        "[{t: 2023-01-03, na: 127}]", "{start: 2023-01-01, symptomatic: true, anticoagulant: true}"
    )[1:]
    assert isinstance(symptom, AdverseEvent)
    assert isinstance(drug, Treatment)
    assert (symptom.term, symptom.effective_at) == ("Hyponatremia", date(2023, 1, 3))
    assert drug.drug_classes == ("anticoagulant",)
    assert len(told("[{t: 2023-01-03, na: 127}]", "{symptomatic: false}")) == 1


def test_light_chain_disease_has_nothing_else_to_measure() -> None:
    events = told("[{t: 2023-01-09, dflc: 900}]", "{start: 2023-01-09, measurable: flc}")
    zero = [e.analyte for e in events if isinstance(e, Observation) and e.value == 0]
    assert zero == ["mspike", "umprot"]


def test_a_ratio_off_the_scale_is_a_result_under_its_own_code() -> None:
    (event,) = told("[{t: 2023-04-11, bcrabl_nonis: 25}]")
    assert isinstance(event, Observation)
    assert event.analyte is None
    assert event.code is not None
    assert event.code.code == "46434-7"


def test_death_and_goals_of_care_are_facts_of_the_patient() -> None:
    death, comfort = told("[{t: 2023-01-01, event: death}, {t: 2023-01-02, event: comfort_only}]")
    assert isinstance(death, Patient)
    assert isinstance(comfort, Patient)
    assert death.deceased_at == date(2023, 1, 1)
    assert comfort.goals_of_care == "comfort-only"


def test_a_parameter_of_the_rule_may_stand_in_the_context() -> None:
    case = case_of("[{t: 2023-01-01, psa: 1}]", "{ver: 6}")
    assert parameters_of(case, RULE) == {"version": "6"}
    assert events_of(case, WHOLE_PATIENT)


@pytest.mark.parametrize(
    ("obs", "ctx", "error"),
    [
        ("[{t: 2022-04-01, psaa: 1}]", "{}", "`psaa` is neither a key of a case nor an analyte"),
        ("[{t: 2022-04-01}]", "{}", "a line that says nothing"),
        ("[{psa: 1}]", "{}", "a fact without a date"),
        ("[{t: 2022-02-30, psa: 1}]", "{}", "there is no such day"),
        ("[{t: yesterday, psa: 1}]", "{}", "expected a date"),
        ("[{t: 2022-04-01, event: picnic}]", "{}", "`event: picnic` means nothing"),
        ("[{rx: 2022-04-01, corrects: b, psa: 1}]", "{}", "`corrects` names no earlier `id`"),
        ("[{t: 2022-04-01, psa: 1, id: a}, {corrects: a, psa: 2}]", "{}", "without its receipt"),
        ("[{t: 2022-04-01, psa: 1}]", "{rpp: 2021-02-01}", "ctx: `rpp` means nothing"),
        ("[{t: 2022-04-01, psa: 1}]", "{profile: ASHM}", "ctx: `profile` means nothing"),
        ("[{t: 2022-04-01, pet: 4}]", "{}", "not a PET verdict"),
        ("[{t: 2022-04-01, pet: {ds: 9}}]", "{}", "deauville"),
        ("[{t: 2022-04-01, psa: [1]}]", "{}", "a result in several parts"),
        ("[{t: 2022-04-01, psa: 1}]", "{symptomatic: true}", "no symptoms are known of `psa`"),
        ("[{t: 2022-04-01, na: 1}]", "{symptomatic: 1}", "`symptomatic` is not a truth value"),
        ("[{t: 2022-04-01, event: death}]", "{base: 3}", "`base` of what?"),
        ("[{t: 2022-04-01, dflc: 3}]", "{measurable: serum}", "`measurable`"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_place(obs: str, ctx: str, error: str) -> None:
    with pytest.raises(RuleError) as raised:
        told(obs, ctx)
    assert error in str(raised.value)
    assert str(raised.value).startswith("x:")
