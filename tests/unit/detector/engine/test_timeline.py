"""The last writer wins, whoever comes first."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from support.lanes import at_noon, fact

from services.detector.engine.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.detector.engine.fact import Fact

PRELIMINARY = fact("a", 0, "1", status="preliminary")
FINAL = fact("a", 0, "2", late=2)
CORRECTED = fact("a", 1, "3", late=8, status="corrected")
WITHDRAWN = fact("a", 1, "3", late=20, status="entered-in-error")
TWIN = fact("a", 0, "4", late=2)


def chart(versions: Iterable[Fact]) -> Timeline:
    timeline = Timeline()
    for version in versions:
        timeline.merge(version)
    return timeline


def seen(timeline: Timeline) -> list[tuple[object, int]]:
    return [(fact.value, fact.known) for fact in timeline]


@pytest.mark.parametrize(
    "versions",
    [
        (PRELIMINARY, FINAL),
        (PRELIMINARY, FINAL, CORRECTED),
        (FINAL, CORRECTED, WITHDRAWN),
        (FINAL, TWIN),
        (FINAL, TWIN, CORRECTED, PRELIMINARY),
    ],
)
def test_every_order_gives_the_same(versions: tuple[Fact, ...]) -> None:
    outcomes = [seen(chart(order)) for order in permutations(versions)]
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert seen(chart(versions + versions)) == outcomes[0]


def test_a_correction_keeps_when_the_fact_was_first_known() -> None:
    (one,) = chart((FINAL, CORRECTED))
    assert (one.known, one.issued) == (at_noon(2), at_noon(9))
    (one,) = chart((CORRECTED, FINAL))
    assert one.known == at_noon(2)


def test_a_preliminary_result_is_not_yet_known() -> None:
    (one,) = chart((PRELIMINARY, FINAL))
    assert one.known == at_noon(2)


def test_a_tombstone_stays() -> None:
    timeline = chart((WITHDRAWN,))
    assert timeline.merge(FINAL) is None
    assert (list(timeline), len(timeline)) == ([], 1)
    assert ("LAB", "a") in timeline


def test_merging_tells_what_stood_and_what_stands() -> None:
    timeline = Timeline()
    assert timeline.merge(FINAL) == (None, FINAL)
    assert timeline.merge(FINAL) is None
    before, after = timeline.merge(WITHDRAWN) or (None, None)
    assert (before, after) == (FINAL, None)
    assert timeline.merge(PRELIMINARY) is None


def test_at_the_same_moment_the_later_status_wins_then_the_content() -> None:
    corrected = fact("a", 0, "9", late=2, status="corrected")
    assert [f.value for f in chart((corrected, FINAL))] == [corrected.value]
    winner = max((FINAL, TWIN), key=lambda version: version.content)
    assert [f.value for f in chart((FINAL, TWIN))] == [winner.value]


def test_what_is_restored_is_what_was_stored() -> None:
    stored = chart((FINAL, CORRECTED, fact("b", 3, status="cancelled")))
    again = Timeline()
    for version, known in stored.versions():
        again.restore(version, known)
    assert (seen(again), len(again)) == (seen(stored), 2)
    assert again.merge(FINAL) is None


def test_two_records_of_one_person_share_their_facts() -> None:
    for first, second in (((FINAL,), (CORRECTED,)), ((CORRECTED,), (FINAL,))):
        one = chart(first)
        one.absorb(chart(second))
        assert seen(one) == seen(chart((FINAL, CORRECTED)))
    one = chart((FINAL,))
    one.absorb(chart((WITHDRAWN,)))
    assert list(one) == []


def test_the_earliest_final_release_counts_over_a_withdrawal_of_the_same_moment() -> None:
    """Withdrawn and final at once, corrected later: the evidence existed from the first release."""
    final, gone = fact("a", 0), fact("a", 0, status="entered-in-error")
    corrected = fact("a", 0, "2", late=5, status="corrected")
    for order in permutations((final, gone, corrected)):
        timeline = Timeline()
        for version in order:
            timeline.merge(version)
        (standing,) = timeline
        assert standing.known == final.issued
