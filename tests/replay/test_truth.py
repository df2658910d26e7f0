"""The simulator knows what each rule must say; the engine must say it, and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import cache

import pytest
from support.living import all_rules

from services.detector.adapters.agreement import Verdict, differences
from services.detector.adapters.replay import replay
from services.simulator.cohort import Cohort, simulate

SEEDS = (1, 2, 3)
PLANTED = frozenset(
    {
        "CML-ELN",
        "HIV-VF-WHO",
        "HIV-VL-OVERDUE",
        "LYM-EOT",
        "LYM-RESTAGE-OVERDUE",
        "MM-IMWG-PD",
        "OVAR-GCIG",
        "PROST-BCR-RP",
        "PROST-PCWG3-PSA",
        "PROST-PHOENIX",
        "PROST-SRT-WINDOW",
        "SOLID-RECIST11",
        "TOX-AKI-KDIGO",
        "TOX-ANC4-7D",
        "TOX-HYS-LAW",
    }
)
"""The rules of which the simulator makes stories with a known end."""


@cache
def cohort(seed: int) -> Cohort:
    return simulate(seed, 60, date(2024, 1, 1), 24)


def truth(seed: int) -> list[Verdict]:
    return [
        Verdict(row.patient_id, row.rule, row.state, row.tag, row.at, row.onset)
        for row in cohort(seed).truth
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_engine_says_what_the_simulator_planted(seed: int) -> None:
    """State, tag, the day on which it could be known, and the day of the first evidence."""
    until = datetime.combine(cohort(seed).until, time.max, UTC)
    result = replay(cohort(seed).events, all_rules(), until=until)
    assert differences(result.revisions, truth(seed), [rule.id for rule in all_rules()]) == []


def test_the_truth_is_about_every_state_and_every_rule_that_was_planted() -> None:
    """So that agreement means something: each state occurs, and each rule is found right."""
    rows = [row for seed in SEEDS for row in truth(seed)]
    states = {row.state for row in rows}
    assert states >= {"none", "suspected", "confirmed", "refuted", "retracted", "overdue"}
    assert {row.rule for row in rows} == PLANTED
    assert {row.rule for row in rows if row.state != "none"} == {row.rule for row in rows}
    assert sum(row.onset is not None for row in rows) > 50
