"""The strategies reach what they are for: a property of histories without events proves nothing."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, find, given, seed, settings
from support import packs
from support.histories import histories, invented
from support.living import Life, as_released, facts_of, live, rule_named, spoken, the_end
from support.made_up import STORY, rules
from support.retellings import retellings
from support.stories import STORIES

from schemas.alerts import State
from schemas.events import Patient

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis import strategies as st
    from support.stories import Story
    from support.telling import History

    from services.detector.engine.rule import CompiledRule

RULES = {case.rule for case in packs.cases()} & {
    rule.id for rule in packs.rules() if rule.kind != "function"
}
LOUD = {State.CONFIRMED, State.OVERDUE, State.WINDOW}


def lived(history: History, rule: CompiledRule | None = None) -> Life:
    facts = facts_of(history.versions)
    return live(as_released(facts), the_end(facts), None if rule is None else (rule,))


def looked(
    tales: st.SearchStrategy[History], see: Callable[[History], None], examples: int
) -> None:
    """The same examples every time."""

    @seed(1)
    @settings(max_examples=examples, database=None, phases=(Phase.generate,))
    @given(tales)
    def look(history: History) -> None:
        see(history)

    look()


def reached(tales: st.SearchStrategy[History], loud: Callable[[History], bool]) -> None:
    """Among the first examples there is such a one, or `NoSuchExample` says that there is none."""
    some = settings(max_examples=600, database=None, phases=(Phase.generate,))
    find(tales, loud, settings=some, random=Random(1))  # noqa: S311  (examples, no secrets)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.rule)
def test_the_invented_ones_reach_what_a_rule_is_for(story: Story) -> None:
    rule = rule_named(story.rule)

    def loud(history: History) -> bool:
        return any(one.state in LOUD for one in lived(history, rule).revisions)

    reached(invented((story,), people=False), loud)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_the_retold_ones_reach_what_a_rule_says(rule: str) -> None:
    """And what it takes back or says otherwise."""

    def changed(history: History) -> bool:
        told = {one.change for one in lived(history, rule_named(rule)).revisions}
        return "raised" in told and len(told) > 1

    reached(retellings(rule), changed)


def test_all_that_may_happen_to_a_patient_happens() -> None:
    met: Counter[str] = Counter()

    def see(history: History) -> None:
        life = lived(history)
        met.update(one.state.value for one in life.revisions)
        met.update(one.change for one in life.revisions)
        met.update(version.status.value for version in history.versions)
        met.update(f"patient: {name}" for name in told_of_people(history))
        courses = {(step.patient, step.rule, step.course) for step in spoken(life.monitor)}
        met["one rule of two courses"] += len(courses) > len({where[:2] for where in courses})
        met["a second episode"] += any(one.episode > 1 for one in life.revisions)
        met["two records"] += len({version.patient_id for version in history.versions}) > 1

    looked(histories(), see, 800)
    wanted = {state.value for state in State} | {"raised", "revised", "withdrawn"}
    wanted |= {"preliminary", "final", "corrected", "cancelled", "entered-in-error"}
    wanted |= {f"patient: {name}" for name in ("deceased_at", "goals_of_care", "merged_into")}
    wanted |= {"one rule of two courses", "a second episode", "two records"}
    assert {name for name in wanted if met[name] < 3} == set(), met  # one rule has windows


def told_of_people(history: History) -> set[str]:
    people = [version for version in history.versions if isinstance(version, Patient)]
    return {name for one in people for name in one.model_dump(exclude_none=True)}


def test_made_up_rules_of_every_shape_speak() -> None:
    spoke: Counter[str] = Counter()

    @seed(1)
    @settings(max_examples=300, database=None, phases=(Phase.generate,))
    @given(rules(), invented((STORY,), sizes=(6, 20)))
    def look(rule: CompiledRule, history: History) -> None:
        heard = {step.criterion for step in spoken(lived(history, rule).monitor)}
        spoke.update({type(one).__name__ for one in rule.machines if one.name in heard})

    look()
    shapes = ("Pattern", "Tiers", "Missing", "Sequence")
    assert min(spoke[shape] for shape in shapes) >= 5, spoke
