"""Results of other specimens, methods and analytes are kept apart, and facts chosen by a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.events import EVENT
from services.detector.adapters.replay import replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule
from services.detector.rulebook.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.alerts import AlertRevision
    from services.detector.language.spec import Rule
    from services.detector.rulebook.facts import Event

TEXT = """
rule: TEST-APART
title: Apart
kind: failure
plain: Apart
course: {{condition: aml, modality: chemotherapy}}
clock: first started
ends: new-line
reads:
{dose}  npm1: {{analyte: [npm1, runx1_runx1t1], {narrowed}}}
criteria:
  - name: rise
    each: npm1
{criterion}
severity: {{default: advisory}}
sentence: A rise.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""
TWICE = """\
    suspect: npm1 >= 10 * nadir(npm1)
    confirm: {after: 7 d}
"""
Said = tuple[str, str, str | None]


DOSE = "  dose: {treatment: chemotherapy, own: true, phase: administered}\n"


def rule_of(narrowed: str, criterion: str, text: str = TEXT) -> Rule:
    dose = DOSE if "dose" in narrowed + criterion else ""
    return read_rule(
        text.format(narrowed=narrowed, criterion=criterion, dose=dose), "test-apart.yaml"
    )


def mistakes(narrowed: str, criterion: str) -> list[str]:
    rule = rule_of(narrowed, criterion)
    return [str(mistake).partition(": ")[2] for mistake in check(rule)]


def result(day: str, value: str, specimen: str | None = None, **said: object) -> Event:
    fields = {
        "type": "observation",
        "event_id": f"R{day}{specimen}",
        "patient_id": "HOSP|1",
        "source": "LAB",
        "effective_at": f"2024-{day}",
        "issued_at": f"2024-{day}T12:00:00Z",
        "analyte": "npm1",
        "unit": "%",
        "value": value,
        "specimen": specimen,
    }
    return EVENT.validate_python(fields | said)


def step(day: str, phase: str = "administered") -> Event:
    fields = {
        "type": "treatment",
        "event_id": f"T{day}{phase}",
        "patient_id": "HOSP|1",
        "source": "LAB",
        "effective_at": f"2024-{day}",
        "issued_at": f"2024-{day}T09:00:00Z",
        "course_id": "C",
        "condition": "aml",
        "modality": "chemotherapy",
        "phase": phase,
    }
    return EVENT.validate_python(fields)


def alerts(
    events: Sequence[Event], criterion: str = TWICE, narrowed: str = "apart: true"
) -> list[AlertRevision]:
    """What is said, which has to be the same however the messages come."""
    assert mistakes(narrowed, criterion) == []
    rule = rule_of(narrowed, criterion)
    messages = [step("01-01", "started"), *events]
    found = {
        name: way(messages, (compile_rule(rule),), None).revisions for name, way in WAYS.items()
    }
    said = [[(one.state, one.at, one.episode) for one in told] for told in found.values()]
    assert all(one == said[0] for one in said)
    return found["straight"]


def states(told: Sequence[AlertRevision]) -> list[tuple[str, str]]:
    return [(str(one.state), f"{one.at:%m-%d}") for one in told if one.change != "revised"]


def test_a_nadir_of_blood_is_none_of_marrow() -> None:
    assert alerts([result("02-01", "0.1", "blood"), result("03-01", "9", "marrow")]) == []
    told = alerts([result("02-01", "0.1", "blood"), result("03-01", "9", "blood")])
    assert states(told) == [("suspected", "03-01")]


def test_another_analyte_of_the_series_is_another_thing() -> None:
    other = result("03-01", "9", analyte="runx1_runx1t1")
    assert alerts([result("02-01", "0.1"), other]) == []


def test_each_specimen_has_an_episode_of_its_own() -> None:
    blood = [result("02-01", "0.1", "blood"), result("03-01", "9", "blood")]
    marrow = [result("02-01", "0.2", "marrow"), result("03-04", "9", "marrow")]
    answers = [result("03-09", "0.1", "marrow"), result("03-10", "9", "blood")]
    told = alerts([*blood, *marrow, *answers])
    assert states(told) == [
        ("suspected", "03-01"),
        ("suspected", "03-04"),
        ("refuted", "03-09"),
        ("confirmed", "03-10"),
    ]
    assert [one.episode for one in told if one.change != "revised"] == [1, 2, 2, 1]


def test_together_they_have_one() -> None:
    blood = [result("02-01", "0.1", "blood"), result("03-01", "9", "blood")]
    marrow = [result("02-01", "0.2", "marrow"), result("03-12", "9", "marrow")]
    told = alerts([*blood, *marrow], TWICE + "    together: true\n")
    assert states(told) == [("suspected", "03-01"), ("confirmed", "03-12")]


def test_a_new_clock_begins_all_of_them_afresh() -> None:
    criterion = TWICE.replace("nadir(npm1)", "nadir(npm1 since clock)")
    told = alerts([result("02-01", "0.1", "blood"), result("03-01", "9", "blood")], criterion)
    assert states(told) == [("suspected", "03-01")]
    before = [result("02-01", "0.1", "blood"), result("02-02", "0.1", "marrow")]
    late = [step("02-20", "started"), result("03-01", "9", "blood")]
    moved = TEXT.replace("first started", "last started")
    rule = rule_of("apart: true", criterion, moved)
    messages = [step("01-01", "started"), *before, *late]
    assert replay(messages, (compile_rule(rule),)).revisions == []


