"""A criterion may ask which fact opened its suspicion, and may say what is only worth knowing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from schemas.events import EVENT
from services.detector.adapters.replay import replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from schemas.events import ClinicalEvent
    from services.detector.language.errors import RuleError

FRAME = """
rule: TEST-SUSPICION
title: A suspicion
kind: failure
plain: A suspicion
reads: {{cea: {{analyte: cea}}, psa: {{analyte: psa}}, scan: {{imaging: any}}}}
criteria:
  - name: markers
    each: [cea, psa]
    {markers}
  - name: growth
    each: scan
    {growth}
severity: {{default: advisory}}
sentence: A suspicion.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""
RISING = """suspect: it > 5 ng/mL
    confirm: {after: 14 d, when: it > 5 ng/mL and it >= suspected(cea)}
    refute: it <= 5 ng/mL"""
GROWING = """suspect: {when: scan.sum >= 50 mm, tag: large}
    confirm: {when: scan.sum >= suspected(scan.sum) + 5 mm}
    refute: suspected(scan.response) = SD and scan.response = CR"""
Said = list[tuple[str, str | None]]


def mistakes(markers: str = RISING, growth: str = GROWING) -> list[RuleError]:
    return check(read_rule(FRAME.format(markers=markers, growth=growth), "test-suspicion.yaml"))


def said(*events: ClinicalEvent, markers: str = RISING, growth: str = GROWING) -> Said:
    assert [str(one) for one in mistakes(markers, growth)] == []
    text = FRAME.format(markers=markers, growth=growth)
    compiled = compile_rule(read_rule(text, "test-suspicion.yaml"))
    stored = replay(events, (compiled,)).revisions
    assert replay(events, (compiled,), incremental=False).revisions == stored
    return [(one.state.value, one.tag) for one in stored if one.change != "revised"]


def event(day: int, kind: str, **fields: object) -> ClinicalEvent:
    on = (date(2024, 1, 1) + timedelta(days=day)).isoformat()
    identity = {"event_id": f"E{day}", "patient_id": "HOSP|1", "source": "LAB"}
    times = {"effective_at": on, "issued_at": f"{on}T12:00:00Z"}
    return EVENT.validate_python({"type": kind, **identity, **times, **fields})


def lab(day: int, value: str, analyte: str = "cea", **fields: object) -> ClinicalEvent:
    unit = {"analyte": analyte, "value": value, "unit": "ng/mL"}
    return event(day, "observation", **unit, **fields)


def scan(day: int, total: str | None = None, **fields: object) -> ClinicalEvent:
    return event(day, "imaging_report", sum_of_diameters_mm=total, **fields)


# ---------------------------------------------------------------- the fact that opened it


def test_what_confirms_is_held_against_the_fact_that_opened_the_suspicion() -> None:
    assert said(lab(0, "7"), lab(20, "7")) == [("suspected", None), ("confirmed", None)]
    assert said(lab(0, "7"), lab(20, "6.9"), lab(40, "7.1")) == [
        ("suspected", None),
        ("confirmed", None),
    ]
    assert said(lab(0, "7"), lab(20, "6.9"), lab(40, "5"), lab(60, "6.9"), lab(80, "6.9")) == [
        *[("suspected", None), ("refuted", None)],
        *[("suspected", None), ("confirmed", None)],
    ]


def test_a_fact_of_another_series_is_not_the_one_asked_for() -> None:
    assert said(lab(0, "7", "psa"), lab(20, "8")) == [("suspected", None)]


def test_fields_of_that_fact_numbers_and_words() -> None:
    assert said(scan(0, "50"), scan(30, "54"), scan(60, "55")) == [
        ("suspected", "large"),
        ("confirmed", "large"),
    ]
    steady = scan(0, "50", response="SD")
    assert said(steady, scan(30, "10", response="CR")) == [
        ("suspected", "large"),
        ("refuted", None),
    ]
    grown = scan(0, "50", response="PD")
    assert said(grown, scan(30, "10", response="CR")) == [("suspected", "large")]


