"""The work: synthetic patients with sparse laboratory results, as canonical JSON lines.

Seeded, so that every run and every contender gets the same bytes. The values are drawn to keep the
three rules busy, not to resemble a cohort.

Law of this file: a patient has at most one result a day, and results are issued in the order in
which they were taken. A tidy stream leaves nothing to sort, for anyone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

DAYS = 1_100
"""Length of the period, in days."""
START = datetime(2022, 1, 1, tzinfo=UTC)
_SUMMER = timezone(timedelta(hours=2))


@dataclass(frozen=True, slots=True)
class Message:
    """One line, and when it becomes known."""

    at: datetime
    line: bytes


@dataclass(frozen=True, slots=True)
class Test:
    """One analyte as a laboratory reports it. `draw` gives comparator and value, as text."""

    analyte: str
    loinc: str
    display: str
    unit: str
    specimen: str
    method: str
    draw: Callable[[Random], tuple[str | None, str]]
    low: str | None = None
    high: str | None = None


def _viral_load(rng: Random) -> tuple[str | None, str]:
    if rng.random() < 0.5:  # noqa: PLR2004
        return "<", "20"
    return None, str(round(10 ** rng.uniform(1.4, 5.2)))


def _psa(rng: Random) -> tuple[str | None, str]:
    if rng.random() < 0.05:  # noqa: PLR2004
        return "<", "0.01"
    return None, f"{10 ** rng.uniform(-0.7, 0.6):.2f}"


def _alt(rng: Random) -> tuple[str | None, str]:
    return None, str(rng.randint(121, 600) if rng.random() < 0.15 else rng.randint(8, 120))  # noqa: PLR2004


def _bilirubin_mg(rng: Random) -> tuple[str | None, str]:
    tenths = rng.randint(25, 90) if rng.random() < 0.15 else rng.randint(2, 24)  # noqa: PLR2004
    return None, f"{tenths / 10:.1f}"


def _bilirubin_umol(rng: Random) -> tuple[str | None, str]:
    return None, str(rng.randint(41, 160) if rng.random() < 0.15 else rng.randint(3, 40))  # noqa: PLR2004


def _creatinine(rng: Random) -> tuple[str | None, str]:
    return None, str(rng.randint(50, 140))


def _hemoglobin(rng: Random) -> tuple[str | None, str]:
    return None, f"{rng.uniform(9, 16):.1f}"


_COMMON = (
    Test("hiv_rna", "20447-9", "HIV 1 RNA", "{copies}/mL", "plasma", "PCR", _viral_load),
    Test("psa", "2857-1", "Prostate specific Ag", "ng/mL", "serum", "ECLIA", _psa, high="4.0"),
    Test("alt", "1742-6", "Alanine aminotransferase", "U/L", "serum", "IFCC", _alt, "5", "40"),
    Test("creatinine", "14682-9", "Creatinine", "umol/L", "serum", "enzymatic", _creatinine),
    Test("hemoglobin", "718-7", "Hemoglobin", "g/dL", "blood", "photometry", _hemoglobin),
)
_MG = Test(
    "bilirubin", "1975-2", "Bilirubin.total", "mg/dL", "serum", "diazo", _bilirubin_mg, "0.1", "1.2"
)
_UMOL = Test(
    "bilirubin",
    "14631-6",
    "Bilirubin.total",
    "umol/L",
    "serum",
    "diazo",
    _bilirubin_umol,
    "2",
    "20",
)


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Where a patient's results come from, with its own units and its own way to write times."""

    source: str
    tests: tuple[Test, ...]
    zone: timezone


LABORATORIES = (
    Laboratory("LAB-NORTH", (*_COMMON, _MG), UTC),
    Laboratory("LAB-SOUTH", (*_COMMON, _UMOL), _SUMMER),
)


def tidy(rng: Random, patients: int, events: int) -> list[Message]:
    """Each patient's results, all patients interleaved, in the order of issue.

    Args:
        rng: the seeded source of chance.
        patients: how many.
        events: results of each patient, at most one a day.
    """
    messages = [message for number in range(patients) for message in patient(rng, number, events)]
    messages.sort(key=lambda message: message.at)
    return messages


def patient(rng: Random, number: int, events: int) -> list[Message]:
    """One patient's results, in their order."""
    laboratory = LABORATORIES[number % len(LABORATORIES)]
    days = sorted(rng.sample(range(max(DAYS, events)), events))
    return [
        result(rng, laboratory, number, at, day, rng.choice(laboratory.tests))
        for at, day in enumerate(days)
    ]


def result(
    rng: Random, laboratory: Laboratory, number: int, at: int, day: int, test: Test
) -> Message:
    """One result: taken in the morning, issued before the next morning."""
    taken = START + timedelta(days=day, minutes=rng.randint(6 * 60, 12 * 60))
    issued = taken + timedelta(minutes=rng.randint(30, 16 * 60))
    comparator, value = test.draw(rng)
    fields = {
        "schema_version": 1,
        "type": "observation",
        "event_id": f"{number:06}-{at:05}",
        "patient_id": f"HOSP|{number:06}",
        "source": laboratory.source,
        "effective_at": written(taken.astimezone(laboratory.zone)),
        "issued_at": written(issued.astimezone(laboratory.zone)),
        "status": "final",
        "analyte": test.analyte,
        "code": {"system": "http://loinc.org", "code": test.loinc, "display": test.display},
        "comparator": comparator,
        "value": value,
        "unit": test.unit,
        "reference_low": test.low,
        "reference_high": test.high,
        "specimen": test.specimen,
        "method": test.method,
    }
    return Message(issued, encoded(fields))


def written(when: datetime) -> str:
    """A moment as the sources write it."""
    return when.isoformat().replace("+00:00", "Z")


def encoded(fields: Mapping[str, object]) -> bytes:
    """One line of JSON without empty fields and without its line end."""
    given = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(given, separators=(",", ":")).encode()
