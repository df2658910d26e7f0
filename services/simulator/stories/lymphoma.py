"""Large B-cell lymphoma: R-CHOP, and what the PET at the end says, if anybody makes one.

Timing and reading of PET: Cheson 2014 JCO 32:3059 (Lugano), Juweid 2007 JCO 25:571.
Refractory disease: Crump 2017 Blood 130:1800 (SCHOLAR-1).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from schemas.events import Status
from services.simulator.laboratory import Laboratory, heart
from services.simulator.stories.common import chemotherapy, late_switch, open_chart

if TYPE_CHECKING:
    from services.simulator.chart import Chart, Draft

LYMPHOMA = "lymphoma"
RULES = ("LYM-EOT", "LYM-RESTAGE-OVERDUE")
LAST_DOSE = 105
"""Day 1 of the sixth cycle."""


def _rchop(chart: Chart) -> Draft:
    """Six cycles every three weeks, a negative interim PET; returns the last dose."""
    open_chart(chart, chart.chance.pick(("female", "male")), (42, 76), "cure")
    heart(chart, 1)
    last = chemotherapy(
        chart,
        Laboratory(chart),
        "CHOP",
        LYMPHOMA,
        "R-CHOP",
        classes=["anti-CD20", "anthracycline"],
        intent="curative",
    )
    _pet(chart, 38, 2, "CMR", timepoint="interim")
    return last


def _pet(
    chart: Chart, day: int, deauville: int, response: str, timepoint: str = "end-of-treatment"
) -> Draft:
    return chart.image(
        day, "PT", "lugano", deauville=deauville, response=response, timepoint=timepoint
    )


def _cellular_therapy(chart: Chart, known_by: int) -> None:
    """CAR-T cells, after the weeks that referral and manufacture take."""
    day = late_switch(chart, LYMPHOMA, known_by, low=35, high=110)
    if day is not None:
        more = {"regimen": "axicabtagene ciloleucel", "line": 2, "intent": "curative"}
        chart.treat(day, "CART", LYMPHOMA, "immunotherapy", "started", **more)


def complete_response(chart: Chart) -> None:
    """Complete metabolic response six to eight weeks after the last dose."""
    _rchop(chart)
    _pet(chart, LAST_DOSE + chart.chance.between(43, 55), 2, "CMR")
    chart.silent(RULES)


def refractory(chart: Chart) -> None:
    """Progressive metabolic disease at the end of treatment."""
    _rchop(chart)
    scan = _pet(chart, LAST_DOSE + 45, 5, "PMD")
    chart.expect("LYM-EOT", "confirmed", scan, tag="primary_refractory", onset=scan)
    chart.silent(["LYM-RESTAGE-OVERDUE"])
    _cellular_therapy(chart, LAST_DOSE + 55)


def _partial_response(chart: Chart, biopsy: str) -> tuple[Draft, Draft]:
    """Partial metabolic response, and a biopsy that decides."""
    _rchop(chart)
    scan = _pet(chart, LAST_DOSE + 44, 4, "PMR")
    chart.silent(["LYM-RESTAGE-OVERDUE"])
    return scan, chart.finding(LAST_DOSE + 58, "biopsy", biopsy)


def residual_disease(chart: Chart) -> None:
    """The biopsy of what still takes up glucose shows lymphoma."""
    scan, proof = _partial_response(chart, "pos")
    chart.expect("LYM-EOT", "confirmed", scan, proof, onset=scan)
    _cellular_therapy(chart, LAST_DOSE + 72)


def residual_inflammation(chart: Chart) -> None:
    """The biopsy shows inflammation: the suspicion is refuted."""
    _, proof = _partial_response(chart, "neg")
    chart.expect("LYM-EOT", "refuted", proof)


def amended_report(chart: Chart) -> None:
    """Progression in the first report is an infection in the second."""
    _rchop(chart)
    scan = _pet(chart, LAST_DOSE + 49, 5, "PMD")
    put_right = chart.amend(scan, LAST_DOSE + 60, Status.CORRECTED, deauville=3, response="CMR")
    chart.expect("LYM-EOT", "retracted", put_right)
    chart.silent(["LYM-RESTAGE-OVERDUE"])


def never_restaged(chart: Chart) -> None:
    """No scan at all: overdue 63 days after the last dose."""
    last = _rchop(chart)
    chart.expect("LYM-RESTAGE-OVERDUE", "overdue", last.day + timedelta(days=63))
    chart.silent(["LYM-EOT"])


def restaged_late(chart: Chart) -> None:
    """The scan comes three weeks too late, is fine, and clears the overdue one."""
    _rchop(chart)
    scan = _pet(chart, LAST_DOSE + 85, 2, "CMR")
    chart.expect("LYM-RESTAGE-OVERDUE", "cleared", scan)
    chart.silent(["LYM-EOT"])


def died(chart: Chart) -> None:
    """Death before restaging was due: nothing is overdue any more."""
    _rchop(chart)
    chart.dies(LAST_DOSE + chart.chance.between(26, 50))
    chart.silent(RULES)
