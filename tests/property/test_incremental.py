"""Stored states are a speed-up of the evaluation from scratch, after every single message."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import History, histories
from support.living import all_rules, doubts, facts_of, in_batches, the_end

from services.detector.engine.monitor import Monitor


@settings(max_examples=400)
@given(
    history=histories(sizes=(4, 10)),
    chance=st.randoms(use_true_random=False),
    straight=st.booleans(),
)
def test_after_every_message_both_engines_say_the_same(
    history: History, chance: object, *, straight: bool
) -> None:
    facts = facts_of(history.versions)
    if straight:
        facts.sort(key=lambda fact: fact.issued)
    else:
        chance.shuffle(facts)  # type: ignore[attr-defined]
    quick, slow = Monitor(all_rules()), Monitor(all_rules(), incremental=False)
    for now, batch in in_batches(facts, range(len(facts))):
        assert quick.receive(batch, now) == slow.receive(batch, now)
        assert quick.next_due() == slow.next_due()
        assert doubts(quick) == doubts(slow)
    end = the_end(facts)
    assert quick.advance(end) == slow.advance(end)
    assert [quick.dump(one) for one in quick.patients()] == [
        slow.dump(one) for one in slow.patients()
    ]
