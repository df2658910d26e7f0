"""The unit in which a laboratory reports makes no difference to what the rules say.

Every result of an analyte, with its reference limits and whatever it is compared with, is written
in another accepted unit of that analyte; the alerts must be the same but for the words that quote
the report. Only exact scales are asked: a rounded conversion may by right fall on the other side.
Creatinine is left out: KDIGO's limits are published, and rounded, for each of its units apart.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import invented
from support.living import (
    Life,
    as_released,
    doubts,
    facts_of,
    live,
    rule_named,
    the_end,
    verdicts,
)
from support.stories import STORIES

from schemas.base import MAX_DIGITS
from schemas.events import Observation
from schemas.terminology.analytes import all_analytes, analyte
from schemas.terminology.units import Scale, scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.stories import Story
    from support.telling import History

    from schemas.events import ClinicalEvent

APART = frozenset({"creatinine"})
"""Analytes for which a rule has one limit for each unit, which are not the same limit."""


class Rewriting(NamedTuple):
    """Results of an analyte in one unit, written in another: so many of it are one of the first."""

    analyte: str
    unit: str
    other: str
    factor: Decimal

    def __str__(self) -> str:
        return f"{self.analyte} {self.unit} as {self.other}"


def rewritings(story: Story) -> list[Rewriting]:
    return [
        Rewriting(name, lab.unit, other, factor)
        for name, lab in story.labs.items()
        if name not in APART
        for other in units_of(name)
        if other != lab.unit and (factor := _exact(name, lab.unit, other)) is not None
    ]


def units_of(name: str) -> tuple[str, ...]:
    """The units in which results of an analyte are accepted."""
    known = analyte(name)
    assert known is not None
    return tuple(dict.fromkeys((known.unit, *known.units, *known.factors)))


def _exact(name: str, unit: str, other: str) -> Decimal | None:
    """How many of the other unit one of the first is, where that has an end as a decimal."""
    known = analyte(name)
    assert known is not None
    here, there = scale(unit, known), scale(other, known)
    if not (isinstance(here, Scale) and isinstance(there, Scale) and here.exact and there.exact):
        return None
    factor = here.numerator / there.numerator
    exact = Fraction(factor) * Fraction(there.numerator) == Fraction(here.numerator)
    return factor if exact and not (here.offset or there.offset) else None


TOLD = {story.rule: story for story in STORIES}
CASES = [(story, one) for story in STORIES for one in rewritings(story)]


def rewritten(versions: Sequence[ClinicalEvent], how: Rewriting) -> list[ClinicalEvent]:
    return [_rewritten(one, how) for one in versions]


def _rewritten(version: ClinicalEvent, how: Rewriting) -> ClinicalEvent:
    if not isinstance(version, Observation) or version.analyte != how.analyte:
        return version
    if version.unit != how.unit or version.value is None:
        return version
    names = ("value", "reference_low", "reference_high")
    said = {name: getattr(version, name) for name in names}
    scaled = {name: one if one is None else one * how.factor for name, one in said.items()}
    assert all(len(one.as_tuple().digits) <= MAX_DIGITS for one in scaled.values() if one)
    return version.model_copy(update={**scaled, "unit": how.other})


def settled(history: History) -> list[ClinicalEvent]:
    """Without versions of one instant and status: a digest of the wording decides between them."""
    first: dict[object, ClinicalEvent] = {}
    for one in history.versions:
        first.setdefault((one.event_id, one.issued_at, one.status), one)
    return list(first.values())


def lived(versions: Sequence[ClinicalEvent], rule: str) -> Life:
    facts = facts_of(versions)
    return live(as_released(facts), the_end(facts), (rule_named(rule),))


def read(life: Life) -> list[tuple[object, ...]]:
    """What is read of every revision, in whatever unit."""
    return [
        (
            (one.change, one.state, one.tag, one.grade, one.severity, one.episode),
            (one.at, one.onset, one.confirm_by, one.act_by),
            [(item.event_id, item.role, item.at) for item in one.evidence],
        )
        for one in life.revisions
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].rule}: {case[1]}")
def test_another_unit_gives_the_same_alerts(case: tuple[Story, Rewriting]) -> None:
    story, how = case

    @settings(max_examples=40)
    @given(invented((story,), people=False))
    def check(history: History) -> None:
        versions = settled(history)
        here, there = lived(versions, story.rule), lived(rewritten(versions, how), story.rule)
        assert read(there) == read(here)
        assert verdicts(there.monitor) == verdicts(here.monitor)
        assert doubts(there.monitor) == doubts(here.monitor)

    check()


@settings(max_examples=100)
@given(invented(tuple(s for s in STORIES if rewritings(s)), people=False), st.data())
def test_laboratories_with_different_units_may_take_turns(
    history: History, data: st.DataObject
) -> None:
    """A ratio of a result in one unit to a baseline in another is the ratio of the two."""
    how = data.draw(st.sampled_from(rewritings(TOLD[history.rule])))
    before = settled(history)
    chosen = data.draw(st.sets(st.sampled_from(sorted({one.event_id for one in before}))))
    mixed = [_rewritten(one, how) if one.event_id in chosen else one for one in before]
    here, there = lived(before, history.rule), lived(mixed, history.rule)
    assert read(there) == read(here)
    assert doubts(there.monitor) == doubts(here.monitor)


@pytest.mark.parametrize("known", all_analytes(), ids=lambda known: known.key)
def test_units_that_scale_exactly_do_so_both_ways(known: object) -> None:
    """What the property rests on: a number goes to the canonical unit without losing a digit."""
    key = known.key  # type: ignore[attr-defined]
    for unit in units_of(key):
        by = scale(unit, known) if unit else None  # type: ignore[arg-type]
        if isinstance(by, Scale) and by.exact and not by.offset:
            assert by.apply(Decimal("0.123456789")) == Decimal("0.123456789") * by.numerator


def test_every_rule_on_numbers_is_asked() -> None:
    """BCR::ABL1 has one unit, HIV RNA only a logarithm beside its own; creatinine is APART."""
    asked = {story.rule for story, _ in CASES}
    numeric = {story.rule for story in STORIES if story.labs}
    assert numeric - asked == {"CML-ELN", "HIV-VF-WHO", "HIV-VL-OVERDUE", "TOX-AKI-KDIGO"}
