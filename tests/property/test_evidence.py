"""The evidence of every finding is enough for it, and nothing in it can be left out."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from support import SHARED, packs
from support.evidence import Flaw, flaws
from support.histories import invented
from support.living import all_rules, derived, facts_of, the_end
from support.retellings import retellings
from support.stories import STORIES

from schemas.events import EVENT
from services.detector.language.compiler import compile_rule
from services.detector.rulebook.facts import events_of, parameters_of
from services.detector.rulebook.library import PACKS
from services.detector.rulebook.runner import with_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.telling import History

    from schemas.events import ClinicalEvent
    from services.detector.engine.rule import CompiledRule

ALERTING = {rule.id for rule in packs.rules() if rule.kind != "function"}
CASES = [case for case in packs.cases() if case.rule in ALERTING]
COHORT = PACKS.parents[2] / "examples" / "cohort-small.jsonl"
ARCHIVES = sorted(SHARED.glob("data/*/events.jsonl"))


def found(versions: Sequence[ClinicalEvent], rule: CompiledRule | None = None) -> list[Flaw]:
    facts = facts_of(versions)
    end = the_end(facts)
    monitor = derived(facts, end, None if rule is None else (rule,))
    return list(flaws(monitor, end, rule))


@pytest.mark.parametrize("part", range(2))
def test_of_random_histories(part: int) -> None:
    @settings(max_examples=400)
    @given(invented(STORIES[part::2], people=False))
    def check(history: History) -> None:
        assert found(history.versions) == []

    check()


@settings(max_examples=400)
@given(retellings(people=False))
def test_of_the_cases_with_mishaps(history: History) -> None:
    assert found(history.versions) == []


@pytest.mark.parametrize("rule", sorted(ALERTING))
def test_of_the_cases_of_every_rule(rule: str) -> None:
    spec = next(one for one in packs.rules() if one.id == rule)
    told = 0
    for case in CASES:
        if case.rule != rule:
            continue
        asked = with_parameters(spec, parameters_of(case, spec), case.place)
        versions = [event for _, event in events_of(case, asked)]
        assert found(versions, compile_rule(asked)) == [], case.id
        told += 1
    assert told, "no case of this rule was looked at"


def patients(path: Path, every: int = 1) -> list[list[ClinicalEvent]]:
    with path.open(encoding="utf-8") as lines:
        events: list[ClinicalEvent] = [EVENT.validate_json(line) for line in lines if line.strip()]
    events.sort(key=lambda event: event.patient_id)
    groups = [list(group) for _, group in groupby(events, key=lambda event: event.patient_id)]
    return groups[::every]


def test_of_the_example_cohort() -> None:
    assert all(found(versions) == [] for versions in patients(COHORT))


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.parent.name)
def test_of_real_patients(path: Path) -> None:
    """Every tenth of them."""
    for versions in patients(path, every=10):
        assert found(versions) == []


def test_the_archives_are_where_they_ought_to_be() -> None:
    if not SHARED.is_dir():
        pytest.skip("shared/data is not beside the repository")
    assert ARCHIVES
    assert all_rules()
