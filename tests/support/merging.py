"""Records that are merged, and what the detector says of each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from schemas.alerts import AlertRevision, Severity, State
from schemas.events import EVENT
from services.notifier.cases.case import Case
from services.notifier.service.inputs import occurred
from services.notifier.store.tables import CASES
from support.cases import HOUR, START
from support.notifying import told

if TYPE_CHECKING:
    from services.notifier.store.intake import Given
    from support.notifying import Bench

OLD: Final = "HOSP|000001"
NEW: Final = "HOSP|000002"
NEWER: Final = "HOSP|000003"


def merge(old: str = OLD, new: str = NEW, *, status: str = "final", hours: int = 0) -> Given:
    """A record is merged into another."""
    said = {
        "type": "patient",
        "event_id": f"merge-{old}",
        "patient_id": old,
        "source": "test",
        "effective_at": START.isoformat(),
        "issued_at": (START + hours * HOUR).isoformat(),
        "status": status,
        "merged_into": new,
    }
    return occurred(EVENT.validate_python(said))


def says(
    patient: str,
    state: State = State.CONFIRMED,
    severity: Severity = Severity.CRITICAL,
    *,
    rule: str = "R1",
    **fields: Any,
) -> AlertRevision:
    """What the detector says by a rule of a record: an alert of its own for each record."""
    name = f"{rule}-of-{patient}"
    return told(state, severity, name=name, patient=patient, rule=rule, **fields)


def open_cases(bench: Bench) -> list[Case]:
    """Those that somebody has to look after."""
    cases = [Case.model_validate_json(row.body) for row in bench.rows(select(CASES.c.body))]
    return [one for one in cases if one.is_open]
