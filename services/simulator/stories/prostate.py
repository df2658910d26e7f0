"""Prostate cancer: after prostatectomy, after radiotherapy, and castration-resistant.

Undetectable after surgery, then a rise that doubles every 4 to 10 months: Pound 1999 JAMA 281:1591,
Freedland 2005 JAMA 294:433. Biochemical recurrence: Cookson 2007 J Urol 177:540.
Salvage windows: AUA/ASTRO/SUO 2024. Phoenix failure: Roach 2006 IJROBP 65:965.
Bounce after implants (a third of men, median onset 17 months): Mazeron 2012 Radiat Oncol 7:46.
Castration-resistant progression: Scher 2016 JCO 34:1402 (PCWG3).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from schemas.events import Status
from services.simulator.chance import grown, rounded
from services.simulator.laboratory import Laboratory
from services.simulator.stories.common import late_switch, open_chart, visits

if TYPE_CHECKING:
    from services.simulator.chart import Chart, Draft

CANCER = "prostate-cancer"
AFTER_SURGERY = ("PROST-BCR-RP", "PROST-SRT-WINDOW")


def _surgery(chart: Chart) -> None:
    """Radical prostatectomy on day 0; PSA is gone after six weeks (half-life 2 to 3 days)."""
    open_chart(chart, "male", (55, 72), "cure")
    chart.treat(
        0, "RP", CANCER, "surgery", "completed", regimen="prostatectomy", line=1, intent="curative"
    )
    _psa(chart, chart.chance.between(44, 54), "<0.01")
    visits(chart, Laboratory(chart), range(20, chart.end, 210))


def _psa(chart: Chart, day: int, value: str | Decimal) -> Draft:
    """A PSA; now and then the report says ug/L, which is the same number."""
    unit = "ug/L" if chart.chance.happens(120) else "ng/mL"
    return chart.result(day, "psa", value, unit)


def _undetectable(chart: Chart, days: range) -> None:
    for day in days:
        _psa(chart, day, "<0.01")


def _salvage_radiotherapy(chart: Chart, known_by: int) -> None:
    """Salvage radiotherapy, late as it often is; PSA falls below detection afterwards."""
    day = late_switch(chart, CANCER, known_by, low=25, high=190)
    if day is None:
        return
    more = {"regimen": "salvage ebrt", "line": 2, "intent": "curative"}
    chart.treat(day, "SRT", CANCER, "radiotherapy", "started", **more)
    if chart.alive(day + 49):
        chart.treat(day + 49, "SRT", CANCER, "radiotherapy", "completed", **more)
    for later in range(day + 140, chart.end, 95):
        _psa(chart, later, "0.02")


def recurrence(chart: Chart) -> None:
    """PSA doubles every 4 to 6 months: 0.06, 0.12, 0.24, and two months later the proof."""
    _surgery(chart)
    doubling = chart.chance.between(120, 180)
    _psa(chart, 135, "<0.01")
    _psa(chart, 230, "0.06")
    _psa(chart, 230 + doubling, "0.12")
    onset = _psa(chart, 230 + 2 * doubling, "0.24")
    later = rounded(grown(Decimal("0.24"), 60, doubling), "0.01")
    proof = _psa(chart, 290 + 2 * doubling, later)
    chart.expect("PROST-BCR-RP", "confirmed", onset, proof, onset=onset)
    chart.expect("PROST-SRT-WINDOW", "window", proof, tag="closing")
    _salvage_radiotherapy(chart, 305 + 2 * doubling)


def no_recurrence(chart: Chart) -> None:
    """Cured: undetectable at every visit."""
    _surgery(chart)
    _undetectable(chart, range(135, chart.end, 91))
    chart.silent(AFTER_SURGERY)


def jump(chart: Chart) -> None:
    """A missed year: PSA comes back at 0.6 and more, past every tier of the window."""
    _surgery(chart)
    _psa(chart, 140, "0.03")
    onset = _psa(chart, 430, chart.chance.value("0.55", "0.72", "0.01"))
    proof = _psa(chart, 452, chart.chance.value("0.78", "0.95", "0.01"))
    chart.expect("PROST-BCR-RP", "confirmed", onset, proof, onset=onset)
    chart.expect("PROST-SRT-WINDOW", "window", onset, tag="missed")
    _salvage_radiotherapy(chart, 470)


def correction_breaks(chart: Chart) -> None:
    """0.31 was another tube; the laboratory corrects it to 0.03 and the alert is withdrawn."""
    _surgery(chart)
    _undetectable(chart, range(135, 230, 90))
    wrong = chart.result(310, "psa", "0.31", "ng/mL", released=311)
    put_right = chart.amend(wrong, 324, Status.CORRECTED, value="0.03")
    for rule in AFTER_SURGERY:
        chart.expect(rule, "retracted", put_right)
    for day in range(400, chart.end, 91):
        _psa(chart, day, "0.02")


def correction_makes(chart: Chart) -> None:
    """0.02 should have read 0.26: with the 0.27 that is already there, recurrence is confirmed."""
    _surgery(chart)
    _undetectable(chart, range(135, 230, 90))
    first = chart.result(310, "psa", "0.02", "ng/mL", released=311)
    second = chart.result(345, "psa", "0.27", "ng/mL", released=346)
    put_right = chart.amend(first, 352, Status.CORRECTED, value="0.26")
    chart.expect("PROST-BCR-RP", "confirmed", second, put_right, onset=first)
    # The tier is the same before and after; whether it counts as reached anew is left open.
    chart.expect("PROST-SRT-WINDOW", "window", tag="closing")
    _salvage_radiotherapy(chart, 370)


def wrong_patient(chart: Chart) -> None:
    """Somebody else's PSA of 6.4, taken off the chart five days later."""
    _surgery(chart)
    _undetectable(chart, range(135, 230, 90))
    alien = chart.result(300, "psa", "6.4", "ng/mL", released=301)
    gone = chart.amend(alien, 306, Status.ENTERED_IN_ERROR)
    for rule in AFTER_SURGERY:
        chart.expect(rule, "retracted", gone)
    _undetectable(chart, range(330, chart.end, 91))


