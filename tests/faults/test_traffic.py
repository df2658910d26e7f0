"""What is published: all of it, some twice, patients mixed, each one's order kept."""

from __future__ import annotations

from itertools import groupby, pairwise
from random import Random

from faults.publishing import pieces
from faults.traffic import COHORT, disordered, generated, read, received, renamed
from schemas.events import Patient


def test_nothing_is_missing_and_some_is_there_twice() -> None:
    events = read(COHORT)
    found = disordered(Random(1), events)  # noqa: S311
    assert {one.to_json() for one in found} == {one.to_json() for one in events}
    assert len(events) * 1.02 < len(found) < len(events) * 1.1
    assert found == disordered(Random(1), events)  # noqa: S311


def test_patients_are_mixed_and_none_is_told_of_the_past() -> None:
    events = read(COHORT)
    found = disordered(Random(2), events)  # noqa: S311
    first = list({one.to_json(): one for one in found}.values())
    assert [received(one) for one in first] != sorted(received(one) for one in first)
    ordered = sorted(first, key=lambda one: one.patient_id)
    for _, theirs in groupby(ordered, key=lambda one: one.patient_id):
        instants = [received(one) for one in theirs]
        assert instants == sorted(instants)


def test_what_came_together_is_published_together() -> None:
    found = disordered(Random(3), read(COHORT))  # noqa: S311
    parts = pieces(found, 100)
    assert [one for part in parts for one in part] == found
    assert len(parts) > 80
    for before, after in pairwise(parts):
        last, first = before[-1], after[0]
        assert (last.patient_id, received(last)) != (first.patient_id, received(first))


def test_generated_events_are_as_many_as_asked_for_and_of_other_patients() -> None:
    found = generated(1500, seed=5)
    assert len(found) == 1500
    cohort = {one.patient_id for one in read(COHORT)}
    others = {one.patient_id for one in found} - cohort
    assert all(one.startswith("SIM|") for one in others)
    assert len(others) > 10


def test_a_prefix_names_the_surviving_record_too() -> None:
    (one, *_) = (one for one in read(COHORT) if isinstance(one, Patient))
    (found,) = renamed([one.model_copy(update={"merged_into": "HOSP|9"})], "A|")
    assert isinstance(found, Patient)
    assert (found.patient_id, found.merged_into) == (f"A|{one.patient_id}", "A|HOSP|9")
