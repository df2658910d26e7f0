"""Ovarian cancer followed by CA-125, and metastatic colorectal cancer followed by CT.

CA-125 progression: Rustin 2011 IJGC 21:419 (GCIG). Tumour response: Eisenhauer 2009 EJC 45:228
(RECIST 1.1).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from schemas.events import Status
from services.simulator.laboratory import Laboratory
from services.simulator.stories.common import chemotherapy, late_switch, open_chart, visits

if TYPE_CHECKING:
    from services.simulator.chart import Chart, Draft

OVARY = "ovarian-cancer"
COLON = "colorectal-cancer"
UNIT = "[arb'U]/mL"


def _platinum(chart: Chart, before: str) -> None:
    """Six cycles of carboplatin and paclitaxel after debulking; CA-125 on day 0."""
    open_chart(chart, "female", (48, 74), "control")
    _ca125(chart, 0, before)
    chemotherapy(
        chart,
        Laboratory(chart),
        "CT1",
        OVARY,
        "carboplatin-paclitaxel",
        classes=["platinum", "taxane"],
    )


def _ca125(chart: Chart, day: int, value: str) -> Draft:
    return chart.result(day, "ca125", value, UNIT, high="35")


def _second_platinum(chart: Chart, known_by: int) -> None:
    """The next line; OV05 found no harm in waiting for symptoms, so it may come late."""
    day = late_switch(chart, OVARY, known_by, low=30, high=150)
    if day is not None:
        more = {"regimen": "carboplatin-PLD", "line": 2, "intent": "disease-control"}
        chart.treat(day, "CT2", OVARY, "chemotherapy", "started", **more)


def ca125_normalised(chart: Chart) -> None:
    """Category A: normal after treatment, then exactly twice the upper limit, confirmed."""
    _platinum(chart, "412")
    for day, value in ((42, "120"), (84, "31"), (168, "14"), (259, "22"), (350, "69")):
        _ca125(chart, day, value)
    onset = _ca125(chart, 392, "70")
    proof = _ca125(chart, 420, str(chart.chance.between(82, 140)))
    chart.expect("OVAR-GCIG", "confirmed", onset, proof, onset=onset)
    _second_platinum(chart, 434)


def ca125_never_normal(chart: Chart) -> None:
    """Category B: the nadir is 48; 95.9 is not double, 96.0 is. Within six months of platinum."""
    _platinum(chart, "640")
    for day, value in ((42, "210"), (84, "48"), (126, "61"), (161, "95.9")):
        _ca125(chart, day, value)
    onset = _ca125(chart, 189, "96.0")
    proof = _ca125(chart, 217, str(chart.chance.between(110, 180)))
    chart.expect("OVAR-GCIG", "confirmed", onset, proof, tag="pfi_lt_6mo", onset=onset)
    _second_platinum(chart, 231)


def ca125_unconfirmed(chart: Chart) -> None:
    """Category C: one value at twice the limit, the next below."""
    _platinum(chart, "30")
    for day, value in ((84, "18"), (210, "24")):
        _ca125(chart, day, value)
    _ca125(chart, 300, "71")
    calm = _ca125(chart, 328, "52")
    chart.expect("OVAR-GCIG", "refuted", calm)
    for day in range(400, chart.end, 91):
        _ca125(chart, day, str(chart.chance.between(16, 33)))


def ca125_after_puncture(chart: Chart) -> None:
    """Raised within four weeks of a paracentesis, and normal before and after: no verdict."""
    _platinum(chart, "388")
    for day, value in ((42, "96"), (84, "28"), (180, "15")):
        _ca125(chart, day, value)
    more = {"regimen": "paracentesis", "line": 1}
    chart.treat(285, "TAP", OVARY, "procedure", "completed", **more)
    _ca125(chart, 297, "88")
    _ca125(chart, 330, "34")
    for day in range(420, chart.end, 91):
        _ca125(chart, day, str(chart.chance.between(12, 30)))
    chart.silent(["OVAR-GCIG"])


def _metastatic(chart: Chart, before: str) -> None:
    """First-line treatment with measurable disease; CT ten days before day 14, the first dose."""
    open_chart(chart, chart.chance.pick(("female", "male")), (50, 76), "control")
    _scan(chart, 4, before, timepoint="baseline")
    more = {"regimen": "FOLFOX-bevacizumab", "line": 1, "intent": "disease-control"}
    chart.treat(14, "CT1", COLON, "chemotherapy", "started", **more)
    visits(chart, Laboratory(chart), range(20, chart.end, 100))


def _scan(chart: Chart, day: int, total: str, **more: object) -> Draft:
    """A CT with the sum of target diameters in mm."""
    fields: dict[str, object] = {"timepoint": "follow-up", "sum_of_diameters_mm": total, **more}
    return chart.image(day, "CT", "recist-1.1", **fields)


def _second_chemotherapy(chart: Chart, known_by: int, total: str) -> None:
    """FOLFIRI; its own baseline, and stable disease from there on."""
    day = late_switch(chart, COLON, known_by, low=10, high=75)
    if day is None:
        return
    more = {"regimen": "FOLFIRI", "line": 2, "intent": "disease-control"}
    chart.treat(day, "CT2", COLON, "chemotherapy", "started", **more)
    for later in range(day + 60, chart.end, 60):
        _scan(chart, later, total)


def growth(chart: Chart) -> None:
    """Half of baseline, yet exactly 20 % and more than 5 mm above the nadir."""
    _metastatic(chart, "100.0")
    for day, total in ((70, "64.0"), (130, "45.0"), (190, "48.5"), (250, "53.9")):
        _scan(chart, day, total)
    failed = _scan(chart, 310, "54.0")
    chart.expect("SOLID-RECIST11", "confirmed", failed, onset=failed)
    _second_chemotherapy(chart, 320, "54.0")


def new_lesion(chart: Chart) -> None:
    """Target lesions shrink, but there is an unequivocal new one."""
    _metastatic(chart, "82.0")
    for day, total in ((70, "60.0"), (130, "51.0")):
        _scan(chart, day, total)
    failed = _scan(chart, 190, "50.0", new_lesions=["unequivocal"])
    chart.expect("SOLID-RECIST11", "confirmed", failed, onset=failed)
    _second_chemotherapy(chart, 200, "50.0")


def equivocal_lesion(chart: Chart) -> None:
    """A doubtful lesion proves real: progression is dated back to its first appearance."""
    _metastatic(chart, "74.0")
    _scan(chart, 70, "52.0")
    onset = _scan(chart, 130, "47.0", new_lesions=["equivocal"])
    proof = _scan(chart, 190, "47.0", new_lesions=["unequivocal"])
    chart.expect("SOLID-RECIST11", "confirmed", onset, proof, onset=onset)
    _second_chemotherapy(chart, 200, "47.0")


def response(chart: Chart) -> None:
    """A partial response that lasts, within the error of measurement."""
    _metastatic(chart, "91.0")
    _scan(chart, 70, "66.0")
    for day in range(130, chart.end, 63):
        _scan(chart, day, str(chart.chance.noisy(Decimal("48.0"), "2", "0.1")))
    chart.silent(["SOLID-RECIST11"])


def addendum(chart: Chart) -> None:
    """The second reader measures 49, not 62: progression is withdrawn."""
    _metastatic(chart, "88.0")
    for day, total in ((70, "60.0"), (130, "48.0")):
        _scan(chart, day, total)
    misread = _scan(chart, 190, "62.0")
    put_right = chart.amend(misread, 203, Status.CORRECTED, sum_of_diameters_mm="49.0")
    chart.expect("SOLID-RECIST11", "retracted", put_right)
    for day in range(260, chart.end, 63):
        _scan(chart, day, chart.chance.pick(("48.0", "49.5", "50.0")))
