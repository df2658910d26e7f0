"""What a reader is told when facts change under what was said: seen through a whole monitor."""

from __future__ import annotations

from datetime import date

import pytest
from support.lanes import fact, step
from support.living import Life, as_released, rule_named

from schemas.events import EVENT
from services.detector.engine.fact import Fact
from services.detector.engine.instants import end_of
from services.detector.engine.monitor import Monitor


def heard(rule: str, *facts: Fact) -> list[tuple[str, str, int]]:
    life = Life(Monitor((rule_named(rule),))).receive(as_released(facts))
    return [(one.change, one.state.value, one.episode) for one in life.revisions]


def anc(key: str, offset: int, value: str, **said: object) -> Fact:
    fields = {"analyte": "neutrophils", "unit": "10*9/L", **said}
    return fact(key, offset, value, **fields)  # type: ignore[arg-type]


def test_a_suspicion_stands_again_when_what_refuted_it_was_an_error() -> None:
    low, normal = anc("a", 0, "0.4"), anc("b", 3, "0.6")
    error = anc("b", 3, "0.6", late=2, status="entered-in-error")
    assert heard("TOX-ANC4-7D", low, normal, error) == [
        ("raised", "suspected", 1),
        ("withdrawn", "refuted", 1),
        ("raised", "suspected", 1),
    ]


def test_what_confirmed_was_an_error_and_the_suspicion_is_left() -> None:
    lows = [anc(f"f{at}", at, "0.4") for at in (0, 4, 8)]
    error = anc("f8", 8, "0.4", late=1, status="cancelled")
    assert heard("TOX-ANC4-7D", *lows, error) == [
        ("raised", "suspected", 1),
        ("raised", "confirmed", 1),
        ("withdrawn", "retracted", 1),
        ("raised", "suspected", 1),
    ]


def test_one_retraction_for_an_episode_however_many_steps_fall() -> None:
    lows = [anc(f"f{at}", at, "0.4") for at in (0, 4, 8)]
    error = anc("f0", 0, "0.9", late=9, status="corrected")
    assert heard("TOX-ANC4-7D", *lows, error)[2:] == [
        ("withdrawn", "retracted", 1),
        ("raised", "suspected", 2),
    ]


def person(key: str, offset: int, **said: object) -> Fact:
    day = f"2024-01-{offset + 1:02}"
    fields = {"event_id": key, "patient_id": "HOSP|1", "source": "EHR", "effective_at": day}
    return Fact(
        EVENT.validate_python(
            {"type": "patient", **fields, "issued_at": f"{day}T12:00:00Z", **said}
        ),
        0,
    )


def test_a_correction_under_the_surviving_id_reaches_the_merged_fact() -> None:
    """The laboratory corrects after the merge, and addresses the surviving record."""
    low = anc("a", 0, "0.4")
    merge = person("m", 1, merged_into="HOSP|2")
    corrected = anc("a", 0, "0.9", late=2, status="corrected", patient_id="HOSP|2")
    life = Life(Monitor((rule_named("TOX-ANC4-7D"),))).receive(as_released([low, merge, corrected]))
    assert [(one.patient_id, one.state.value) for one in life.revisions] == [
        ("HOSP|1", "suspected"),
        ("HOSP|2", "suspected"),
        ("HOSP|1", "retracted"),
        ("HOSP|2", "retracted"),
    ]


def test_an_answer_takes_the_place_of_the_suspicion_that_never_was() -> None:
    """ALP at twice its limit comes late: the journal keeps no step that the facts don't say."""
    alt = fact("a", 0, "200", analyte="alt", unit="U/L", reference_high="40")
    alp = fact("b", 0, "240", analyte="alp", unit="U/L", reference_high="120", late=1)
    later = fact("c", 9, "3", analyte="bilirubin", unit="mg/dL", reference_high="1.2")
    kept = []
    for incremental in (True, False):
        monitor = Monitor((rule_named("TOX-HYS-LAW"),), incremental=incremental)
        life = Life(monitor).receive(as_released([alt, alp, later]))
        assert [(one.change, one.state.value, one.episode) for one in life.revisions] == [
            ("raised", "suspected", 1),
            ("withdrawn", "refuted", 1),
        ]
        kept.append(monitor.dump("HOSP|1"))
    assert kept[0] == kept[1]


@pytest.mark.parametrize("incremental", [True, False])
def test_a_step_planned_for_next_year_makes_nothing_overdue_before_its_day(
    *, incremental: bool
) -> None:
    hiv = {"condition": "hiv", "modality": "antiretroviral"}
    start = step("a", 0, **hiv)
    plan = step("b", 500, "planned", issued_at="2024-01-02T12:00:00Z", **hiv)
    monitor = Monitor((rule_named("HIV-VL-OVERDUE"),), incremental=incremental)
    assert Life(monitor).receive(as_released([start, plan])).revisions == []
    due = end_of(date(2024, 8, 1).toordinal())
    assert monitor.next_due() == due
    assert [one.state.value for one in monitor.advance(due)] == ["overdue"]
    assert monitor.next_due() is None
