"""A review of a rule change tells all that differs between two replays, and nothing else."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from support import packs
from support.histories import invented
from support.living import rule_named
from support.made_up import STORY, rules
from support.stories import STORIES

from services.detector.adapters.replay import replay
from services.detector.adapters.review import Difference, Said
from services.detector.adapters.review_run import Sides, review
from services.detector.language import overrides
from services.detector.language.compiler import compile_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.telling import History

    from schemas.events import ClinicalEvent
    from services.detector.adapters.review import Episode
    from services.detector.adapters.review_run import Review
    from services.detector.engine.rule import CompiledRule

Told = dict[tuple[str, int], tuple[Said, ...]]
"""What a journal says, by alert and episode."""


def told_by_replay(events: Sequence[ClinicalEvent], rule: CompiledRule) -> Told:
    """The journal of a plain replay under one set of rules."""
    entries = sorted(
        replay(events, (rule,)).revisions, key=lambda entry: (entry.alert_id, entry.episode)
    )
    grouped = groupby(entries, lambda entry: (entry.alert_id, entry.episode))
    return {key: tuple(map(Said.of, group)) for key, group in grouped}


def told(episodes: Sequence[Episode | None]) -> Told:
    return {(one.alert_id, one.number): one.entries for one in episodes if one is not None}


def reviewed(events: Sequence[ClinicalEvent], one: CompiledRule, other: CompiledRule) -> Review:
    return review(events, Sides.of((one,), (other,)))


def is_the_difference(events: Sequence[ClinicalEvent], one: CompiledRule, two: CompiledRule) -> int:
    """What both tell alike is as often in both; all the rest is in the review, entry by entry."""
    found = reviewed(events, one, two)
    old, new = told_by_replay(events, one), told_by_replay(events, two)
    only_old = told([each.old for each in found.differences])
    only_new = told([each.new for each in found.differences])
    assert only_old.items() <= old.items()
    assert only_new.items() <= new.items()
    rest, other_rest = (
        sorted((key[0], entries) for key, entries in whole.items() if key not in part)
        for whole, part in ((old, only_old), (new, only_new))
    )
    assert rest == other_rest
    assert found.same.total() == len(rest)
    assert (found.old.total(), found.new.total()) == (len(old), len(new))
    return len(found.differences)


def mirrored(one: Difference) -> Difference:
    kinds = {"added": "removed", "removed": "added"}
    kind = type(one.kind)(kinds.get(one.kind, one.kind))
    return Difference(kind, one.new, one.old, one.aspects)


def by_content(differences: Sequence[Difference]) -> list[str]:
    """In an order that has nothing to do with the sides."""
    return sorted(repr((one.kind, one.old, one.new, sorted(one.aspects))) for one in differences)


MADE_UP = invented((STORY,), sizes=(6, 14))


@pytest.mark.slow
@settings(max_examples=80)
@given(rules(), rules(), MADE_UP)
def test_of_made_up_rules(one: CompiledRule, other: CompiledRule, history: History) -> None:
    events = history.versions
    forth, back = reviewed(events, one, other), reviewed(events, other, one)
    assert by_content(list(map(mirrored, forth.differences))) == by_content(back.differences)
    assert forth.same == back.same
    if one.card.version != other.card.version:
        is_the_difference(events, one, other)
    assert reviewed(events, one, one).differences == []


PSA = tuple(story for story in STORIES if story.rule == "PROST-BCR-RP")
PARAMETERS = ("threshold: 0.4 ng/mL", "clearance: 84 d")


@pytest.mark.slow
@settings(max_examples=30)
@given(invented(PSA, sizes=(4, 10)), st.sampled_from(PARAMETERS))
def test_of_a_site_s_parameter(history: History, parameter: str) -> None:
    is_the_difference(history.versions, rule_named("PROST-BCR-RP"), with_parameter(parameter))


@cache
def with_parameter(parameter: str) -> CompiledRule:
    site = f"rules: {{PROST-BCR-RP: {{params: {{{parameter}}}}}}}"
    (rule,) = (rule for rule in packs.rules() if rule.id == "PROST-BCR-RP")
    return compile_rule(overrides.apply((rule,), site, "site.yaml")[0])


def test_such_histories_do_differ() -> None:
    """Else the two properties would hold of nothing."""
    ours, other = rule_named("PROST-BCR-RP"), with_parameter(PARAMETERS[0])
    find(
        invented(PSA, sizes=(4, 10)),
        lambda history: is_the_difference(history.versions, ours, other) > 0,
        settings=settings(phases=[Phase.generate]),
    )
