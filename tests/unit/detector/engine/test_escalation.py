"""A level that goes up within one finding, is suspected first, and ends with new facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.lanes import PSA, fact, rule_of, when

from schemas.alerts import Role, State
from services.detector.engine.escalation import Escalation
from services.detector.engine.finding import Arm, Finding
from services.detector.engine.lane import Lane
from services.detector.engine.rule import WHOLE_PATIENT

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact

ARMS = (Arm(when(">=", "4"), "one"), Arm(when(">=", "8"), "two"), Arm(when(">=", "9"), "two"))


def lane_of(*facts: Fact, incremental: bool = True, **said: Any) -> Lane:
    about: dict[str, Any] = {"keeps_onset": True, "refute": when("<", "1")} | said
    rule = rule_of(Escalation("level", PSA, ARMS, state=State.CONFIRMED, **about))
    lane = Lane(rule, incremental=incremental)
    for one in facts:
        entry = rule.place(one, WHOLE_PATIENT)
        assert entry is not None
        lane.change((), (entry,))
    return lane


def findings(*facts: Fact, **said: Any) -> list[Finding]:
    found, _ = lane_of(*facts, **said).findings(0)
    return found


def told(*facts: Fact, **said: Any) -> list[tuple[str, str | None, str | None]]:
    return [
        (one.state.value, one.tag, one.onset.key[1] if one.onset else None)
        for one in findings(*facts, **said)
    ]


def test_a_rise_keeps_the_onset() -> None:
    story = (fact("a", 0, "5"), fact("b", 1, "4"), fact("c", 2, "8"))
    assert told(*story) == [("confirmed", "one", "a"), ("confirmed", "two", "a")]
    assert [one.opens for one in findings(*story)] == [True, False]


def test_it_rests_on_what_began_it_and_on_the_rise() -> None:
    story = (fact("a", 0, "5"), fact("b", 1, "6"), fact("c", 2, "8"))
    cited = {one.key[1]: role for one, role in findings(*story)[-1].cited}
    assert cited == {"c": Role.TRIGGER, "a": Role.SUPPORT}


def test_without_it_each_rise_has_its_own_onset() -> None:
    story = (fact("a", 0, "5"), fact("c", 2, "8"))
    assert told(*story, keeps_onset=False) == [("confirmed", "one", "a"), ("confirmed", "two", "c")]


def test_a_higher_level_of_the_same_name_is_not_told_again() -> None:
    story = (fact("a", 0, "8"), fact("b", 1, "9"))
    assert told(*story) == [("confirmed", "two", "a")]


def test_what_ends_it_lets_the_next_begin_anew() -> None:
    story = (fact("a", 0, "8"), fact("b", 1, "0.5"), fact("c", 2, "0.5"), fact("d", 3, "5"))
    assert told(*story) == [
        ("confirmed", "two", "a"),
        ("refuted", None, "a"),
        ("confirmed", "one", "d"),
    ]


def test_a_preliminary_fact_is_at_most_a_suspicion() -> None:
    early = fact("a", 0, "9", status="preliminary")
    assert told(early) == []
    suspect = (Arm(when(">=", "2")),)
    assert told(early, suspect=suspect) == [("suspected", None, "a")]
    assert told(early, fact("b", 1, "8"), suspect=suspect) == [
        ("suspected", None, "a"),
        ("confirmed", "two", "a"),
    ]


def test_a_suspicion_is_said_once_and_can_be_ended() -> None:
    suspect = (Arm(when(">=", "2")),)
    story = (fact("a", 0, "3"), fact("b", 1, "3"), fact("c", 2, "0.5"))
    assert told(*story, suspect=suspect) == [("suspected", None, "a"), ("refuted", None, "a")]
    early = fact("c", 2, "0.5", status="preliminary")
    assert told(*story[:2], early, suspect=suspect) == [("suspected", None, "a")]


@pytest.mark.parametrize(("gap", "episodes"), [(7, 1), (8, 2)])
def test_after_a_long_silence_it_is_a_new_episode(gap: int, episodes: int) -> None:
    story = (fact("a", 0, "5"), fact("b", gap, "5"))
    assert len(told(*story, rearm=7)) == episodes


def test_what_cant_be_known_is_reported() -> None:
    lane = lane_of(fact("a", 0, "5", unit="mg/kg"))
    assert [one.fact.key[1] for one in lane.doubts()] == ["a"]


def test_a_late_fact_leads_to_the_same_as_one_in_time() -> None:
    story = (fact("a", 0, "5"), fact("b", 1, "0.5"), fact("c", 2, "8"), fact("d", 3, "9"))
    straight = [one.identity for one in findings(*story)]
    for order in ((3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 3, 1)):
        mixed = [story[place] for place in order]
        assert [one.identity for one in findings(*mixed)] == straight
        assert [one.identity for one in findings(*mixed, incremental=False)] == straight
