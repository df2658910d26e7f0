"""Stored states are a speed-up of the evaluation from scratch, after every single message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import invented
from support.living import facts_of
from support.promises import both_engines_agree, ways
from support.retellings import retellings

if TYPE_CHECKING:
    from support.promises import Way

    from services.detector.engine.fact import Fact


@settings(max_examples=300)
@given(ways(invented(sizes=(4, 10))), st.booleans())
def test_after_every_message_both_engines_say_the_same(way: Way, straight: bool) -> None:  # noqa: FBT001
    both_engines_agree(_in_order(way) if straight else way.messages)


@settings(max_examples=300)
@given(ways(retellings()), st.booleans())
def test_of_a_case_with_mishaps_too(way: Way, straight: bool) -> None:  # noqa: FBT001
    both_engines_agree(_in_order(way) if straight else way.messages)


def _in_order(way: Way) -> list[Fact]:
    return sorted(facts_of(way.history.versions), key=lambda fact: fact.issued)
