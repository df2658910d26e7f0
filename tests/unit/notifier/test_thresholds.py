"""Limits are read from the proof exactly, or not at all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from schemas.alerts import Explanation
from schemas.events import EVENT, ImagingReport, Observation
from services.notifier.inbox.thresholds import SUM, limits, simplified


def fact(analyte: str, value: str, unit: str, **more: Any) -> Observation:
    event = EVENT.validate_python(
        {
            "type": "observation",
            "event_id": "e",
            "patient_id": "HOSP|1",
            "source": "LAB",
            "effective_at": "2024-06-01",
            "analyte": analyte,
            "value": value,
            "unit": unit,
            **more,
        }
    )
    assert isinstance(event, Observation)
    return event


def proof(text: str, *parts: tuple[str, str]) -> Explanation:
    because = tuple(Explanation(text=t, value=v, events=("e",)) for t, v in parts)
    return Explanation(text=text, truth="true", events=("e",), because=because)


def test_a_limit_that_stands_in_the_rule() -> None:
    psa = fact("psa", "0.31", "ng/mL")
    (limit,) = limits(proof("psa >= 0.2 ng/mL", ("psa", "0.31")), {"e": psa}, {"psa": "ng/mL"})
    assert (limit.what, limit.value, limit.label) == ("psa", Decimal("0.2"), "≥ 0.2 ng/mL")


def test_a_limit_that_was_worked_out() -> None:
    node = proof("psa >= nadir(psa) + 2.0 ng/mL", ("psa", "2.8"), ("nadir(psa) + 2.0 ng/mL", "2.6"))
    (limit,) = limits(node, {"e": fact("psa", "2.8", "ng/mL")}, {"psa": "ng/mL"})
    assert (limit.value, limit.label) == (Decimal("2.6"), "≥ nadir + 2.0 ng/mL = 2.6 ng/mL")


def test_a_multiple_of_the_reference_limit_that_came_with_the_result() -> None:
    alt = fact("alt", "205", "U/L", reference_high="40")
    (limit,) = limits(proof("it >= 3 uln", ("it", "205")), {"e": alt}, {"alt": "U/L"})
    assert (limit.what, limit.value) == ("alt", Decimal(120))


def test_without_a_reference_limit_there_is_no_line() -> None:
    alt = fact("alt", "205", "U/L")
    assert limits(proof("it >= 3 uln", ("it", "205")), {"e": alt}, {"alt": "U/L"}) == []


def test_a_limit_in_the_unit_of_the_chart() -> None:
    psa = fact("psa", "310", "ng/L")
    (limit,) = limits(proof("psa >= 0.2 ng/mL", ("psa", "0.31")), {"e": psa}, {"psa": "ng/L"})
    assert (limit.value, limit.unit) == (Decimal(200), "ng/L")


def test_a_sum_of_diameters() -> None:
    scan = ImagingReport(
        type="imaging_report",
        event_id="e",
        patient_id="HOSP|1",
        source="RIS",
        effective_at=date(2024, 6, 1),
        sum_of_diameters_mm=Decimal(62),
    )
    node = proof(
        "scan.sum >= 1.20 * nadir(scan.sum)", ("scan.sum", "62"), ("1.20 * nadir(scan.sum)", "57.6")
    )
    (limit,) = limits(node, {"e": scan}, {})
    assert (limit.what, limit.value) == (SUM, Decimal("57.6"))


def test_limits_are_found_deep_in_the_proof_and_named_once() -> None:
    leaf = proof("psa >= 0.2 ng/mL", ("psa", "0.31"))
    root = Explanation(text="a and b", truth="true", because=(leaf, leaf))
    assert len(limits(root, {"e": fact("psa", "0.31", "ng/mL")}, {"psa": "ng/mL"})) == 1


@pytest.mark.parametrize(
    "text",
    [
        "nadir(psa) < baseline(psa)",
        "psa >= 0.2 ng/mL and psa <= 1 ng/mL",
        "pet.response in (PMD, NMR)",
        "psa >= 0.2 nonsense",
        "psa >= something(else)",
    ],
)
def test_what_cannot_be_read_exactly_gives_no_line(text: str) -> None:
    psa = fact("psa", "0.31", "ng/mL")
    assert limits(proof(text, ("psa", "0.31")), {"e": psa}, {"psa": "ng/mL"}) == []


def test_a_fact_that_is_gone_gives_no_line() -> None:
    assert limits(proof("psa >= 0.2 ng/mL", ("psa", "0.31")), {}, {"psa": "ng/mL"}) == []
    assert limits(None, {}, {}) == []


def test_an_expression_is_shortened_for_the_margin() -> None:
    assert simplified("nadir(creatinine within 48 h) + 0.3 mg/dL | 26.5 umol/L") == (
        "nadir + 0.3 mg/dL or 26.5 \u00b5mol/L"
    )
