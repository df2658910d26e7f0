"""An archive told to the engine and the same archive as models say the same."""

from __future__ import annotations

from pathlib import Path

from schemas.events import Observation
from schemas.plain import PlainObservation
from services.commands.intake import Intake
from services.detector.engine.fact import Fact
from services.ingest.archive import Format

ARCHIVE = str(Path(__file__).parents[3] / "examples" / "cohort-small.jsonl")


def intake() -> Intake:
    return Intake("test", Format.EVENTS)


def test_plain_observations_are_told_as_they_are_and_read_as_models() -> None:
    told, read = list(intake().told([ARCHIVE])), list(intake().read([ARCHIVE]))
    plain = [one for one in told if isinstance(one, PlainObservation)]
    assert len(plain) > 100
    assert {type(one) for one in told} > {PlainObservation}
    assert not any(isinstance(one, PlainObservation) for one in read)
    assert sum(isinstance(one, Observation) for one in read) >= len(plain)
    assert [one.to_json() for one in told] == [one.to_json() for one in read]


def test_they_are_the_same_facts() -> None:
    told, read = intake().told([ARCHIVE]), intake().read([ARCHIVE])
    for one, other in zip(told, read, strict=True):
        ours, theirs = Fact(one, 0), Fact(other, 0)
        for name in set(Fact.__slots__) - {"event"}:
            assert getattr(ours, name) == getattr(theirs, name), name
        assert ours.content == theirs.content
