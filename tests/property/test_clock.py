"""Time passes in one jump or in many steps; by itself it makes overdue, and confirms what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from support import packs
from support.histories import histories
from support.living import all_rules, as_released, facts_of, live, spoken, the_end

from schemas.alerts import State
from services.detector.engine.instants import US_PER_DAY, end_of
from services.detector.engine.monitor import Monitor
from services.detector.language.spec import Pattern

if TYPE_CHECKING:
    from support.telling import History

LASTING = {
    rule.id
    for rule in packs.rules()
    for one in rule.criteria
    if isinstance(one, Pattern) and one.stays
}
"""Rules that something confirms by staying as it is (catalogue, TOX-G2-SUSTAINED)."""


@settings(max_examples=200)
@given(histories(), st.integers(1, 90), st.integers(0, US_PER_DAY))
def test_one_jump_is_many_steps(history: History, days: int, odd: int) -> None:
    facts = facts_of(history.versions)
    batches, end = as_released(facts), the_end(facts)
    straight = live(batches, end)
    monitor, published = Monitor(all_rules()), []
    clock = batches[0][0] if batches else end
    for now, batch in [*batches, (end, [])]:
        while clock + days * US_PER_DAY + odd < now:
            clock += days * US_PER_DAY + odd
            published += monitor.advance(clock)
        published += monitor.receive(batch, now) if batch else monitor.advance(now)
        clock = now
    assert published == straight.revisions


@settings(max_examples=200)
@given(histories(), st.integers(0, 2000))
def test_time_alone_confirms_what_stays_and_else_only_makes_overdue_and_reminds(
    history: History, days: int
) -> None:
    facts = facts_of(history.versions)
    monitor = Monitor(all_rules())
    now = 0
    for now, batch in as_released(facts):
        monitor.receive(batch, now)
    said = monitor.advance(now + days * US_PER_DAY)
    # Under comfort-only goals of care a missed milestone, too, is information.
    reminders = [one for one in said if one.confirmation_overdue]
    stayed = [one for one in said if one.state is State.CONFIRMED]
    assert {one.rule for one in stayed} <= LASTING
    raised = [one for one in said if not (one.confirmation_overdue or one in stayed)]
    assert {one.state for one in raised} <= {State.OVERDUE, State.INFO}
    assert {one.change for one in raised} <= {"raised"}
    assert {(one.state, one.change) for one in reminders} <= {(State.SUSPECTED, "revised")}


@settings(max_examples=200)
@given(histories())
def test_nothing_is_overdue_before_its_day(history: History) -> None:
    """Not even where a step planned for later lies behind the deadline."""
    monitor = Monitor(all_rules())
    for now, batch in as_released(facts_of(history.versions)):
        monitor.receive(batch, now)
        missed = [step for step in spoken(monitor) if step.state is State.OVERDUE]
        assert all(end_of(step.due) <= now for step in missed), missed


@settings(max_examples=200)
@given(histories())
def test_next_due_is_when_something_is_said(history: History) -> None:
    facts = facts_of(history.versions)
    monitor = Monitor(all_rules())
    for now, batch in as_released(facts):
        monitor.receive(batch, now)
    while (due := monitor.next_due()) is not None:
        assert monitor.advance(due - 1) == []
        monitor.advance(due)
        following = monitor.next_due()
        assert following is None or following > due
