"""A ward with many open cases: alerts through the real intake and fold, into the real store."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks.timing import SLICE
from schemas.alerts import AlertRevision, Evidence, Explanation, Kind, Role, Severity, State
from schemas.base import digest
from services.notifier.service.agenda import Agenda, take_in
from services.notifier.service.inputs import revised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from services.notifier.service.premises import Premises
    from services.notifier.store.database import Database

# Far enough ahead that no message leaves while pages are measured.
NEAREST, FARTHEST = 20 * 24, 60 * 24
"""Hours until the date by which to act."""
_FACTS: Final = 12
"""Pieces of evidence of an alert; with their proof it has about 4 KiB."""


def fill(database: Database, house: Premises, count: int, now: datetime, seed: int) -> None:
    """Make so many open cases."""
    rng, agenda = Random(seed), Agenda(database, house)
    for begin in range(0, count, SLICE):
        numbers = range(begin, min(begin + SLICE, count))
        given = [revised(one) for one in _alerts(numbers, now, rng)]
        take_in(database, given, now, {})
        while agenda.work(now):
            pass


def _alerts(numbers: range, now: datetime, rng: Random) -> Iterator[AlertRevision]:
    for number in numbers:
        patient = f"SYN|{number:06}"
        yield AlertRevision(
            alert_id=digest(patient),
            revision=1,
            digest=digest(patient, 1),
            change="raised",
            episode=1,
            state=State.CONFIRMED,
            kind=Kind.FAILURE,
            severity=rng.choice((Severity.IMPORTANT, Severity.ADVISORY)),
            patient_id=patient,
            rule=f"RULE-{number % 40}",
            rule_version="1",
            title="A criterion of this rule is met, twice",
            summary="The value was above the limit in two samples, three months apart.",
            at=now,
            onset=now - timedelta(days=90),
            act_by=now + timedelta(hours=rng.randrange(NEAREST, FARTHEST)),
            evidence=tuple(_evidence(patient, now, rng)),
            explanation=_proof(patient),
        )


def _evidence(patient: str, now: datetime, rng: Random) -> Iterator[Evidence]:
    for number in range(_FACTS):
        yield Evidence(
            event_id=f"{patient}-{number}",
            role=Role.TRIGGER,
            at=now - timedelta(days=30 * number),
            what="hiv_rna",
            value=str(rng.randrange(1_000, 99_999)),
            unit="{copies}/mL",
        )


def _proof(patient: str) -> Explanation:
    leaves = tuple(
        Explanation(text="hiv_rna > 1000 {copies}/mL", truth="true", events=(f"{patient}-{one}",))
        for one in range(_FACTS)
    )
    return Explanation(text="both samples are above the limit", truth="true", because=leaves)
