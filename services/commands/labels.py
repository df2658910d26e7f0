"""Labels of a back-test: what was recorded of each patient, from tables of any shape.

A table of our own has a row a patient and condition, and a day where treatment was changed. Tables
of others name their columns differently, say by a word whether something happened, count days from
a day 0, or don't tell the day; `LabelForm` says how one is to be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from schemas.base import parse_date, parse_effective_time
from services.commands.tables import BadTable, each_row, needed
from services.detector.adapters.backtest import DAYS_PER_MONTH, Undated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from services.commands.tables import Labels, Row
    from services.detector.adapters.backtest import Switch

UNITS: Final[Mapping[str, Decimal]] = MappingProxyType(
    {
        "days": Decimal(1),
        "weeks": Decimal(7),
        "months": DAYS_PER_MONTH,
        "years": Decimal("365.25"),
    }
)
"""Days in a unit of time."""
ANCHORS: Final = ("patient_id", "anchor")
_DATE = len("YYYY-MM-DD")


@dataclass(frozen=True, slots=True)
class LabelForm:
    """How a table of labels is to be read.

    patient, condition, on, outcome: names of columns. Without `on` no day is known; without
        `outcome` a day says that it happened, and an empty cell that it did not.
    happened: the words of `outcome` that mean that it happened.
    everywhere: the condition of all rows, instead of a column.
    prefix: what the archive puts before the table's ids.
    day_0: by patient, as the archive calls them: then `on` is a number counted from it.
    unit: of that number.
    """

    patient: str = "patient_id"
    condition: str = "condition"
    on: str | None = "recorded_switch_on"
    outcome: str | None = None
    happened: frozenset[str] = frozenset()
    everywhere: str | None = None
    prefix: str = ""
    day_0: Mapping[str, date] | None = None
    unit: str = "days"

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that have to be there."""
        condition = self.condition if self.everywhere is None else None
        wanted = (self.patient, condition, self.on, self.outcome)
        return tuple(name for name in wanted if name is not None)


OUR_FORM: Final = LabelForm()


@dataclass(slots=True)
class _Reading:
    """Rows as they are joined: a patient has several where the table is one of events."""

    form: LabelForm
    labels: Labels = field(default_factory=dict)

    def take(self, row: Row) -> None:
        form = self.form
        patient_id = form.prefix + needed(row, form.patient)
        condition = form.everywhere or needed(row, form.condition)
        key, said = (patient_id, condition), _said(form, patient_id, row)
        if form.outcome is None and key in self.labels:
            raise ValueError(f"{form.patient}, {form.condition}: named twice")
        for each in (key, (patient_id, "")):
            self.labels[each] = _first(self.labels.get(each), said)


def read_labels(path: Path, form: LabelForm = OUR_FORM) -> Labels:
    """Read what was recorded.

    With an outcome, several rows of a patient and condition are one label: it happened if any row
    says so, on the earliest day that any of these tells.

    Raises:
        BadTable: all mistakes; or no row has one of the words that mean that it happened.
        OSError: the file can't be read.
    """
    reading = _Reading(form)
    each_row(path, form.columns, reading.take)
    if form.outcome is not None and not any(reading.labels.values()):
        raise BadTable((f"{path}: {form.outcome}: no row says that it happened",))
    return reading.labels


def read_anchors(path: Path) -> dict[str, date]:
    """Read each patient's day 0, columns `patient_id` (as in the archive) and `anchor`.

    Raises:
        BadTable: all mistakes.
        OSError: the file can't be read.
    """
    found: dict[str, date] = {}

    def take(row: Row) -> None:
        patient_id = needed(row, "patient_id")
        if patient_id in found:
            raise ValueError("patient_id: named twice")
        found[patient_id] = _anchor(needed(row, "anchor"))

    each_row(path, ANCHORS, take)
    return found


def _anchor(cell: str) -> date:
    try:
        return parse_date(cell)
    except ValueError as error:
        raise ValueError(f"anchor: {error}") from None


def _said(form: LabelForm, patient_id: str, row: Row) -> Switch:
    if form.outcome is not None and row[form.outcome] not in form.happened:
        return None
    cell = row[form.on] if form.on is not None else ""
    if not cell:
        return None if form.outcome is None else Undated.UNDATED
    if form.day_0 is None:
        return _day(form, cell)
    return _counted(form, form.day_0, patient_id, cell)


def _day(form: LabelForm, cell: str) -> Switch:
    """The calendar day of a date or date-time; one known only to its month or year has none."""
    text = cell[:_DATE] if cell[_DATE : _DATE + 1] in ("T", " ") else cell
    try:
        told = parse_effective_time(text)
    except ValueError as error:
        raise ValueError(f"{form.on}: {error}") from None
    return told if isinstance(told, date) and not isinstance(told, datetime) else Undated.UNDATED


def _counted(form: LabelForm, day_0: Mapping[str, date], patient_id: str, cell: str) -> date:
    if patient_id not in day_0:
        raise ValueError(f"{form.on}: no day 0 is given for this patient")
    try:
        days = (Decimal(cell) * UNITS[form.unit]).to_integral_value(ROUND_HALF_EVEN)
        return parse_date(day_0[patient_id] + timedelta(days=int(days)))
    except (InvalidOperation, OverflowError, ValueError):
        raise ValueError(f"{form.on}: expected a number of {form.unit} from day 0") from None


def _first(one: Switch, other: Switch) -> Switch:
    """Of two things that were recorded, the earlier; a day says more than none."""
    if isinstance(one, date) and isinstance(other, date):
        return min(one, other)
    if isinstance(other, date):
        return other
    return one or other