def test_a_look_back_sees_only_what_compares() -> None:
    criterion = "    confirmed: exists(npm1 within 60 d where it < 1 %) and npm1 >= 1 %\n"
    assert (
        alerts([result("02-01", "0.1", "blood"), result("03-01", "9", "marrow")], criterion) == []
    )
    assert alerts([result("02-01", "0.1", "blood"), result("03-01", "9", "blood")], criterion)


@pytest.mark.parametrize("function", ["confirmed_nadir(npm1)", "baseline(npm1)", "previous(npm1)"])
def test_every_memory_is_kept_apart(function: str) -> None:
    criterion = f"    confirmed: npm1 >= 10 * {function}\n"
    start = [result("01-01", "0.1", "blood"), result("01-02", "0.1", "blood")]
    assert states(alerts([*start, result("03-01", "9", "blood")], criterion))
    assert alerts([*start, result("03-01", "9", "marrow")], criterion) == []


ONLY = "apart: true, only: exists(dose within 0 d)"
FIRED = "    confirmed: rises(npm1, 1)\n"


def test_only_some_facts_are_seen_and_the_reason_is_evidence() -> None:
    results = [result("02-01", "1"), result("02-08", "9"), result("02-15", "2")]
    assert alerts([*results, step("02-01")], FIRED, ONLY) == []
    (told,) = alerts([*results, step("02-01"), step("02-15")], FIRED, ONLY)
    assert {item.event_id for item in told.evidence} == {
        *("T01-01started", "R02-01None", "T02-01administered"),
        *("R02-15None", "T02-15administered"),
    }


def test_a_dose_that_turns_out_wrong_takes_its_results_along() -> None:
    taken_back = {"status": "entered-in-error", "issued_at": "2024-02-20T09:00:00Z"}
    wrong = EVENT.validate_python({**step("02-15").model_dump(), **taken_back})
    messages = [step("02-01"), result("02-01", "1"), step("02-15"), result("02-15", "2"), wrong]
    assert states(alerts(messages, FIRED, ONLY)) == [
        ("confirmed", "02-15"),
        ("retracted", "02-20"),
    ]


ACTION = FIRED + "    action: [{when: npm1 <= 2 %, tag: low}, {when: npm1 > 2 %, tag: high}]\n"


@pytest.mark.parametrize(("value", "action"), [("2", "low"), ("2.1", "high")])
def test_an_action_is_chosen_by_the_fact_that_confirms(value: str, action: str) -> None:
    (told,) = alerts([result("02-01", "1"), result("02-15", value)], ACTION)
    assert told.action == action


def test_a_suspicion_has_no_action() -> None:
    criterion = TWICE + "    action: [{when: npm1 > 2 %, tag: high}]\n"
    told = alerts([result("02-01", "0.1"), result("03-01", "9"), result("03-08", "9")], criterion)
    assert [one.action for one in told] == [None, "high"]


@pytest.mark.parametrize(
    ("narrowed", "criterion", "told"),
    [
        ("own: true", FIRED, "unknown key 'own'"),
        ("since: clock", FIRED, "rises would mix npm1, runx1_runx1t1"),
        (
            "apart: true",
            FIRED + "    milestone: {from: clock, to: clock + 7 d}\n",
            "a milestone kept apart",
        ),
        (
            "apart: true",
            TWICE.replace("7 d", "7 d, across_lines: true"),
            "lines crossed where results are kept apart",
        ),
        ("only: exists(dose)", "    confirmed: npm1 > 1 %\n", "'only' asks of all the past"),
        (
            "since: clock",
            "    confirmed: npm1 > 1 %\n    together: true\n",
            "nothing is kept apart here",
        ),
        (
            "apart: true",
            "    suspect: npm1 > 1 %\n    action: [{when: npm1 > 2 %, tag: high}]\n",
            "'action' with nothing confirmed",
        ),
        (
            "apart: true",
            FIRED + "    action: npm1 > 2 %\n",
            "no tag",
        ),
        ("apart: true", "    confirmed: rises(npm1, 2, 10 %, 7 d)\n", "rises over a span"),
        ("apart: true", "    confirmed: plateau(npm1, 2, 10 %, 7 d)\n", "plateau over a span"),
        (
            "apart: true",
            "    confirmed: time_to_reach(previous(npm1), npm1, 1 ng/mL) > 7\n",
            "'ng/mL' does not measure npm1",
        ),
        (
            "apart: true",
            "    confirmed: time_to_reach(last(dose), npm1, 1 %) > 7\n",
            "not an observation",
        ),
        ("apart: true", "    confirmed: npm1 > previous(npm1, 0)\n", "not a count"),
    ],
)
def test_what_makes_no_sense_is_refused(narrowed: str, criterion: str, told: str) -> None:
    if "unknown key" in told:
        with pytest.raises(Exception, match=told):
            mistakes(narrowed, criterion)
    else:
        assert any(one.startswith(told) for one in mistakes(narrowed, criterion))


def test_only_results_and_adverse_events_are_kept_apart() -> None:
    text = TEXT.replace(
        "npm1: {{analyte: [npm1, runx1_runx1t1], {narrowed}}}", "npm1: {{{narrowed}}}"
    )
    rule = rule_of("treatment: chemotherapy, apart: true", "    confirmed: day > 0 d\n", text)
    assert any(
        "only results and adverse events are kept apart" in str(mistake) for mistake in check(rule)
    )
