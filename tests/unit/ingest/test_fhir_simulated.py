"""The simulator writes FHIR and this reader reads it: the same events must come out."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Event, Observation, Patient, Status, Treatment
from services.ingest.fhir.mapping import read_resources
from services.ingest.fhir.verdicts import Verdict
from services.simulator.cohort import simulate
from services.simulator.fhir import bundles

_MEASURED = (
    "value",
    "comparator",
    "unit",
    "value_code",
    "reference_low",
    "reference_high",
)


def _said(event: Event) -> dict[str, Any]:
    """All that an event says, but for what R4 has no place for.

    The writer chooses a code for an analyte. Of what is taken back no value is read, so that one
    that cannot be read does not keep it alive. A Procedure that is taken back has one status for
    all ways of it, and a Patient has no time of its own: the version's time stands in.
    """
    said = event.model_dump(exclude={"code"})
    if isinstance(event, Observation) and event.status.withdraws:
        said |= dict.fromkeys(_MEASURED)
    if isinstance(event, Treatment) and event.status.withdraws:
        said["status"] = Status.ENTERED_IN_ERROR
    if isinstance(event, Patient):
        said["effective_at"] = event.issued_at
    return said


@given(seed=st.integers(0, 10_000))
@settings(max_examples=6, deadline=None)
def test_a_simulated_cohort_comes_back_whole(seed: int) -> None:
    dispatches = simulate(seed, 12, date(2021, 1, 1), 12).dispatches
    read = 0
    for dispatch, raw in zip(dispatches, bundles(dispatches), strict=True):
        mapped = read_resources(raw)
        assert mapped.rejected == []
        assert [verdict.verdict for verdict in mapped.verdicts] == [Verdict.USED] * len(
            dispatch.events
        )
        assert list(map(_said, mapped.events)) == list(map(_said, dispatch.events))
        read += len(mapped.events)
    assert read > 300
