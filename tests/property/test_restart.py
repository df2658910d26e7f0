"""A restart in between changes nothing and says nothing twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import History, histories
from support.living import Life, all_rules, as_released, doubts, facts_of, live, the_end

from services.detector.engine.monitor import Monitor

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision


def restarted(
    monitor: Monitor, ids: tuple[str, ...], now: int
) -> tuple[Monitor, list[AlertRevision]]:
    """A monitor that knows only what was stored, through JSON and back."""
    charts = {one: list(monitor.chart(one).versions()) for one in ids}
    journals = {one: json.loads(json.dumps(monitor.dump(one))) for one in monitor.patients()}
    fresh = Monitor(all_rules())
    return fresh, fresh.restore(dict(charts), journals, now)


@settings(max_examples=300)
@given(histories(), st.sets(st.integers(0, 25), max_size=4))
def test_a_restart_changes_nothing_and_says_nothing(history: History, stops: set[int]) -> None:
    facts = facts_of(history.versions)
    ids = tuple(sorted({fact.event.patient_id for fact in facts}))
    batches, end = as_released(facts), the_end(facts)
    straight = live(batches, end)
    life = Life(Monitor(all_rules()))
    for number, (now, batch) in enumerate(batches):
        life.receive([(now, batch)])
        if number in stops:
            life.monitor, news = restarted(life.monitor, ids, now)
            assert news == []
    life.advance(end)
    assert life.revisions == straight.revisions
    assert doubts(life.monitor) == doubts(straight.monitor)
    _, news = restarted(life.monitor, ids, end)
    assert news == []
