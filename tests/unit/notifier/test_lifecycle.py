"""The table of states: every command has an answer everywhere, and the page shows the table."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from support.cases import (
    ANNE,
    BEN,
    DAY,
    DESK,
    HOUR,
    SITE,
    START,
    World,
    actions,
    alert,
    audit,
    site,
)

from schemas.actions import Disposition
from schemas.alerts import Severity, State
from services.notifier.cases.commands import (
    Accept,
    Acknowledge,
    Assign,
    Decline,
    Dispose,
    OfferHandOver,
    Reopen,
    Snooze,
    Start,
    Wake,
)
from services.notifier.cases.deeds import DEEDS
from services.notifier.cases.lifecycle import TABLE, Do, Move, No
from services.notifier.cases.words import PEOPLE, CaseState, Trigger

PAGE = Path(__file__).resolve().parents[3] / "docs" / "notifier.md"
FIRST = ANNE.id


@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("trigger", PEOPLE)
def test_every_command_has_an_answer_in_every_state(state: CaseState, trigger: Trigger) -> None:
    assert isinstance(TABLE[state][trigger], Move | No)


@pytest.mark.parametrize("state", [one for one in CaseState if one is not CaseState.CLOSED])
def test_an_open_case_can_always_be_closed_and_is_never_closed_by_acknowledging(
    state: CaseState,
) -> None:
    assert TABLE[state][Trigger.DISPOSE] == Move(CaseState.CLOSED, (Do.CLOSE,))
    for trigger in (Trigger.ACKNOWLEDGE, Trigger.START, Trigger.SNOOZE):
        found = TABLE[state][trigger]
        assert isinstance(found, No) or found.to is not CaseState.CLOSED


def test_every_deed_is_in_the_table_and_has_its_function() -> None:
    used = {do for row in TABLE.values() for one in row.values() for do in getattr(one, "do", ())}
    assert used == set(Do) == set(DEEDS)


def test_the_page_shows_the_table() -> None:
    states = tuple(f"| {state} |" for state in CaseState)
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    shown = {line for line in lines if line.startswith(states)}
    assert shown == {
        f"| {state} | {trigger} | → {found.to} | {', '.join(found.do)} |"
        if isinstance(found, Move)
        else f"| {state} | {trigger} | refused: {found.why} | |"
        for state, row in TABLE.items()
        for trigger, found in row.items()
    }


# --- People -----------------------------------------------------------------------------------


def opened(**changes: object) -> World:
    world = World(site(**changes) if changes else SITE)
    world.give(alert(act_by=START + 20 * DAY))
    return world


def test_an_acknowledgement_stops_the_ladder_for_a_quarter_of_the_time_left() -> None:
    world = World()
    world.give(alert(act_by=START + 4 * DAY))
    world.give(Acknowledge(by=FIRST), START + HOUR)
    assert world.open.state is CaseState.ACKNOWLEDGED
    assert world.open.pause_until == START + HOUR + (4 * DAY - HOUR) / 4
    assert actions(world.effects) == ["acknowledged"]


def test_an_acknowledgement_lasts_no_longer_than_the_severity_allows() -> None:
    world = opened()
    world.give(Acknowledge(by=FIRST))
    assert world.open.pause_until == START + 4 * DAY


def test_an_acknowledgement_that_runs_out_goes_on_at_the_same_rung() -> None:
    world = opened()
    world.until(START + 5 * DAY)
    rung = world.notices[-1].rung
    world.give(Acknowledge(by=BEN.id))
    assert world.open.owner == BEN
    world.until(START + 9 * DAY)
    again = world.notices[-1]
    assert (again.facts.cause, again.rung, again.to) == ("expired", rung, BEN)


def test_only_somebody_of_the_roster_can_acknowledge() -> None:
    world = opened()
    world.give(Acknowledge(by="stranger"))
    assert world.refusals == ["who asks is in no team's roster"]
    assert world.open.state is CaseState.ASSIGNED


def test_a_snooze_leaves_room_for_the_rest_of_the_ladder() -> None:
    world = opened()
    latest = START + 20 * DAY - DAY - 4 * DAY
    world.give(Snooze(by=FIRST, until=latest + HOUR))
    assert "too long" in world.refusals[0]
    world.give(Snooze(by=FIRST, until=latest))
    assert world.open.state is CaseState.SNOOZED
    world.until(START + 20 * DAY - HOUR)
    assert world.told[-1] == ("desk:desk", "phone", "snooze-ended")


def test_a_snooze_into_the_past_is_refused() -> None:
    world = opened()
    world.give(Snooze(by=FIRST, until=START))
    assert world.refusals == ["that time has passed"]


def test_a_snooze_ends_when_somebody_says_so() -> None:
    world = opened()
    world.give(Snooze(by=FIRST, until=START + 3 * DAY))
    world.give(Wake(by=FIRST), START + DAY)
    assert world.open.state is CaseState.ASSIGNED
    assert world.told[-1] == ("person:first", "push", "snooze-ended")


def test_a_disposition_closes_and_is_published_for_each_finding() -> None:
    world = opened()
    world.give(alert(name="a2"))
    world.give(Dispose(by=FIRST, disposition=Disposition.SALVAGE_REFERRED), START + HOUR)
    assert world.open.state is CaseState.CLOSED
    assert actions(world.effects) == ["disposed", "disposed"]
    assert world.until(START + 60 * DAY) == []


@pytest.mark.parametrize("command", [Acknowledge, Start, Accept, Decline, Wake])
def test_a_closed_case_refuses_everything(command: type[Acknowledge]) -> None:
    world = opened()
    world.give(Dispose(by=FIRST, disposition=Disposition.DUPLICATE))
    world.give(command(by=FIRST))
    assert world.refusals == ["the case is closed"]


def test_what_was_closed_in_error_is_reopened_by_whom_it_then_belongs_to() -> None:
    world = opened()
    world.give(Dispose(by=FIRST, disposition=Disposition.RULE_WRONG), START + HOUR)
    world.give(Reopen(by=BEN.id, note="another patient was meant"), START + 2 * HOUR)
    case = world.open
    assert (case.state, case.owner, case.episode) == (CaseState.ACKNOWLEDGED, BEN, 1)
    assert (case.disposition, case.closed_at, case.marks.disposed) == (None, None, None)
    assert case.act_by == START + 20 * DAY, "what it had asked for, it asks for again"
    assert actions(world.effects) == ["disposed", "reopened"]
    told = len(world.told)
    world.until(START + 19 * DAY)
    assert world.open.state is not CaseState.CLOSED
    assert len(world.told) > told, "and if nobody goes on, people are told"


def test_what_was_reopened_too_late_is_overdue_at_once() -> None:
    world = opened()
    world.give(Dispose(by=FIRST, disposition=Disposition.ALREADY_KNOWN))
    world.give(Reopen(by=FIRST), START + 21 * DAY)
    assert world.open.state is CaseState.OVERDUE


def test_an_open_case_and_one_of_which_nothing_stands_are_not_reopened() -> None:
    world = opened()
    world.give(Reopen(by=FIRST))
    assert world.refusals == ["the case is open"]
    world.give(Dispose(by=FIRST, disposition=Disposition.WRONG_DATA))
    world.give(alert(State.RETRACTED, revision=2))
    world.give(Reopen(by=FIRST))
    assert world.refusals[-1] == "nothing of it stands any more"


def test_somebody_who_works_on_it_is_not_acknowledged_away() -> None:
    world = opened()
    world.give(Start(by=FIRST))
    world.give(Acknowledge(by=BEN.id))
    assert world.open.owner == ANNE
    assert "take it over" in world.refusals[0]


def test_whom_a_case_is_given_to_hears_of_it_and_owns_it() -> None:
    world = opened()
    world.give(Assign(by=FIRST, to=BEN), START + HOUR)
    assert world.open.owner == BEN
    assert world.told[-1] == ("person:cover", "push", "assigned")
    world.give(Assign(by=FIRST, to=BEN), START + HOUR)
    assert world.refusals == ["the recipient has the case already"]


def test_a_desk_that_was_given_a_case_keeps_it() -> None:
    world = opened()
    world.give(Assign(by=FIRST, to=DESK))
    assert world.open.owner == DESK
    assert world.told[-1] == ("desk:desk", "phone", "assigned")


# --- Hand-over --------------------------------------------------------------------------------


def test_nothing_changes_hands_before_it_is_accepted() -> None:
    world = opened()
    world.give(OfferHandOver(by=FIRST, to=BEN))
    assert world.open.owner == ANNE
    world.give(Accept(by=FIRST))
    assert world.refusals == ["it was offered to somebody else"]
    world.give(Accept(by=BEN.id))
    assert world.open.owner == BEN
    assert actions(world.effects)[-1] == "handed-over"


@pytest.mark.parametrize("answer", [None, Decline(by=BEN.id)])
def test_an_offer_that_is_not_accepted_goes_up_the_ladder(answer: Decline | None) -> None:
    world = opened()
    world.give(Acknowledge(by=FIRST))
    world.give(OfferHandOver(by=FIRST, to=BEN), START + HOUR)
    if answer is not None:
        world.give(answer)
    else:
        world.until(START + 2 * HOUR)
    assert world.told[-1] == ("person:cover", "push", "unanswered")
    assert world.open.offer is None


def test_accepting_what_nobody_offered_is_refused() -> None:
    world = opened()
    world.give(Accept(by=BEN.id))
    assert world.refusals == ["nobody offered it"]


# --- Review and lateness ----------------------------------------------------------------------


def test_a_reviewer_sees_it_first_and_passes_it_on() -> None:
    world = opened(triage=4 * HOUR)
    assert world.open.state.value == "triage"
    assert world.told == [("person:reviewer", "push", "new-finding")]
    world.give(Assign(by="reviewer", to=ANNE), START + HOUR)
    assert world.open.state is CaseState.ASSIGNED
    assert world.told[-1] == ("person:first", "push", "assigned")


def test_without_a_review_in_time_it_goes_on_to_the_owner() -> None:
    world = opened(triage=4 * HOUR)
    world.until(START + 4 * HOUR)
    assert [to for to, _, __ in world.told] == ["person:reviewer", "person:first"]
    assert world.open.state is CaseState.ASSIGNED


def test_what_is_urgent_waits_for_no_reviewer() -> None:
    world = World(site(triage=4 * HOUR))
    world.give(alert(severity=Severity.CRITICAL))
    assert world.open.state is CaseState.ASSIGNED
    assert world.told == [("person:first", "push", "new-finding")]


def test_an_overdue_case_belongs_to_the_desk_and_can_still_be_worked_on() -> None:
    world = opened()
    world.until(START + 20 * DAY)
    assert (world.open.state, world.open.owner) == (CaseState.OVERDUE, DESK)
    world.give(Snooze(by=FIRST, until=START + 30 * DAY))
    assert "the time to act has passed" in world.refusals[0]
    world.give(Acknowledge(by=FIRST))
    assert (world.open.state, world.open.owner) == (CaseState.OVERDUE, ANNE)
    world.until(START + 20 * DAY + 4 * HOUR)
    assert world.told[-1] == ("desk:desk", "phone", "unanswered")
    assert world.open.owner == DESK
    world.give(Dispose(by=FIRST, disposition=Disposition.TREATMENT_CHANGED))
    assert world.open.state is CaseState.CLOSED


def test_every_change_of_owner_is_in_the_audit_trail() -> None:
    world = opened()
    world.until(START + 20 * DAY)
    chain = [(one.before, one.after) for one in audit(world.effects, "owner")]
    assert chain[0] == (None, "person:first")
    assert all(one[1] == other[0] for one, other in pairwise(chain))
    assert [one.why for one in audit(world.effects, "owner")][1] == "rung 3: cover"


def test_a_suspicion_is_to_be_settled_by_its_own_date() -> None:
    world = World()
    world.give(alert(State.SUSPECTED, confirm_by=START + 10 * DAY, act_by=START + 50 * DAY))
    assert world.open.act_by == START + 10 * DAY


def test_what_people_do_in_the_last_moment_comes_before_what_is_due_then() -> None:
    world = opened()
    world.give(Acknowledge(by=FIRST), world.wake_at)
    assert [rung.rung for rung in world.notices] == [0]
    late = opened()
    late.until(START + 20 * DAY - HOUR)
    late.give(Dispose(by=FIRST, disposition=Disposition.DOSE_ADJUSTED), START + 20 * DAY)
    assert late.open.state is CaseState.CLOSED
    assert audit(late.effects, "deadline") == []
