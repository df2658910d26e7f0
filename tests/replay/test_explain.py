"""`salvage explain` on small stories: what it says of fired, not fired and undecided rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.explained import (
    HIGH,
    HIV,
    PSA,
    RADIOTHERAPY,
    Json,
    explain,
    pack,
    prospect,
    result,
    rule,
    step,
    viral_load,
)

if TYPE_CHECKING:
    from pathlib import Path

# --- One rule of each kind ------------------------------------------------------------------------


def test_how_far_a_value_is_from_its_limit_and_on_what_that_rests(tmp_path: Path) -> None:
    found = rule(tmp_path, PSA, "PROST-PHOENIX")
    (look,) = prospect(found, "confirmed")["looks"]
    (limit,) = look["limits"]
    assert (found["status"], look["last"]["value"]) == ("not fired", "3.1")
    assert (limit["fires"], limit["value"], limit["unit"]) == (">=", "3.4", "ng/mL")
    assert [(fact["value"], fact["on"]) for fact in limit["facts"]] == [("1.4", "2022-05-02")]
    out = explain(tmp_path, PSA, "--rule", pack("PROST-PHOENIX")).out
    assert "last psa 3.1 ng/mL on 2024-03-04" in out
    text = "fires at 3.4 ng/mL or more: nadir(psa) + 2.0 ng/mL (psa 1.4 ng/mL on 2022-05-02)"
    assert text in out


def test_what_fired_is_shown_with_evidence_and_proof(tmp_path: Path) -> None:
    story = [*PSA, result("c", "2024-09-02", "3.4")]
    found = rule(tmp_path, story, "PROST-PHOENIX")
    alert = found["criteria"][0]["alert"]
    assert (found["status"], alert["state"], alert["at"][:10]) == (
        "fired",
        "confirmed",
        "2024-09-02",
    )
    assert {one["event_id"] for one in alert["evidence"]} == {"step", "a", "c"}
    out = explain(tmp_path, story, "--rule", pack("PROST-PHOENIX")).out
    assert "FIRED" in out
    assert "nadir: psa 1.4 ng/mL on 2022-05-02" in out
    assert "act by 2024-12-01" in out
    assert "NOT FIRED" not in out


def test_as_of_a_day_before_it_fired(tmp_path: Path) -> None:
    story = [*PSA, result("c", "2024-09-02", "3.4")]
    found = rule(tmp_path, story, "PROST-PHOENIX", "--as-of", "2024-09-01")
    assert found["status"] == "not fired"


def test_a_suspicion_says_what_confirms_it_and_from_when_on(tmp_path: Path) -> None:
    found = rule(tmp_path, HIGH, "HIV-VF-WHO")
    assert (found["status"], found["criteria"][0]["alert"]["state"]) == ("fired", "suspected")
    next_one = prospect(found, "confirmed")
    assert next_one["earliest"] == "2024-03-14"
    assert next_one["because"] == ["84 d after the first"]
    (limit,) = next_one["looks"][0]["limits"]
    assert (limit["fires"], limit["value"], limit["on"]) == (">", "1000", "2024-03-14")


def test_a_period_that_has_not_begun(tmp_path: Path) -> None:
    found = rule(tmp_path, [*HIV, viral_load("v1", "2023-02-10", "4000")], "HIV-VF-WHO")
    waiting = prospect(found, "suspected")
    assert (found["status"], waiting["earliest"]) == ("not fired", "2023-06-10")
    assert waiting["because"] == ["hiv_rna since clock + 5 mo"]


def test_a_deadline_that_runs(tmp_path: Path) -> None:
    found = rule(tmp_path, HIV, "HIV-VL-OVERDUE")
    due = found["criteria"][0]["due"]
    assert (found["status"], due["state"], due["day"]) == ("not fired", "overdue", "2023-08-10")
    assert due["unless"] == ["hiv_rna"]


def test_a_milestone_with_its_window(tmp_path: Path) -> None:
    start = step("2024-01-23", "cml", "targeted", "started", regimen="imatinib")
    blood = result("b", "2024-02-20", "40", analyte="bcrabl", unit="%")
    found = rule(tmp_path, [start, blood], "CML-ELN")
    third = next(one for one in found["criteria"] if one["criterion"] == "m3")
    assert third["due"]["day"] == "2024-06-07"
    assert third["prospects"][0]["earliest"] == "2024-04-08"
    late = rule(tmp_path, [start, blood], "CML-ELN", "--as-of", "2024-12-31")
    third = next(one for one in late["criteria"] if one["criterion"] == "m3")
    assert third["alert"]["state"] == "overdue"
    assert "milestone has passed" in third["over"]


def test_a_suspicion_that_was_not_confirmed_in_time_stands_and_that_is_told(
    tmp_path: Path,
) -> None:
    start = step("2024-01-23", "cml", "targeted", "started", regimen="imatinib")
    blood = result("b", "2024-04-23", "40", analyte="bcrabl", unit="%")
    in_time, late = (
        prospect(rule(tmp_path, [start, blood], "CML-ELN", "--as-of", day), "confirmed")
        for day in ("2024-07-24", "2024-07-25")
    )
    assert in_time["earliest"] == "2024-07-24"
    assert "earliest" not in late
    assert late["because"] == ["a suspicion stands, and came too long ago to be confirmed"]


def test_a_course_that_has_ended(tmp_path: Path) -> None:
    stop = step("2023-12-01", "hiv", "antiretroviral", "stopped", event_id="stop")
    found = rule(tmp_path, [*HIV, stop], "HIV-VF-WHO")
    assert (found["status"], found["ended_on"]) == ("not fired", "2023-12-01")
    assert "ended" in found["criteria"][0]["over"]


def test_what_fired_is_shown_though_the_course_has_ended_since(tmp_path: Path) -> None:
    stop = step("2024-02-01", "hiv", "antiretroviral", "stopped", event_id="stop")
    out = explain(tmp_path, [*HIGH, stop], "--rule", pack("HIV-VF-WHO")).out
    assert "ended by antiretroviral stopped on 2024-02-01" in out
    assert "failure: suspected, important" in out
    assert "hiv_rna: 4000 {copies}/mL" in out


def test_an_ended_rule_without_alerts_takes_three_lines(tmp_path: Path) -> None:
    stop = step("2023-12-01", "hiv", "antiretroviral", "stopped", event_id="stop")
    lines = explain(tmp_path, [*HIV, stop], "--rule", pack("HIV-VF-WHO")).out.splitlines()
    clock, ender = "antiretroviral started on 2023-01-10", "antiretroviral stopped on 2023-12-01"
    assert lines[4:8] == [
        "HIV-VF-WHO: Virological failure of HIV therapy (WHO)",
        f"  course c1, clock {clock}, ended by {ender}",
        "  it can't fire any more: the rule has ended",
        "",
    ]


def test_a_range_is_one_statement(tmp_path: Path) -> None:
    start = step("2022-01-23", "cml", "targeted", "started", regimen="imatinib")
    blood = result("b", "2024-02-20", "0.01", analyte="bcrabl", unit="%")
    out = explain(tmp_path, [start, blood], "--rule", pack("CML-ELN")).out
    assert "one more fires above 0.1 % and at 1 % or less" in out


def test_of_several_conditions_those_that_fail_are_told_with_their_numbers(tmp_path: Path) -> None:
    creatinine = {"analyte": "creatinine", "unit": "mg/dL"}
    story = [result(day, day, "1.0", **creatinine) for day in ("2024-09-02", "2024-09-03")]
    out = explain(tmp_path, story, "--rule", pack("TOX-AKI-KDIGO")).out
    assert "last creatinine 1.0 mg/dL on 2024-09-03" in out
    stage_3 = out.partition("(stage_3)")[2]
    assert "fires at 265.2 umol/L (that is 3 mg/dL) or more: 3.0 * nadir(" in stage_3


def test_a_way_that_the_rule_switches_off_is_not_promised(tmp_path: Path) -> None:
    out = explain(tmp_path, HIGH, "--rule", pack("HIV-LLV")).out
    assert "blips: not fired: switched off by the rule's parameters" in out


# --- What can't be told ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "name", "reason"),
    [
        ([RADIOTHERAPY], "PROST-PHOENIX", "no psa at all"),
        ([{**RADIOTHERAPY, "phase": "started"}, *PSA[1:]], "PROST-PHOENIX", "no clock"),
        ([*PSA, result("c", "2024-09-02", "4", unit=None)], "PROST-PHOENIX", "no unit"),
        (HIGH, "HIV-RESISTANCE", "no genotype at all"),
        (
            [result("a", "2024-09-02", "300", analyte="alt", unit="U/L")],
            "TOX-DILI-STOP",
            "no upper reference limit",
        ),
    ],
)
def test_what_is_missing_is_named_and_never_a_no(
    tmp_path: Path, events: list[Json], name: str, reason: str
) -> None:
    kept = [{key: value for key, value in one.items() if value is not None} for one in events]
    ran = explain(tmp_path, kept, "--json", "--rule", pack(name))
    (found,) = json.loads(ran.out)["rules"]
    missing = [each for one in found["criteria"] for each in one.get("missing", [])]
    assert found["status"] == "undecided"
    assert any(reason in each for each in missing), missing
