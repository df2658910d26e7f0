"""The order, batching, repetition and lateness of messages don't matter to what is said at last.

See `support.living` for what must be equal and what depends on the way by nature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from support.histories import invented
from support.promises import arrival_does_not_matter, ways
from support.retellings import retellings

if TYPE_CHECKING:
    from support.promises import Way


@pytest.mark.parametrize("part", range(2))
def test_every_way_of_arrival_ends_in_the_same_alerts(part: int) -> None:
    del part  # the same property over other examples, for as many processors as there are

    @settings(max_examples=500)
    @given(ways(invented()))
    def check(way: Way) -> None:
        arrival_does_not_matter(way)

    check()


@pytest.mark.parametrize("part", range(2))
def test_of_a_case_with_mishaps_too(part: int) -> None:
    del part

    @settings(max_examples=400)
    @given(ways(retellings()))
    def check(way: Way) -> None:
        arrival_does_not_matter(way)

    check()
