"""Toxicity in the laboratory, and patients to whom nothing happens.

Prolonged neutropenia: absolute count below 0.5 for more than seven days, sampled at least every
four. Hy's law: FDA guidance 2009, drug-induced liver injury. Kidney injury: KDIGO 2012.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.simulator.laboratory import SAME_DAY, Laboratory
from services.simulator.stories.common import chemotherapy, open_chart, visits

if TYPE_CHECKING:
    from services.simulator.chart import Chart

COLON = "colorectal-cancer"


def _on_chemotherapy(chart: Chart) -> Laboratory:
    """Adjuvant treatment, four cycles."""
    open_chart(chart, chart.chance.pick(("female", "male")), (40, 74), "cure")
    lab = Laboratory(chart, moves=False)
    chemotherapy(
        chart,
        lab,
        "ADJ",
        COLON,
        "CAPOX",
        classes=["platinum"],
        cycles=4,
        nadirs=3,
        intent="curative",
    )
    return lab


def prolonged_neutropenia(chart: Chart) -> None:
    """Below 0.5 from day 73 to day 81, seen on four days: more than seven days."""
    lab = _on_chemotherapy(chart)
    onset = lab.count(73, neutrophils="0.42")["neutrophils"]
    lab.count(76, neutrophils="0.10")
    lab.count(80, neutrophils="0.31")
    proof = lab.count(81, neutrophils="0.44")["neutrophils"]
    chart.expect("TOX-ANC4-7D", "confirmed", onset, proof, onset=onset)
    lab.count(85, neutrophils="1.20")


def brief_neutropenia(chart: Chart) -> None:
    """Below 0.5 for three days, and recovered on the fifth: the suspicion is disproved."""
    lab = _on_chemotherapy(chart)
    lab.count(73, neutrophils="0.38")
    lab.count(76, neutrophils="0.21")
    better = lab.count(78, neutrophils="0.62")["neutrophils"]
    chart.expect("TOX-ANC4-7D", "refuted", better)


def hys_law(chart: Chart) -> None:
    """Transaminases above three times the limit, jaundice nine days later, no cholestasis."""
    lab = _on_chemotherapy(chart)
    onset = lab.chemistry(75, alt="268", alp="96", bilirubin="19")["alt"]
    proof = lab.chemistry(84, alt="351", alp="104", bilirubin="58")["bilirubin"]
    chart.expect("TOX-HYS-LAW", "confirmed", onset, proof, onset=onset)
    for day, alt, bilirubin in ((91, "190", "44"), (105, "88", "24"), (126, "41", "15")):
        lab.chemistry(day, alt=alt, alp="99", bilirubin=bilirubin)


def cholestasis(chart: Chart) -> None:
    """The same transaminases; two days later the alkaline phosphatase tells of a stone."""
    lab = _on_chemotherapy(chart)
    chart.result(75, "alt", "205", "U/L", high="40", hold=SAME_DAY)
    blocked = chart.result(77, "alp", "372", "U/L", high="120", hold=SAME_DAY)
    chart.expect("TOX-HYS-LAW", "refuted", blocked)
    lab.chemistry(82, alt="96", alp="240", bilirubin="61")
    lab.chemistry(100, alt="33", alp="118", bilirubin="17")


def kidney_injury(chart: Chart) -> None:
    """Dehydration after a cycle: creatinine 1.5 times the norm, next day more than twice."""
    lab = _on_chemotherapy(chart)
    lab.chemistry(75, creatinine="80")
    lab.chemistry(77, creatinine="124")
    worst = lab.chemistry(78, creatinine="171")["creatinine"]
    chart.expect("TOX-AKI-KDIGO", "confirmed", worst, tag="stage_2")
    for day, value in ((80, "140"), (83, "105"), (90, "84")):
        lab.chemistry(day, creatinine=value)


def chemotherapy_without_trouble(chart: Chart) -> None:
    """Counts fall and recover as they should."""
    _on_chemotherapy(chart)


def control(chart: Chart) -> None:
    """A patient of the same hospital with none of our conditions."""
    open_chart(chart, chart.chance.pick(("female", "male")), (35, 84), "cure")
    visits(chart, Laboratory(chart), range(10, chart.end, 110))


def strange_unit(chart: Chart) -> None:
    """A creatinine in a unit nobody has mapped: it can't be judged, and that is all."""
    control(chart)
    chart.result(47, "creatinine", "1.9", "mg/vial", high="1.2")
