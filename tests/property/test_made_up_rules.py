"""The promises of the engine hold of any rule that the language can say, not only of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import invented
from support.living import in_batches
from support.made_up import STORY, rules
from support.promises import (
    a_restart_changes_nothing,
    arrival_does_not_matter,
    both_engines_agree,
    ways,
)

if TYPE_CHECKING:
    from support.promises import Way

    from services.detector.engine.rule import CompiledRule

WAYS = ways(invented((STORY,), sizes=(6, 20)))


@pytest.mark.parametrize("part", range(2))
def test_every_way_of_arrival_ends_in_the_same_alerts(part: int) -> None:
    del part

    @settings(max_examples=400)
    @given(rules(), WAYS)
    def check(rule: CompiledRule, way: Way) -> None:
        arrival_does_not_matter(way, (rule,))

    check()


@settings(max_examples=400)
@given(rules(), WAYS)
def test_both_engines_say_the_same(rule: CompiledRule, way: Way) -> None:
    both_engines_agree(way.messages, (rule,))


@settings(max_examples=300)
@given(rules(), WAYS, st.sets(st.integers(0, 25), max_size=4))
def test_a_restart_changes_nothing(rule: CompiledRule, way: Way, stops: set[int]) -> None:
    a_restart_changes_nothing(in_batches(way.messages, range(len(way.messages))), stops, (rule,))