def _radiotherapy(chart: Chart, regimen: str, goals: str = "cure") -> None:
    """Definitive radiotherapy; day 0 is the last fraction or the implant."""
    open_chart(chart, "male", (60, 78), goals)
    more = {"regimen": regimen, "line": 1, "intent": "curative"}
    chart.treat(0, "RT", CANCER, "radiotherapy", "completed", **more)
    visits(chart, Laboratory(chart), range(25, chart.end, 210))


def _decline(chart: Chart, nadir: str) -> None:
    """The slow fall after radiotherapy, to the nadir at one year."""
    for day, value in ((91, "2.4"), (182, "1.3"), (273, "0.9"), (364, nadir)):
        _psa(chart, day, value)


def phoenix(chart: Chart) -> None:
    """Nadir 0.4; two near misses; then nadir + 2.0 or a little more."""
    _radiotherapy(chart, "ebrt")
    _decline(chart, "0.4")
    _psa(chart, 440, "1.1")
    _psa(chart, 515, "2.3")
    failure = _psa(chart, 575, chart.chance.value("2.4", "3.1", "0.1"))
    chart.expect("PROST-PHOENIX", "confirmed", failure, onset=failure)
    day = late_switch(chart, CANCER, 590, low=30, high=150)
    if day is not None:
        more = {"regimen": "leuprolide", "line": 2, "intent": "disease-control"}
        chart.treat(day, "ADT", CANCER, "endocrine", "started", **more)


def radiotherapy_control(chart: Chart) -> None:
    """The nadir holds, with the scatter of the assay."""
    _radiotherapy(chart, "ebrt")
    _decline(chart, "0.5")
    for day in range(455, chart.end, 91):
        _psa(chart, day, chart.chance.noisy(Decimal("0.5"), "10", "0.01"))
    chart.silent(["PROST-PHOENIX"])


def bounce(chart: Chart) -> None:
    """A bounce after an implant: up by more than two, and back to the nadir without treatment."""
    _radiotherapy(chart, "brachytherapy")
    for day, value in ((120, "1.4"), (240, "0.6"), (380, "1.2"), (470, "2.8"), (560, "1.5")):
        _psa(chart, day, value)
    back = _psa(chart, 630, "0.7")
    chart.expect("PROST-PHOENIX", "refuted", back, tag="bounce_resolved")


