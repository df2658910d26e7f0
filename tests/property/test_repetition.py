"""A message that comes again says nothing again, and a revision is published once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given, settings
from support.histories import histories
from support.living import Life, all_rules, as_released, facts_of, live, the_end

from services.detector.engine.monitor import Monitor

if TYPE_CHECKING:
    from support.telling import History


@settings(max_examples=200)
@given(histories())
def test_every_message_twice_says_nothing_more(history: History) -> None:
    facts = facts_of(history.versions)
    end = the_end(facts)
    once = live(as_released(facts), end)
    again = Life(Monitor(all_rules()))
    for now, batch in as_released(facts):
        again.receive([(now, batch), (now, facts_of(fact.event for fact in batch))])
    again.advance(end)
    assert again.revisions == once.revisions
    assert again.monitor.receive(facts_of(history.versions), end) == []


@settings(max_examples=200)
@given(histories())
def test_a_revision_is_published_once_and_in_order(history: History) -> None:
    facts = facts_of(history.versions)
    life = live(as_released(facts), the_end(facts))
    last: Counter[str] = Counter()
    for one in life.revisions:
        last[one.alert_id] += 1
        assert one.revision == last[one.alert_id]
    for before, after in zip(life.revisions, life.revisions[1:], strict=False):
        assert before.at <= after.at
    twin = live(as_released(facts_of(history.versions)), the_end(facts))
    assert [one.digest for one in twin.revisions] == [one.digest for one in life.revisions]
