"""What the simulator writes in HL7 v2, our own reader reads back without loss.

Only the id of a fact differs (the reader derives it), and a withdrawn result has no value.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from schemas.events import Observation, Patient
from services.ingest.hl7v2.mapping import read_message
from services.ingest.hl7v2.profile import Profile
from services.simulator.cohort import Cohort, simulate
from services.simulator.hl7 import messages

if TYPE_CHECKING:
    from services.simulator.delivery import AnyEvent

PROFILE = Profile(codes={"biopsy": "biopsy"})
"""The simulated laboratory's own code for a finding that has none in LOINC."""
NOT_SENT = {"event_id", "code"}
VALUES = {"value", "comparator", "unit", "value_code", "reference_low", "reference_high"}

Pairs = list[tuple["AnyEvent", Any]]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(21, 90, date(2024, 1, 1), 24)


@pytest.fixture(scope="module")
def pairs(cohort: Cohort) -> Pairs:
    """Each event that was written, beside the one that was read; patients apart."""
    found: Pairs = []
    for dispatch, raw in zip(cohort.dispatches, messages(cohort.dispatches), strict=True):
        read = read_message(raw, PROFILE)
        assert not read.rejected
        if not isinstance(dispatch.events[0], Patient):
            found += zip(dispatch.events, read.events, strict=True)
    return found


def content(event: AnyEvent) -> dict[str, Any]:
    left_out = NOT_SENT | (VALUES if event.status.withdraws else set())
    return {name: value for name, value in event.model_dump().items() if name not in left_out}


def test_every_field_comes_back(pairs: Pairs) -> None:
    for written, read in pairs:
        assert content(read) == content(written)


def test_versions_of_a_fact_share_one_id_and_facts_do_not(pairs: Pairs) -> None:
    there, back = defaultdict(set), defaultdict(set)
    for written, read in pairs:
        there[written.event_id].add(read.event_id)
        back[read.event_id].add(written.event_id)
    assert {len(ids) for ids in there.values()} == {1}
    assert {len(ids) for ids in back.values()} == {1}


def test_only_the_strange_unit_is_remarked_on(cohort: Cohort) -> None:
    strange = {
        event.event_id
        for event in cohort.events
        if isinstance(event, Observation) and event.unit == "mg/vial"
    }
    assert strange
    for dispatch, raw in zip(cohort.dispatches, messages(cohort.dispatches), strict=True):
        notices = read_message(raw, PROFILE).notices
        assert bool(notices) == any(event.event_id in strange for event in dispatch.events)


def test_what_registration_said_comes_back(cohort: Cohort) -> None:
    for dispatch, raw in zip(cohort.dispatches, messages(cohort.dispatches), strict=True):
        (written, *_) = dispatch.events
        if isinstance(written, Patient):
            said, merged = written.model_dump(), dict[str, Any]()
            for read in read_message(raw, PROFILE).events:
                assert isinstance(read, Patient)
                merged |= {k: v for k, v in read.model_dump().items() if v is not None}
            for name in ("patient_id", "birth_date", "sex", "deceased_at", "goals_of_care"):
                assert merged.get(name) == said[name], name
