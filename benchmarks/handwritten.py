"""The measure: the same three rules as an experienced programmer would write them by hand.

A dictionary of patients, slots, one loop, exact decimals, no function call for an event. It keeps
what the evidence of an alert needs, and nothing else: no versions, no late facts, no corrections,
no reasons. That is what its speed is the price of; `docs/benchmarks.md` shows what it gets wrong.

Its verdicts on a tidy stream are those of `rules/*.yaml`, held equal by a test.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.json import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Alert = tuple[str, str, str, frozenset[str]]
"""Patient, rule, the event that completed the evidence, all events of the evidence."""


class Event(Struct, gc=False):
    """What the three rules need of an event; msgspec skips the rest."""

    event_id: str
    patient_id: str
    effective_at: datetime
    analyte: str
    value: Decimal
    reference_high: Decimal | None = None


read_msgspec: Callable[[bytes], Event] = Decoder(Event).decode
"""The fastest sensible reader of a line."""


def read_stdlib(line: bytes) -> Event:
    """The reader without a dependency."""
    fields = json.loads(line)
    high = fields.get("reference_high")
    return Event(
        fields["event_id"],
        fields["patient_id"],
        datetime.fromisoformat(fields["effective_at"]),
        fields["analyte"],
        Decimal(fields["value"]),
        None if high is None else Decimal(high),
    )


class Patient:
    """All that is remembered of a patient. An episode is open from its alert to its end."""

    __slots__ = (
        "alt_day",
        "alt_event",
        "bilirubin_day",
        "bilirubin_event",
        "liver_open",
        "psa_nadir",
        "psa_nadir_event",
        "psa_open",
        "viral_day",
        "viral_event",
        "viral_open",
    )

    def __init__(self) -> None:
        self.viral_day: int | None = None  # of the last viral load, if it was above the limit
        self.viral_event = ""
        self.viral_open = False
        self.psa_nadir: Decimal | None = None
        self.psa_nadir_event = ""
        self.psa_open = False
        self.alt_day = self.bilirubin_day = -1_000_000  # of the last one above its multiple
        self.alt_event = self.bilirubin_event = ""
        self.liver_open = False


_VIRAL_LIMIT = Decimal(1000)
_RISE = Decimal(2)


class HandWritten:
    """The state machine."""

    def __init__(self) -> None:
        self.patients: dict[str, Patient] = {}
        self.alerts: list[Alert] = []

    def run(self, events: Iterable[Event]) -> None:  # noqa: C901, PLR0912, PLR0915 - one loop, on purpose
        """Take in events in their clinical order."""
        patients, alerts = self.patients, self.alerts
        for event in events:
            who = event.patient_id
            patient = patients.get(who)
            if patient is None:
                patient = patients[who] = Patient()
            analyte = event.analyte
            value = event.value
            if analyte == "psa":
                nadir = patient.psa_nadir
                if nadir is None:
                    patient.psa_nadir, patient.psa_nadir_event = value, event.event_id
                elif value >= nadir + _RISE:
                    if not patient.psa_open:
                        patient.psa_open = True
                        evidence = frozenset((patient.psa_nadir_event, event.event_id))
                        alerts.append((who, "BENCH-PSA", event.event_id, evidence))
                else:
                    patient.psa_open = False
                    if value < nadir:
                        patient.psa_nadir, patient.psa_nadir_event = value, event.event_id
            elif analyte == "hiv_rna":
                if value > _VIRAL_LIMIT:
                    day, before = event.effective_at.toordinal(), patient.viral_day
                    if before is not None and day - before >= 90 and not patient.viral_open:  # noqa: PLR2004
                        patient.viral_open = True
                        evidence = frozenset((patient.viral_event, event.event_id))
                        alerts.append((who, "BENCH-VL", event.event_id, evidence))
                    patient.viral_day, patient.viral_event = day, event.event_id
                else:
                    patient.viral_day = None
                    patient.viral_open = False
            elif analyte == "alt":
                if event.reference_high is None:
                    continue
                if value > 3 * event.reference_high:
                    day = event.effective_at.toordinal()
                    if day - patient.bilirubin_day <= 14 and not patient.liver_open:  # noqa: PLR2004
                        patient.liver_open = True
                        evidence = frozenset((patient.bilirubin_event, event.event_id))
                        alerts.append((who, "BENCH-LIVER", event.event_id, evidence))
                    patient.alt_day, patient.alt_event = day, event.event_id
                else:
                    patient.liver_open = False
            elif analyte == "bilirubin":
                if event.reference_high is None:
                    continue
                if value > 2 * event.reference_high:
                    day = event.effective_at.toordinal()
                    if day - patient.alt_day <= 14 and not patient.liver_open:  # noqa: PLR2004
                        patient.liver_open = True
                        evidence = frozenset((patient.alt_event, event.event_id))
                        alerts.append((who, "BENCH-LIVER", event.event_id, evidence))
                    patient.bilirubin_day, patient.bilirubin_event = day, event.event_id
                else:
                    patient.liver_open = False
