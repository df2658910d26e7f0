"""The order, batching, repetition and lateness of messages don't matter to what is said at last.

See `support.living` for what must be equal and what depends on the way by nature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import History, histories
from support.living import (
    Life,
    Reader,
    as_released,
    derived,
    doubts,
    facts_of,
    in_batches,
    live,
    said,
    spoken,
    the_end,
    verdicts,
)

from schemas.alerts import State

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact


@st.composite
def ways(draw: st.DrawFn) -> tuple[History, list[Fact], list[int]]:
    """A history, its messages shuffled with some of them twice, and where they are cut."""
    history = draw(histories())
    count = len(history.versions)
    order = draw(st.permutations(range(count)))
    again = draw(st.lists(st.integers(0, max(count - 1, 0)), max_size=3)) if count else []
    messages = facts_of(history.versions[place] for place in (*order, *again))
    cuts = draw(st.lists(st.integers(0, len(messages)), max_size=5))
    return history, messages, cuts


@pytest.mark.parametrize("part", range(4))
def test_every_way_of_arrival_ends_in_the_same_alerts(part: int) -> None:
    del part  # the same property over other examples, for as many processors as there are

    @settings(max_examples=550)
    @given(ways())
    def check(way: tuple[History, list[Fact], list[int]]) -> None:
        history, messages, cuts = way
        facts = facts_of(history.versions)
        end = the_end(facts)
        wanted = derived(facts, end)
        for life in (
            live(as_released(facts), end),
            live(in_batches(messages, cuts), end),
            live(in_batches(messages, range(len(messages))), end),
        ):
            assert verdicts(life.monitor) == verdicts(wanted)
            assert doubts(life.monitor) == doubts(wanted)
            the_reader_knows(life)

    check()


def the_reader_knows(life: Life) -> None:
    """What was last read of every criterion is what the journal holds."""
    reader = Reader.of(life.revisions)
    for where, step in said(life.monitor).items():
        read = reader.read_of(step)
        if not step.stands:
            assert read is None or read.change != "raised", (where, read)
            continue
        assert read is not None, (where, "stands, and nobody was told")
        assert read.state in {step.state, State.INFO}, (where, read.state)
        assert (read.tag, read.patient_id) == (step.tag, step.patient)
        assert sorted(e.event_id for e in read.evidence) == sorted(key for _, key in step.cited)
    episodes = {(s.patient, s.rule, s.course, s.episode) for s in spoken(life.monitor)}
    for one in reader.latest.values():
        if one.change != "withdrawn":
            assert (one.patient_id, one.rule, one.course_id, one.episode) in episodes, one.summary
