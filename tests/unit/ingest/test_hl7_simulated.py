"""The simulator writes HL7 v2 and this reader reads it: the same facts must come out."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from schemas.events import Event, Patient
from services.ingest.hl7v2.mapping import read_message
from services.simulator.cohort import simulate
from services.simulator.hl7 import messages


def _said(event: Event) -> dict[str, Any]:
    """All that an event says, but for the ids and codes that each writer chooses."""
    return event.model_dump(exclude={"event_id", "code"})


def test_a_simulated_cohort_comes_back_whole() -> None:
    dispatches = simulate(11, 12, date(2021, 1, 1), 12).dispatches
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for dispatch, raw in zip(dispatches, messages(dispatches), strict=True):
        mapped = read_message(raw)
        assert mapped.rejected == []
        if isinstance(dispatch.events[0], Patient):
            assert {event.patient_id for event in mapped.events} == {dispatch.events[0].patient_id}
            continue
        assert [_said(event) for event in mapped.events] == list(map(_said, dispatch.events))
        for sent, read in zip(dispatch.events, mapped.events, strict=True):
            ids[sent.patient_id, sent.event_id].add(read.event_id)
    assert len(ids) > 100
    assert all(len(found) == 1 for found in ids.values()), "versions of one fact keep one id"
    assert len({next(iter(found)) for found in ids.values()}) == len(ids), "and facts differ"
