"""Five synthetic patients for the pages: one each of the rules that the screenshots show.

Each record has what a chart has to cope with: censored and corrected values, treatment that was
changed, results that are no evidence. Values are made up; the alerts are the rules' own.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from schemas.base import parse_clinical_time
from schemas.events import EVENT
from services.detector.adapters.replay import replay
from support.living import all_rules
from support.memory_book import MemoryBook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from services.notifier.inbox.book import Event

_NOW = parse_clinical_time("2026-03-02T09:30:00Z")
NOW: Final[datetime] = _NOW  # type: ignore[assignment]
RULES: Final = {
    "PROST-SRT-WINDOW": "HOSP|200001",
    "HIV-VF-WHO": "HOSP|200002",
    "CML-ELN": "HOSP|200003",
    "SOLID-RECIST11": "HOSP|200004",
    "TOX-HYS-LAW": "HOSP|200005",
}
"""A rule, and the patient whose alert it raises."""

Facts = list[dict[str, Any]]


def _value(analyte: str, day: str, value: str, unit: str, **more: Any) -> dict[str, Any]:
    number = value.lstrip("<>")
    sign = {"comparator": value.removesuffix(number)} if number != value else {}
    fact = {"type": "observation", "analyte": analyte, "value": number, "unit": unit}
    return {**fact, **sign, "effective_at": f"{day}T08:10:00Z", **more}


def _series(analyte: str, unit: str, values: dict[str, str], **more: Any) -> Facts:
    return [_value(analyte, day, value, unit, **more) for day, value in values.items()]


def _person(birth: str, sex: str, day: str) -> dict[str, Any]:
    return {"type": "patient", "birth_date": birth, "sex": sex, "effective_at": day}


def _course(course: str, condition: str, modality: str, *steps: tuple[str, str, str]) -> Facts:
    """Steps: phase, day, regimen."""
    return [
        {"type": "treatment", "course_id": course, "condition": condition, "modality": modality,
         "phase": phase, "regimen": regimen, "effective_at": day}
        for phase, day, regimen in steps
    ]  # fmt: skip


def _prostate() -> Facts:
    values = {"2024-05-06": "<0.01", "2024-09-09": "0.02", "2025-01-13": "0.05"}
    later = {"2025-05-12": "0.08", "2025-09-08": "0.13", "2026-02-16": "0.24"}
    wrong = _value("psa", "2025-07-07", "0.31", "ng/mL", event_id="mistaken")
    right = {**wrong, "value": "0.10", "status": "corrected", "issued_at": "2025-07-16T10:00:00Z"}
    return [
        *_course("rp", "prostate-cancer", "surgery", ("completed", "2024-02-19", "prostatectomy")),
        *_series("psa", "ng/mL", values | later),
        wrong,
        right,
        *_series("egfr", "mL/min/{1.73_m2}", {"2026-02-16": "81"}),
        _person("1958-04-12", "male", "2024-02-01"),
    ]


def _hiv() -> Facts:
    loads = {"2023-02-06": "184000", "2023-05-08": "620", "2023-08-14": "<20", "2024-02-12": "<20"}
    later = {"2024-08-19": "43", "2025-02-10": "<20", "2025-09-15": "2950", "2026-02-23": "18600"}
    regimen = "dolutegravir + lamivudine"
    return [
        *_course("art", "hiv", "antiretroviral", ("started", "2023-02-13", regimen)),
        *_series("hiv_rna", "{copies}/mL", loads | later),
        *_series("cd4", "/uL", {"2023-02-06": "212", "2025-02-10": "540", "2025-09-15": "498"}),
        *_series("creatinine", "umol/L", {"2026-02-23": "78"}),
        _person("1984-11-03", "female", "2023-02-01"),
    ]


def _cml() -> Facts:
    ratios = {"2025-06-30": "82", "2025-08-04": "46", "2025-10-06": "17", "2025-11-10": "13"}
    return [
        *_course("tki", "cml", "targeted", ("started", "2025-07-07", "imatinib")),
        *_series("bcrabl", "%", ratios | {"2026-01-12": "14", "2026-02-23": "16"}),
        *_series("platelets", "10*9/L", {"2025-07-07": "411", "2026-02-23": "236"}),
        _person("1971-01-29", "male", "2025-06-01"),
    ]


def _scan(day: str, total: str, response: str | None, **more: Any) -> dict[str, Any]:
    told = {"modality": "CT", "criteria": "recist-1.1", "response": response, "effective_at": day}
    return {"type": "imaging_report", "sum_of_diameters_mm": total, **told, **more}


def _solid() -> Facts:
    steps = [("started", "2025-04-14", "carboplatin + paclitaxel")]
    steps += [("administered", f"2025-{m:02}-12", steps[0][2]) for m in (5, 6, 7, 8)]
    return [
        *_course("chemo", "nsclc", "chemotherapy", *steps),
        _scan("2025-04-02", "96", None, timepoint="baseline"),
        _scan("2025-06-18", "71", "SD"),
        _scan("2025-09-03", "58", "PR"),
        _scan("2025-12-01", "61", "PR"),
        _scan("2026-02-20", "74", "PD"),
        *_series("lvef", "%", {"2025-04-08": "61"}),
        _person("1962-07-21", "female", "2025-04-01"),
    ]  # fmt: skip


def _liver() -> Facts:
    alt = {"2026-01-05": "31", "2026-01-26": "64", "2026-02-16": "212", "2026-02-27": "388"}
    bilirubin = {"2026-01-05": "0.7", "2026-02-16": "1.1", "2026-02-27": "3.4"}
    return [
        *_course("tb", "tuberculosis", "antimicrobial", ("started", "2026-01-08", "HRZE")),
        *_series("alt", "U/L", alt, reference_high="40"),
        *_series("bilirubin", "mg/dL", bilirubin, reference_high="1.2"),
        *_series("alp", "U/L", {"2026-02-16": "98", "2026-02-27": "121"}, reference_high="120"),
        _person("1990-03-30", "male", "2026-01-01"),
    ]


def five_events() -> list[Event]:
    """The five records, whole: earlier versions of corrected facts included."""
    records = (_prostate(), _hiv(), _cml(), _solid(), _liver())
    patients = zip(RULES.values(), records, strict=True)
    return [event for patient, facts in patients for event in _events(patient, facts)]


def _events(patient: str, facts: Facts) -> Iterator[Event]:
    for number, fact in enumerate(facts):
        day = str(fact["effective_at"])[:10]
        told = {
            "patient_id": patient,
            "event_id": f"{patient[5:]}-{number}",
            "source": "LAB",
            "issued_at": f"{day}T15:20:00Z",
            "status": "final",
            **fact,
        }
        yield EVENT.validate_python(told)


@cache
def five_book() -> MemoryBook:
    """The five patients as the pages read them; to be read only."""
    events = five_events()
    rules = [rule for rule in all_rules() if rule.id in RULES]
    return MemoryBook(list(replay(events, rules, until=NOW).revisions), events)
