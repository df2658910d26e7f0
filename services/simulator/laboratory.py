"""The everyday laboratory: blood counts and chemistry that mean nothing, around a patient's norm.

Scatter is bounded so that no everyday value can touch a rule: creatinine stays within ±10 % of
the patient's own level (KDIGO asks for +50 % or 26.5 umol/L), ALT below twice its upper limit.
Within-subject variation: 3 to 6 % for creatinine and potassium, 10 to 20 % for enzymes and
bilirubin (EFLM Biological Variation Database), rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from services.simulator.chance import CONTEXT, rounded
from services.simulator.chart import EHR, HOLD, LAB, Chart, Draft, quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYDAY_HOLD = timedelta(days=15)
"""An everyday result may come as late as it likes."""
SAME_DAY = timedelta(hours=9)
"""Counts and creatinine of a sick patient are telephoned."""


@dataclass(frozen=True, slots=True)
class Norm:
    """An analyte as the laboratory reports it: levels of healthy people, scatter, upper limit."""

    unit: str
    low: str
    top: str
    step: str
    percent: str
    high: str | None = None


COUNT = {
    "hemoglobin": Norm("g/dL", "11.8", "15.2", "0.1", "3", "17.0"),
    "leukocytes": Norm("10*9/L", "5.2", "8.4", "0.1", "8", "10.5"),
    "neutrophils": Norm("10*9/L", "2.8", "5.0", "0.01", "10", "7.5"),
    "platelets": Norm("10*9/L", "180", "320", "1", "6", "400"),
}
CHEMISTRY = {
    "creatinine": Norm("umol/L", "62", "92", "1", "4.5", "104"),
    "potassium": Norm("mmol/L", "3.8", "4.6", "0.1", "4", "5.1"),
    "alt": Norm("U/L", "14", "32", "1", "12", "40"),
    "alp": Norm("U/L", "55", "95", "1", "6", "120"),
    "bilirubin": Norm("umol/L", "6", "13", "1", "18", "21"),
}
OTHER_UNITS = {
    ("hemoglobin", "g/dL"): ("g/L", Decimal(10), "1"),
    ("neutrophils", "10*9/L"): ("10*3/uL", Decimal(1), "0.01"),
    ("leukocytes", "10*9/L"): ("10*3/uL", Decimal(1), "0.1"),
    ("platelets", "10*9/L"): ("10*3/uL", Decimal(1), "1"),
    ("creatinine", "umol/L"): ("mg/dL", CONTEXT.divide(Decimal(1), Decimal("88.4")), "0.01"),
    ("bilirubin", "umol/L"): ("mg/dL", CONTEXT.divide(Decimal(1), Decimal("17.1")), "0.1"),
}
"""What the same result looks like from a laboratory with other habits: unit, factor, last digit."""


class Laboratory:
    """Reports one patient's panels; the unit habits may change half-way, as when a lab moves."""

    def __init__(self, chart: Chart, *, moves: bool | None = None) -> None:
        self._chart = chart
        chance = chart.chance
        self._level = {
            name: chance.value(norm.low, norm.top, norm.step)
            for name, norm in {**COUNT, **CHEMISTRY}.items()
        }
        moving = chance.happens(250) if moves is None else moves
        self._moves_on = chance.between(60, max(61, chart.end)) if moving else chart.end + 1

    def level(self, analyte: str) -> Decimal:
        """The patient's own level, in the unit of the norm."""
        return self._level[analyte]

    def count(self, day: int, *, at: datetime | None = None, **planted: str) -> dict[str, Draft]:
        """A blood count; `planted` values (10*9/L, g/dL) stand as they are and come same-day."""
        return self._panel(COUNT, day, at, planted)

    def chemistry(
        self, day: int, *, at: datetime | None = None, **planted: str
    ) -> dict[str, Draft]:
        """Kidney and liver values; `planted` values are umol/L and U/L."""
        return self._panel(CHEMISTRY, day, at, planted)

    def _panel(
        self, norms: Mapping[str, Norm], day: int, at: datetime | None, planted: Mapping[str, str]
    ) -> dict[str, Draft]:
        if not self._chart.alive(day):
            return {}
        order, when = self._chart.order("L"), at or self._chart.collected(day)
        hold = SAME_DAY if planted else EVERYDAY_HOLD
        return {
            name: self._chart.add(
                order,
                name,
                LAB,
                when,
                self._report(name, norm, day, planted.get(name)),
                hold=hold,
                planted=bool(planted),
            )
            for name, norm in norms.items()
        }

    def _report(self, name: str, norm: Norm, day: int, planted: str | None) -> dict[str, object]:
        if planted is None:
            value = self._chart.chance.noisy(self._level[name], norm.percent, norm.step)
        else:
            value = Decimal(planted)
        if day < self._moves_on or (name, norm.unit) not in OTHER_UNITS:
            return dict(quantity(name, value, norm.unit, norm.high))
        unit, factor, step = OTHER_UNITS[name, norm.unit]
        high = norm.high and str(rounded(CONTEXT.multiply(Decimal(norm.high), factor), step))
        return dict(quantity(name, rounded(CONTEXT.multiply(value, factor), step), unit, high))


def bedside(chart: Chart, day: int, ecog: int) -> None:
    """What bears on fitness for salvage: performance status, kidney function, weight."""
    if not chart.alive(day):
        return
    order, at, chance = chart.order("V"), chart.moment(day, 10, 15), chart.chance
    for name, value, unit in (
        ("ecog", str(ecog), ""),
        ("egfr", str(chance.between(58, 96)), "mL/min/{1.73_m2}"),
        ("weight", str(chance.value("54.0", "98.0", "0.5")), "kg"),
    ):
        chart.add(order, name, EHR, at, quantity(name, value, unit), hold=HOLD)


def heart(chart: Chart, day: int) -> None:
    """A left ventricular ejection fraction, before cardiotoxic treatment."""
    value = str(chart.chance.between(56, 66))
    chart.add(chart.order("V"), "lvef", EHR, chart.moment(day, 11), quantity("lvef", value, "%"))
