"""Chronic myeloid leukaemia and multiple myeloma.

BCR::ABL1 milestones (International Scale): Hochhaus 2020 Leukemia 34:966 (ELN 2020).
Myeloma progression: Kumar 2016 Lancet Oncol 17:e328 (IMWG).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from services.simulator.laboratory import Laboratory
from services.simulator.stories.common import late_switch, months_after, open_chart, visits

if TYPE_CHECKING:
    from services.simulator.chart import Chart, Draft


def _tki(chart: Chart) -> None:
    """Imatinib from day 0."""
    open_chart(chart, chart.chance.pick(("female", "male")), (32, 70), "control")
    _inhibitor(chart, 0, 1, "imatinib")
    chart.result(0, "bcrabl", str(chart.chance.between(48, 92)), "%")
    visits(chart, Laboratory(chart), range(20, chart.end, 150))


def _inhibitor(chart: Chart, day: int, line: int, regimen: str) -> None:
    chart.treat(
        day,
        f"TKI{line}",
        "cml",
        "targeted",
        "started",
        regimen=regimen,
        drug_classes=["TKI"],
        line=line,
        intent="disease-control",
    )


def _series(chart: Chart, *points: tuple[int, str]) -> list[Draft]:
    """BCR::ABL1 in per cent on the International Scale."""
    return [chart.result(day, "bcrabl", value, "%") for day, value in points]


def _deep(chart: Chart, first: int) -> None:
    """Major molecular response and better, every three months."""
    for day in range(first, chart.end, 91):
        value = chart.chance.value("0.008", "0.060", "0.001")
        _series(chart, (day, "<0.0032" if chart.chance.happens(250) else str(value)))


def _next_inhibitor(chart: Chart, known_by: int) -> None:
    """Dasatinib, weeks later and before the next milestone is due; the clock starts anew."""
    day = late_switch(chart, "cml", known_by, low=20, high=80)
    if day is None:
        return
    _inhibitor(chart, day, 2, "dasatinib")
    reached = ((92, "4.1"), (184, "0.62"), (366, "0.07"), (457, "0.04"))
    _series(chart, *((day + later, value) for later, value in reached if chart.alive(day + later)))


def optimal(chart: Chart) -> None:
    """Every milestone is met."""
    _tki(chart)
    _series(chart, (91, "6.2"), (183, "0.71"), (274, "0.24"))
    _deep(chart, 366)
    chart.silent(["CML-ELN"])


def warning(chart: Chart) -> None:
    """Between 1 and 10 % at six months: a warning that stands, though month 12 is fine."""
    _tki(chart)
    late = _series(chart, (91, "8.4"), (183, str(chart.chance.value("2.1", "6.8", "0.1"))))[1]
    chart.expect("CML-ELN", "suspected", late, tag="m6_warning", onset=late)
    _series(chart, (274, "0.80"))
    _deep(chart, 366)


def failure_month_3(chart: Chart) -> None:
    """More than 10 % at three months, and again five weeks later."""
    _tki(chart)
    first = str(chart.chance.value("12.0", "31.0", "0.5"))
    onset, proof = _series(chart, (92, first), (127, "14.5"))
    chart.expect("CML-ELN", "confirmed", onset, proof, tag="m3_failure", onset=onset)
    _next_inhibitor(chart, 136)


def failure_month_6(chart: Chart) -> None:
    """Fine at three months by a hair, more than 10 % at six."""
    _tki(chart)
    _, failed = _series(chart, (91, "10.0"), (183, str(chart.chance.between(11, 19))))
    chart.expect("CML-ELN", "confirmed", failed, tag="m6_failure", onset=failed)
    _next_inhibitor(chart, 196)


def milestone_missed(chart: Chart) -> None:
    """Nobody took the three-month sample: overdue 45 days after its nominal date."""
    _tki(chart)
    _series(chart, (183, "0.84"), (274, "0.31"))
    due = months_after(chart, 3) + timedelta(days=45)
    chart.expect("CML-ELN", "overdue", due, tag="m3_missing")
    _deep(chart, 366)


def response_lost(chart: Chart) -> None:
    """Major molecular response at one year, lost half a year later."""
    _tki(chart)
    _series(chart, (91, "5.0"), (183, "0.44"), (366, "0.06"), (457, "0.08"))
    lost = _series(chart, (548, str(chart.chance.value("0.21", "0.75", "0.01"))))[0]
    chart.expect("CML-ELN", "suspected", lost, tag="loss_mmr", onset=lost)


def _myeloma(chart: Chart) -> None:
    """First line for IgG myeloma with a measurable M-protein."""
    open_chart(chart, chart.chance.pick(("female", "male")), (56, 77), "control", ecog=1)
    chart.treat(
        0,
        "MM1",
        "multiple-myeloma",
        "targeted",
        "started",
        regimen="VRd",
        line=1,
        intent="disease-control",
    )
    visits(chart, Laboratory(chart), range(15, chart.end, 120))


def _spike(chart: Chart, day: int, grams_per_dl: str, *, per_litre: bool = False) -> Draft:
    """Serum M-protein in g/dL, or the same from a laboratory that reports g/L."""
    if not per_litre:
        return chart.result(day, "mspike", grams_per_dl, "g/dL")
    whole, _, tenth = grams_per_dl.partition(".")
    text = f"{whole}{tenth}".lstrip("0") or "0"
    return chart.result(day, "mspike", text, "g/L")


def _remission(chart: Chart) -> None:
    for day, value in ((0, "3.6"), (42, "2.1"), (84, "1.0"), (126, "0.5"), (168, "0.5")):
        _spike(chart, day, value)


def myeloma_progression(chart: Chart) -> None:
    """0.5 is the confirmed nadir; 0.8 is not enough, 1.0 is, and a second sample agrees."""
    _myeloma(chart)
    _remission(chart)
    _spike(chart, 300, "0.6")
    _spike(chart, 385, "0.8")
    onset = _spike(chart, 440, "1.0")
    proof = _spike(chart, 470, "1.2")
    chart.expect("MM-IMWG-PD", "confirmed", onset, proof, onset=onset)
    day = late_switch(chart, "multiple-myeloma", 485, low=30, high=140)
    if day is not None:
        more = {"regimen": "DKd", "line": 2, "intent": "disease-control"}
        chart.treat(day, "MM2", "multiple-myeloma", "targeted", "started", **more)


def myeloma_spike(chart: Chart) -> None:
    """One value over the limit, and the next one under it."""
    _myeloma(chart)
    _remission(chart)
    _spike(chart, 330, "1.1")
    calm = _spike(chart, 372, "0.6")
    chart.expect("MM-IMWG-PD", "refuted", calm)
    for day in range(450, chart.end, 84):
        _spike(chart, day, chart.chance.pick(("0.5", "0.6")))


def myeloma_new_unit(chart: Chart) -> None:
    """The laboratory moves from g/dL to g/L: 6 after 0.5 is no progression."""
    _myeloma(chart)
    _remission(chart)
    for day in range(260, chart.end, 84):
        _spike(chart, day, chart.chance.pick(("0.5", "0.6", "0.7")), per_litre=True)
    chart.silent(["MM-IMWG-PD"])
