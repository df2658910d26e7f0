"""What the engine promises of whatever messages, by whatever way they came: each as one check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from schemas.alerts import OPEN_STATES, State
from services.detector.engine.monitor import Monitor
from support.living import (
    Life,
    Reader,
    all_rules,
    as_released,
    doubts,
    facts_of,
    in_batches,
    live,
    said,
    spoken,
    the_end,
    verdicts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.alerts import AlertRevision
    from services.detector.engine.fact import Fact
    from services.detector.engine.rule import CompiledRule
    from support.living import Batch
    from support.telling import History

    Rules = Sequence[CompiledRule] | None
    """None: all that come with the software."""


class Way(NamedTuple):
    """A history, its messages in the order of their arrival, and where that is cut."""

    history: History
    messages: list[Fact]
    cuts: list[int]

    def __repr__(self) -> str:
        """The history, and the places of its messages."""
        places = {id(one): place for place, one in enumerate(self.history.versions)}
        order = [places[id(fact.event)] for fact in self.messages]
        return f"{self.history!r}\n in the order {order}, cut at {self.cuts}"


@st.composite
def ways(draw: st.DrawFn, histories: st.SearchStrategy[History]) -> Way:
    """A history, its messages shuffled with some of them twice, and where they are cut."""
    history = draw(histories)
    count = len(history.versions)
    order = draw(st.permutations(range(count)))
    again = draw(st.lists(st.integers(0, max(count - 1, 0)), max_size=3)) if count else []
    messages = facts_of(history.versions[place] for place in (*order, *again))
    cuts = draw(st.lists(st.integers(0, len(messages)), max_size=5))
    return Way(history, messages, cuts)


def arrival_does_not_matter(way: Way, rules: Rules = None) -> None:
    """The order, batches, repetition and lateness of messages don't show in what is said last."""
    facts = facts_of(way.history.versions)
    end = the_end(facts)
    wanted = live([(end, facts)], end, rules, incremental=False).monitor
    for batches in (
        as_released(facts),
        in_batches(way.messages, way.cuts),
        in_batches(way.messages, range(len(way.messages))),
    ):
        life = live(batches, end, rules)
        assert verdicts(life.monitor) == verdicts(wanted)
        assert doubts(life.monitor) == doubts(wanted)
        the_reader_knows(life)


def the_reader_knows(life: Life) -> None:
    """What was last read of every criterion, and of every episode, is what the journal holds."""
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
    told = {(s.patient, s.rule, s.course, s.episode): s for s in spoken(life.monitor)}
    for one in reader.latest.values():
        if one.state in OPEN_STATES:  # that an episode of the past was open is not said again
            last = told.get((one.patient_id, one.rule, one.course_id, one.episode))
            assert last is not None, (one.summary, "is open for its reader")
            assert last.stands, (one.summary, "is open for its reader")


def both_engines_agree(facts: Sequence[Fact], rules: Rules = None) -> None:
    """After every single message, stored states say what an evaluation from scratch says."""
    watched = all_rules() if rules is None else rules
    quick, slow = Monitor(watched), Monitor(watched, incremental=False)
    for now, batch in in_batches(facts, range(len(facts))):
        assert quick.receive(batch, now) == slow.receive(batch, now)
        assert quick.next_due() == slow.next_due()
        assert doubts(quick) == doubts(slow)
    end = the_end(facts)
    assert quick.advance(end) == slow.advance(end)
    assert [quick.dump(one) for one in quick.patients()] == [
        slow.dump(one) for one in slow.patients()
    ]


def a_restart_changes_nothing(
    batches: Sequence[Batch], stops: set[int], rules: Rules = None
) -> None:
    """Whoever stops after some batches and goes on from what was stored says the same."""
    facts = [fact for _, batch in batches for fact in batch]
    end = the_end(facts)
    ids = tuple(sorted({fact.event.patient_id for fact in facts}))
    straight = live(batches, end, rules)
    life = Life(Monitor(all_rules() if rules is None else rules))
    for number, (now, batch) in enumerate(batches):
        life.receive([(now, batch)])
        if number in stops:
            life.monitor, news = restarted(life.monitor, ids, now, rules)
            assert news == []
    life.advance(end)
    assert life.revisions == straight.revisions
    assert doubts(life.monitor) == doubts(straight.monitor)
    _, news = restarted(life.monitor, ids, end, rules)
    assert news == []


def restarted(
    monitor: Monitor, ids: tuple[str, ...], now: int, rules: Rules = None
) -> tuple[Monitor, list[AlertRevision]]:
    """A monitor that knows only what was stored, through JSON and back."""
    charts = {one: list(monitor.chart(one).versions()) for one in ids}
    journals = {one: json.loads(json.dumps(monitor.dump(one))) for one in monitor.patients()}
    fresh = Monitor(all_rules() if rules is None else rules)
    return fresh, fresh.restore(dict(charts), journals, now)
