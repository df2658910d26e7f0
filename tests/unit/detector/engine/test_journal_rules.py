"""The laws of a journal, on findings made by hand: what is said, said again, or kept silent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.lanes import day, fact

from schemas.alerts import Role, State
from services.detector.engine.finding import Finding
from services.detector.engine.journal import Change, Journal, Revision

Placed = tuple[Any, Finding]
STATES = (State.SUSPECTED, State.CONFIRMED, State.REFUTED, State.OVERDUE, State.CLEARED)
OPENING = {State.SUSPECTED, State.OVERDUE}


def step(
    state: State, at: int, *, criterion: str = "c", onset: int | None = None, late: int = 0
) -> Placed:
    """A finding at its place; it opens an episode where its state does."""
    one = fact(f"f{at}", at, late=late)
    first = one if onset is None else fact(f"f{onset}", onset)
    found = Finding(
        criterion,
        state,
        opens=state in OPENING,
        day=day(at),
        onset=first,
        trigger=one,
        cited=((one, Role.TRIGGER),),
    )
    return ((day(at), 0, 0, "LAB", f"f{at}"), found)


def brief(revisions: list[Revision]) -> list[tuple[str, str, int]]:
    return [(one.change.value, one.state.value, one.episode) for one in revisions]


def test_to_look_again_says_nothing() -> None:
    journal = Journal()
    told = [step(State.SUSPECTED, 0), step(State.CONFIRMED, 7, onset=0)]
    assert brief(journal.update(told)) == [("raised", "suspected", 1), ("raised", "confirmed", 1)]
    assert journal.update(told) == []
    assert journal.revisions == 2


def test_what_was_overdue_and_done_before_anybody_could_be_told_is_kept_in_silence() -> None:
    journal = Journal()
    told = [step(State.OVERDUE, 0), step(State.CLEARED, 3)]
    assert journal.update(told) == []
    assert [episode for *_, episode in journal.dump()["steps"]] == [0, 0]
    assert brief(journal.update([*told, step(State.OVERDUE, 9)])) == [("raised", "overdue", 1)]


def test_what_is_cleared_is_told_apart_by_the_day_on_which_it_was_due() -> None:
    """A second round falls away: the first keeps its own answer, and its own episode."""
    first, second = missed_and_done(0), missed_and_done(20)
    journal = Journal()
    for told in (first[:1], first, [*first, second[0]], [*first, *second]):
        journal.update(told)
    assert journal.update(first) == []
    assert [episode for *_, episode in journal.dump()["steps"]] == [1, 1]


def missed_and_done(at: int) -> list[Placed]:
    """A test that was due, and its arrival three days later, as a rule says them."""
    overdue, (place, arrived) = step(State.OVERDUE, at), step(State.CLEARED, at + 3)
    return [overdue, (place, replace(arrived, onset=None, awaited=overdue[1].day))]


def test_the_criteria_of_an_alert_speak_in_one_order_also_after_a_restart() -> None:
    told = [
        step(State.SUSPECTED, 0, criterion="a"),
        step(State.SUSPECTED, 0, criterion="b"),
        step(State.CONFIRMED, 7, criterion="b", onset=0),
    ]
    straight = Journal()
    straight.update(told)
    straight.update(told)
    again = Journal.load(json.loads(json.dumps(straight.dump())))
    said = [journal.update(told, setting="comfort-only") for journal in (straight, again)]
    assert [one.episode for one in said[0]] == [1, 2]
    assert said[0] == said[1]


def test_when_the_clearing_was_an_error_the_silent_one_is_told_after_all() -> None:
    journal = Journal()
    journal.update([step(State.OVERDUE, 0), step(State.CLEARED, 3)])
    assert brief(journal.update([step(State.OVERDUE, 0)])) == [("raised", "overdue", 1)]


def test_one_retraction_for_each_episode_that_falls() -> None:
    journal = Journal()
    journal.update([step(State.SUSPECTED, 0), step(State.CONFIRMED, 7, onset=0)])
    assert brief(journal.update([])) == [("withdrawn", "retracted", 1)]
    assert journal.update([]) == []


def test_a_past_that_reads_otherwise_is_rewritten_in_silence() -> None:
    """What stands last is the same; a refuted suspicion before it is news to nobody."""
    journal = Journal()
    last = step(State.SUSPECTED, 20)
    journal.update([last])
    before = [step(State.SUSPECTED, 0), step(State.REFUTED, 3, onset=0)]
    assert journal.update([*before, last]) == []
    assert [one.episode for one in journal.steps["c"]][-1] == 1
    assert [one[1] for one in journal.dump()["steps"]] == ["suspected", "refuted", "suspected"]


def test_other_evidence_for_the_same_finding_revises_it() -> None:
    journal = Journal()
    journal.update([step(State.SUSPECTED, 0)])
    corrected = [step(State.SUSPECTED, 0, late=2)]
    assert brief(journal.update(corrected)) == [("revised", "suspected", 1)]
    assert brief(journal.update(corrected, setting="comfort-only")) == [("revised", "suspected", 1)]


def test_a_later_episode_falls_while_the_evidence_of_the_earlier_one_changes() -> None:
    """Both are said at once, and looking again says neither."""
    journal = Journal()
    journal.update([step(State.SUSPECTED, 1), step(State.SUSPECTED, 9)])
    other = [step(State.SUSPECTED, 1, late=3)]
    assert brief(journal.update(other)) == [
        ("withdrawn", "retracted", 2),
        ("revised", "suspected", 1),
    ]
    assert journal.update(other) == []


def test_an_old_episode_that_lapsed_is_answered_by_a_late_result() -> None:
    """Its readers still held it open; what stands is then said last."""
    journal = Journal()
    first, second = step(State.SUSPECTED, 1), step(State.SUSPECTED, 9)
    journal.update([first, second])
    late = [first, step(State.REFUTED, 3, onset=1), second]
    assert brief(journal.update(late)) == [("withdrawn", "refuted", 1), ("revised", "suspected", 2)]
    assert journal.update(late) == []


def test_what_still_stands_is_the_last_word_when_another_criterion_falls() -> None:
    journal = Journal()
    left, falls = step(State.SUSPECTED, 0, criterion="left"), step(State.SUSPECTED, 1)
    journal.update([left, falls])
    assert brief(journal.update([left])) == [
        ("withdrawn", "retracted", 2),
        ("revised", "suspected", 1),
    ]


def test_through_storage_the_journal_goes_on() -> None:
    journal = Journal()
    told = [step(State.SUSPECTED, 0), step(State.CONFIRMED, 7, onset=0)]
    journal.update(told)
    again = Journal.load(journal.dump())
    assert again.update(told) == []
    assert again.dump() == journal.dump()
    assert [one.change for one in again.update([])] == [Change.WITHDRAWN]


@st.composite
def courses(draw: st.DrawFn) -> list[Placed]:
    """Findings of two criteria, in clinical order, as a machine could have given them."""
    found: list[Placed] = []
    phases: dict[str, State | None] = {"c": None, "d": None}
    follows = {
        None: (State.SUSPECTED, State.OVERDUE),
        State.SUSPECTED: (State.CONFIRMED, State.REFUTED),
        State.OVERDUE: (State.CLEARED,),
        State.CONFIRMED: (State.REFUTED,),
    }
    for at in sorted(draw(st.sets(st.integers(0, 12), max_size=7))):
        name = draw(st.sampled_from(("c", "d")))
        state = draw(st.sampled_from(follows[phases[name]]))
        phases[name] = None if state in {State.REFUTED, State.CLEARED} else state
        late = draw(st.sampled_from((0, 0, 0, 1)))
        found.append(step(state, at, criterion=name, late=late))
    return found


def first_difference(old: list[Placed], new: list[Placed]) -> Any:
    """The first place at which something else is said."""
    read = [
        {place: (one.key, one.cited[0][0].issued, one.criterion) for place, one in said}
        for said in (old, new)
    ]
    changed = [p for p in read[0].keys() | read[1].keys() if read[0].get(p) != read[1].get(p)]
    return min(changed, default=None)


def suffix(told: list[Placed], since: Any) -> list[Placed]:
    """What a lane gives: of each criterion its last place before the change, and all after it."""
    kept: list[Placed] = []
    for name in ("c", "d"):
        own = [one for one in told if one[1].criterion == name]
        before = [one for one in own if since is None or one[0] < since]
        kept += own[max(len(before) - 1, 0) :]
    return sorted(kept, key=lambda one: one[0])


@st.composite
def lives(draw: st.DrawFn) -> list[list[Placed]]:
    """A course as it is told again and again, each time without some of its findings."""
    course = draw(courses())
    places = st.sets(st.sampled_from([place for place, _ in course]), max_size=3)
    gone = draw(st.lists(places, min_size=1, max_size=5)) if course else []
    return [course, *([one for one in course if one[0] not in out] for out in gone)]


@settings(max_examples=300)
@given(lives())
def test_a_comparison_from_the_change_on_is_the_whole_comparison(
    lives: list[list[Placed]],
) -> None:
    whole, short = Journal(), Journal()
    old: list[Placed] = []
    for now in lives:
        since = first_difference(old, now)
        wanted = whole.update(now)
        assert brief(short.update(suffix(now, since), since=since)) == brief(wanted)
        assert short.dump() == whole.dump()
        old = now


def test_an_escalation_that_is_answered_at_once_is_kept_in_silence_with_what_it_escalates() -> None:
    first, (place, found) = step(State.OVERDUE, 0), step(State.OVERDUE, 30)
    second = (place, replace(found, opens=False))
    told = [first, second, step(State.CLEARED, 40)]
    journal = Journal()
    assert journal.update(told) == []
    assert [episode for *_, episode in journal.dump()["steps"]] == [0, 0, 0]
    heard = Journal()
    heard.update([first])
    assert brief(heard.update(told)) == [("withdrawn", "cleared", 1)]
