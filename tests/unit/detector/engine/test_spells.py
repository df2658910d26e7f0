"""Runs that were once long enough, and days on which a state lasted, asked in the language."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from schemas.events import EVENT
from services.detector.adapters.replay import replay
from services.detector.engine.spells import DaysWhile, Run, Settled, Spell
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.alerts import AlertRevision
    from schemas.events import ClinicalEvent

TEXT = """
rule: TEST-SPELLS
title: A spell
kind: failure
plain: A spell
course: {{condition: prostate-cancer, modality: endocrine}}
clock: {clock} started
reads:
{dose}  psa: {{analyte: psa}}
criteria:
  - name: spell
    each: psa
    confirmed: "{when}"
severity: {{default: advisory}}
sentence: A spell.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""
DOSE = "  dose: {treatment: any, own: true}\n"
BEGIN = date(2024, 1, 1)
ONCE = "psa >= 9 ng/mL and settled(psa where it < 1 ng/mL, 7 d)"
SINCE = "psa >= 9 ng/mL and settled(psa since clock where it < 1 ng/mL, 7 d)"
ON_DOSE = "days_while(dose where it.phase in (started, administered)) >= 14 d"


def made(day: int, key: str, **said: Any) -> ClinicalEvent:
    on = (BEGIN + timedelta(days=day)).isoformat()
    about = {"event_id": f"{key}{day}", "patient_id": "HOSP|1", "source": "LAB"}
    when = {"effective_at": on, "issued_at": f"{on}T12:00:00Z"}
    return EVENT.validate_python(about | when | said)


def lab(day: int, value: str) -> ClinicalEvent:
    sign = "<" if value.startswith("<") else None
    number = {"value": value.removeprefix("<"), "comparator": sign, "unit": "ng/mL"}
    return made(day, "E", type="observation", analyte="psa", **number)


def step(day: int, phase: str = "started") -> ClinicalEvent:
    course = {"course_id": "c", "condition": "prostate-cancer", "modality": "endocrine"}
    return made(day, f"{phase}-", type="treatment", phase=phase, **course)


def told(when: str, events: Iterable[ClinicalEvent], clock: str = "first") -> list[AlertRevision]:
    dose = DOSE if "dose" in when else ""
    rule = read_rule(TEXT.format(when=when, clock=clock, dose=dose), "test-spells.yaml")
    assert [str(mistake) for mistake in check(rule)] == []
    return replay(list(events), (compile_rule(rule),)).revisions


@pytest.mark.parametrize(
    ("results", "holds"),
    [
        ([(0, "0.5"), (7, "0.5"), (20, "9")], True),
        ([(0, "0.5"), (6, "0.5"), (20, "9")], False),
        # Too early doesn't close the run, and the first stays the first.
        ([(0, "0.5"), (3, "0.5"), (7, "0.5"), (20, "9")], True),
        ([(0, "0.5"), (3, "2"), (7, "0.5"), (20, "9")], False),
        # `<2` may be below 1 or not: it breaks nothing, and begins nothing.
        ([(0, "0.5"), (3, "<2"), (7, "0.5"), (20, "9")], True),
        ([(0, "<2"), (7, "0.5"), (20, "9")], False),
        # What is settled stays so.
        ([(0, "0.5"), (7, "0.5"), (9, "3"), (20, "9")], True),
        ([(7, "0.5"), (20, "9")], False),
    ],
)
def test_a_run_was_once_long_enough(results: list[tuple[int, str]], *, holds: bool) -> None:
    found = told(ONCE, [step(0), *(lab(*result) for result in results)])
    assert bool(found) is holds


def test_the_two_ends_of_the_run_are_evidence() -> None:
    results = [(1, "0.5"), (4, "0.5"), (8, "0.5"), (12, "0.5"), (20, "9")]
    (alert,) = told(ONCE, [step(0), *(lab(*result) for result in results)])
    assert {item.event_id for item in alert.evidence} == {"started-0", "E20", "E1", "E8"}


def test_a_new_clock_forgets_what_was_settled_after_the_old_one() -> None:
    results = [lab(1, "0.5"), lab(8, "0.5"), lab(20, "9")]
    assert told(SINCE, [step(0), *results], clock="last")
    assert not told(SINCE, [step(0), step(10), *results], clock="last")
    assert told(ONCE, [step(0), step(10), *results], clock="last")


@pytest.mark.parametrize(
    ("steps", "day", "holds"),
    [
        ([(0, "started")], 14, True),
        ([(0, "started")], 13, False),
        ([(0, "started"), (5, "held"), (10, "administered")], 19, True),
        ([(0, "started"), (5, "held"), (10, "administered")], 18, False),
        ([(0, "started"), (5, "reduced")], 60, False),
        ([(0, "started"), (3, "administered"), (5, "held"), (6, "held"), (7, "started")], 16, True),
        (
            [(0, "started"), (3, "administered"), (5, "held"), (6, "held"), (7, "started")],
            15,
            False,
        ),
    ],
)
def test_only_days_in_the_state_count(
    steps: list[tuple[int, str]], day: int, *, holds: bool
) -> None:
    found = told(ON_DOSE, [*(step(*one) for one in steps), lab(day, "1")])
    assert bool(found) is holds


def test_what_began_it_is_evidence() -> None:
    steps = [step(0), step(5, "held"), step(10, "administered")]
    (alert,) = told(ON_DOSE, [*steps, lab(30, "1")])
    assert {item.event_id for item in alert.evidence} == {"started-0", "E30"}


def test_a_register_that_follows_the_clock_restarts() -> None:
    for register, blank in (
        (Settled(None, follows_clock=True, least=7), Run()),
        (DaysWhile(None, follows_clock=True), Spell()),
    ):
        assert register.restart("anything") == blank  # type: ignore[arg-type]
        register.follows_clock = False
        assert register.restart("anything") == "anything"  # type: ignore[arg-type, comparison-overlap]