def late_nadir(chart: Chart) -> None:
    """The true nadir was measured elsewhere and arrives after the rise: it makes the alert."""
    _radiotherapy(chart, "ebrt")
    _decline(chart, "0.9")
    forgotten = chart.result(425, "psa", "0.3", "ng/mL", released=549)
    rise = _psa(chart, 530, "2.5")
    chart.expect("PROST-PHOENIX", "confirmed", forgotten, rise, onset=rise)


def comfort_only(chart: Chart) -> None:
    """The same failure under comfort-only care is worth knowing, and no alarm."""
    _radiotherapy(chart, "ebrt")
    _decline(chart, "0.4")
    chart.person(420, goals_of_care="comfort-only")
    failure = _psa(chart, 500, "3.3")
    chart.expect("PROST-PHOENIX", "info", failure, onset=failure)


def _resistant(chart: Chart, regimen: str = "abiraterone", modality: str = "endocrine") -> None:
    """Castration-resistant disease; a new line starts on day 0 with PSA 50."""
    open_chart(chart, "male", (62, 80), "control", ecog=1)
    _psa(chart, 0, "50")
    more = {"regimen": regimen, "line": 2, "intent": "disease-control"}
    chart.treat(0, "CR2", CANCER, modality, "started", **more)
    visits(chart, Laboratory(chart), range(14, chart.end, 120))


def _next_line(chart: Chart, known_by: int) -> None:
    """Docetaxel, some weeks or months after PSA progression."""
    day = late_switch(chart, CANCER, known_by, low=20, high=140)
    if day is not None:
        more = {"regimen": "docetaxel", "line": 3, "intent": "disease-control"}
        chart.treat(day, "CR3", CANCER, "chemotherapy", "started", **more)


def resistant_progression(chart: Chart) -> None:
    """Down to 8, then exactly x 1.25 and + 2.0, confirmed four weeks later."""
    _resistant(chart)
    for day, value in ((28, "20"), (56, "12.4"), (84, "8.0"), (112, "9.1")):
        _psa(chart, day, value)
    onset = _psa(chart, 140, "10.0")
    proof = _psa(chart, 168, chart.chance.value("11.0", "14.5", "0.1"))
    chart.expect("PROST-PCWG3-PSA", "confirmed", onset, proof, onset=onset)
    _next_line(chart, 182)


def resistant_response(chart: Chart) -> None:
    """A deep and lasting response."""
    _resistant(chart, "enzalutamide")
    _psa(chart, 28, "17.5")
    for day in range(84, chart.end, 84):
        _psa(chart, day, chart.chance.noisy(Decimal("1.5"), "8", "0.01"))
    chart.silent(["PROST-PCWG3-PSA"])


def resistant_from_the_start(chart: Chart) -> None:
    """PSA never falls: no verdict before week 12, then progression without confirmation."""
    _resistant(chart)
    for day, value in ((28, "56"), (56, "61"), (77, "66")):
        _psa(chart, day, value)
    failure = _psa(chart, 98, chart.chance.value("68", "80", "1"))
    chart.expect("PROST-PCWG3-PSA", "confirmed", failure, onset=failure, tag="no_decline")
    _next_line(chart, 112)


def resistant_new_nadir(chart: Chart) -> None:
    """A rise that qualifies, disproved by a value below the old nadir."""
    _resistant(chart)
    for day, value in ((28, "22"), (56, "11"), (84, "8.0")):
        _psa(chart, day, value)
    _psa(chart, 112, "10.6")
    lower = _psa(chart, 140, "6.0")
    chart.expect("PROST-PCWG3-PSA", "refuted", lower)
    for day in range(196, chart.end, 70):
        _psa(chart, day, chart.chance.value("5.4", "6.4", "0.1"))


def nadir_corrected(chart: Chart) -> None:
    """The nadir itself was wrong; all that rested on it is withdrawn."""
    _resistant(chart)
    _psa(chart, 28, "20")
    nadir = chart.result(56, "psa", "8.0", "ng/mL", released=57)
    chart.result(84, "psa", "11.0", "ng/mL", released=85)
    chart.result(112, "psa", "12.0", "ng/mL", released=113)
    put_right = chart.amend(nadir, 126, Status.CORRECTED, value="18.0")
    chart.expect("PROST-PCWG3-PSA", "retracted", put_right)
    for day in range(150, chart.end, 70):
        _psa(chart, day, chart.chance.value("10.2", "12.2", "0.1"))
