"""HIV on antiretroviral treatment.

Decay on treatment, failure as two viral loads above 1000 copies/mL, the schedule of tests at 6 and
12 months and then yearly: WHO consolidated guidelines 2021. Blips: Nettles 2005 JAMA 293:817.
46 % of first high viral loads fall again with adherence support: Ford 2019.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from services.simulator.laboratory import Laboratory
from services.simulator.stories.common import (
    late_switch,
    months_after,
    open_chart,
    visits,
)

if TYPE_CHECKING:
    from services.simulator.chart import Chart, Draft

COPIES = "{copies}/mL"
RULES = ("HIV-VF-WHO", "HIV-VL-OVERDUE")


def _treated(chart: Chart, drug_class: str = "INSTI", regimen: str = "TLD") -> None:
    """First line on day 0, with a viral load and CD4 count before it."""
    open_chart(chart, chart.chance.pick(("female", "male")), (22, 55), "control")
    _load(chart, 0, str(chart.chance.value("24000", "310000", "1000")))
    _regimen(chart, 0, 1, drug_class, regimen)
    lab = Laboratory(chart)
    for day in range(0, chart.end, 180):
        _cd4(chart, day)
    visits(chart, lab, range(30, chart.end, 200))


def _regimen(chart: Chart, day: int, line: int, drug_class: str, regimen: str) -> None:
    chart.treat(
        day,
        f"ART{line}",
        "hiv",
        "antiretroviral",
        "started",
        regimen=regimen,
        drug_classes=["NRTI", drug_class],
        line=line,
        intent="disease-control",
    )


def _cd4(chart: Chart, day: int) -> None:
    value = str(min(900, 180 + day // 2 + chart.chance.between(0, 90)))
    chart.result(day, "cd4", value, "/uL")


def _load(chart: Chart, day: int, value: str, *, released: int | None = None) -> Draft:
    """A viral load; the nearby laboratory reports copies."""
    return chart.result(day, "hiv_rna", value, COPIES, released=released)


def _suppressed(chart: Chart, *days: int) -> None:
    """Below or just above the limit of quantification, by chance a few copies."""
    for day in days:
        if chart.alive(day):
            low = chart.chance.happens(800)
            _load(chart, day, "<20" if low else str(chart.chance.between(21, 46)))


def _yearly(chart: Chart, first: int) -> None:
    """The tests that keep the schedule, half-yearly as most clinics do."""
    _suppressed(chart, *range(first, chart.end, 175))


def suppressed(chart: Chart) -> None:
    """Suppressed at month 3 and at every test since."""
    _treated(chart)
    _load(chart, 91, str(chart.chance.between(60, 400)))
    _yearly(chart, 182)
    chart.silent(RULES)


def _second_line(chart: Chart, known_by: int) -> None:
    """Until somebody acts the viral load stays high and is repeated; then it falls again."""
    day = late_switch(chart, "hiv", known_by, low=40, high=230)
    last = chart.end if day is None else day
    for visit in range(known_by + 70, last, 75):
        _load(chart, visit, str(chart.chance.value("3000", "60000", "100")))
    if day is not None:
        _regimen(chart, day, 2, "PI", "AZT-3TC-DRV/r")
        _suppressed(chart, *range(day + 92, chart.end, 84))


def failure(chart: Chart) -> None:
    """Suppressed at month 6; two high viral loads a year after the start, 90 days apart."""
    _treated(chart)
    _suppressed(chart, 182)
    onset = _load(chart, 350, str(chart.chance.value("1800", "9000", "100")))
    proof = _load(chart, 440, str(chart.chance.value("4000", "40000", "100")))
    chart.expect("HIV-VF-WHO", "confirmed", onset, proof, tag="confirmed", onset=onset)
    chart.silent(["HIV-VL-OVERDUE"])
    _second_line(chart, 455)


def failure_in_logs(chart: Chart) -> None:
    """The same, from a laboratory that reports log10 copies; the control came too early at first.

    3.00 is exactly 1000 copies and no failure; 3.41 is 2570.
    """
    _treated(chart)
    chart.result(182, "hiv_rna", "3.00", "{log_copies}/mL")
    onset = chart.result(345, "hiv_rna", "3.41", "{log_copies}/mL")
    chart.result(380, "hiv_rna", "3.52", "{log_copies}/mL")  # 35 days: neither confirms nor clears
    proof = chart.result(435, "hiv_rna", "3.88", "{log_copies}/mL")
    chart.expect("HIV-VF-WHO", "confirmed", onset, proof, tag="confirmed", onset=onset)
    chart.silent(["HIV-VL-OVERDUE"])
    _second_line(chart, 450)


def failure_on_nnrti(chart: Chart) -> None:
    """On efavirenz one high viral load is enough."""
    _treated(chart, "NNRTI", "TLE")
    high = _load(chart, 190, str(chart.chance.value("1500", "26000", "100")))
    chart.expect("HIV-VF-WHO", "confirmed", high, tag="single_nnrti", onset=high)
    chart.silent(["HIV-VL-OVERDUE"])
    _second_line(chart, 205)


def blip(chart: Chart) -> None:
    """One viral load of a few hundred copies: not a failure, not even a suspicion."""
    _treated(chart)
    _suppressed(chart, 182)
    _load(chart, 350, str(chart.chance.between(120, 780)))
    _yearly(chart, 430)
    chart.silent(RULES)


def resuppressed(chart: Chart) -> None:
    """One high viral load that falls again with adherence support."""
    _treated(chart)
    _suppressed(chart, 182)
    _load(chart, 350, str(chart.chance.value("1200", "5200", "100")))
    control = _load(chart, 440, str(chart.chance.between(30, 400)))
    chart.expect("HIV-VF-WHO", "refuted", control)
    chart.silent(["HIV-VL-OVERDUE"])
    _yearly(chart, 600)


def missed_test(chart: Chart) -> None:
    """The month-12 test was never taken: overdue 13 calendar months after the start."""
    _treated(chart)
    _suppressed(chart, 182)
    due = months_after(chart, 13)
    chart.expect("HIV-VL-OVERDUE", "overdue", due, tag="second")
    chart.silent(["HIV-VF-WHO"])


def rejected_specimen(chart: Chart) -> None:
    """The month-12 specimen clotted and was cancelled; a repeat clears the overdue test."""
    _treated(chart)
    _suppressed(chart, 182)
    chart.cancelled(350, "hiv_rna", released=352)
    after = (months_after(chart, 13) - chart.start).days + 35
    repeat = _load(chart, after, "<20", released=after + 3)
    chart.expect("HIV-VL-OVERDUE", "cleared", repeat)
    chart.silent(["HIV-VF-WHO"])
    _suppressed(chart, *range(after + 175, chart.end, 175))


def never_repeated(chart: Chart) -> None:
    """Unsuppressed at month 6 and lost to view: overdue 112 days after that sample."""
    _treated(chart)
    high = _load(chart, 182, str(chart.chance.value("2000", "52000", "1000")))
    chart.expect("HIV-VF-WHO", "suspected", high, onset=high)
    due = high.day + timedelta(days=112)
    chart.expect("HIV-VL-OVERDUE", "overdue", due, tag="after_high")
