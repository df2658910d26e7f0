"""A restart in between changes nothing and says nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import histories
from support.living import as_released, facts_of, in_batches
from support.promises import a_restart_changes_nothing, ways

if TYPE_CHECKING:
    from support.promises import Way
    from support.telling import History

STOPS = st.sets(st.integers(0, 25), max_size=4)


@settings(max_examples=300)
@given(histories(), STOPS)
def test_a_restart_changes_nothing_and_says_nothing(history: History, stops: set[int]) -> None:
    a_restart_changes_nothing(as_released(facts_of(history.versions)), stops)


@settings(max_examples=200)
@given(ways(histories()), STOPS)
def test_whatever_the_order_of_the_messages(way: Way, stops: set[int]) -> None:
    a_restart_changes_nothing(in_batches(way.messages, range(len(way.messages))), stops)