def test_the_fact_is_evidence_and_a_correction_of_it_counts() -> None:
    text = FRAME.format(markers=RISING, growth=GROWING)
    compiled = compile_rule(read_rule(text, "test-suspicion.yaml"))
    told = replay((lab(0, "7"), lab(20, "8")), (compiled,)).revisions
    assert [one.event_id for one in told[-1].evidence] == ["E0", "E20"]
    higher = lab(0, "9", status="corrected").model_copy(
        update={"issued_at": lab(25, "9").issued_at},
    )
    assert said(lab(0, "7"), lab(20, "8"), higher)[-1] == ("suspected", None)


def test_what_the_suspicion_is_called() -> None:
    asks = """suspect: [{when: it > 50 ng/mL, tag: high}, {when: it > 5 ng/mL, tag: low}]
    confirm: {when: suspicion.tag = high and it > 5 ng/mL}
    refute: suspicion.tag in (low) and it > 7 ng/mL"""
    assert said(lab(0, "60"), lab(9, "6"), markers=asks)[-1] == ("confirmed", "high")
    assert said(lab(0, "6"), lab(9, "6"), lab(10, "8"), markers=asks) == [
        ("suspected", "low"),
        ("refuted", None),
    ]


@pytest.mark.parametrize(
    ("markers", "message"),
    [
        ("suspect: it > suspected(cea)", "no suspicion stands here"),
        ("suspect: suspicion.tag = x", "no suspicion stands here"),
        (
            "suspect: it > 5 ng/mL\n    confirm: {when: it > suspected(cea within 3 d)}",
            "suspected with a period or a condition",
        ),
        (
            "suspect: it > 5 ng/mL\n    reset: exists(cea where it > suspected(cea))",
            "no suspicion stands here",
        ),
        (
            "suspect: {when: it > 5 ng/mL, tag: high}\n    reset: suspicion.tag = hihg",
            "unknown tag of this criterion 'hihg', did you mean 'high'?",
        ),
        ("suspect: it > 5 ng/mL\n    reset: suspicion.day = x", "unknown field of suspicion 'day'"),
        ("info: {when: it > 5 ng/mL, severity: urgent}", "information with a severity"),
    ],
)
def test_misuse_is_refused(markers: str, message: str) -> None:
    assert any(message in str(one) for one in mistakes(markers=markers)), mistakes(markers)


# ---------------------------------------------------------------- info

TELLS = """info: [{when: it > 20 ng/mL, tag: high}, {when: it > 5 ng/mL, tag: low}]
    suspect: it > 50 ng/mL
    refute: [{when: it < 1 ng/mL, confirmed: low, tag: gone}, it < 2 ng/mL]"""


def test_information_is_given_once_for_each_tag() -> None:
    assert said(lab(0, "6"), lab(1, "7"), lab(2, "21"), lab(3, "6"), markers=TELLS) == [
        ("info", "low"),
        ("info", "high"),
        ("info", "low"),
    ]


def test_a_suspicion_may_follow_and_comes_first() -> None:
    assert said(lab(0, "6"), lab(1, "51"), lab(2, "6"), lab(3, "1"), markers=TELLS) == [
        ("info", "low"),
        ("suspected", None),
        ("refuted", None),
    ]


def test_information_is_taken_back_by_the_tag_it_was_given_under() -> None:
    assert said(lab(0, "6"), lab(1, "0.5"), lab(2, "0.5"), markers=TELLS) == [
        ("info", "low"),
        ("refuted", "gone"),
    ]
    assert said(lab(0, "21"), lab(1, "0.5"), markers=TELLS) == [("info", "high")]


def test_a_preliminary_result_is_not_yet_worth_knowing() -> None:
    assert said(lab(0, "6", status="preliminary"), markers=TELLS) == []
    assert said(lab(0, "6"), lab(1, "21", status="preliminary"), markers=TELLS) == [("info", "low")]


def test_information_is_always_advisory() -> None:
    text = FRAME.format(markers=TELLS, growth=GROWING).replace(
        "default: advisory", "default: urgent"
    )
    compiled = compile_rule(read_rule(text, "test-suspicion.yaml"))
    told = replay((lab(0, "6"), lab(1, "51")), (compiled,)).revisions
    assert [one.severity.value for one in told] == ["advisory", "urgent"]
