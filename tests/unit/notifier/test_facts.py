"""Facts as they stand: the latest version wins, withdrawn ones go, numbers keep their unit."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from schemas.events import EVENT
from services.notifier.inbox.facts import in_unit, parsed, reading, standing, superseded, usual_unit

if TYPE_CHECKING:
    from services.notifier.inbox.book import Event


def psa(value: str, issued: str, **more: Any) -> Event:
    return EVENT.validate_python(
        {
            "type": "observation",
            "event_id": "e",
            "patient_id": "HOSP|1",
            "source": "LAB",
            "effective_at": "2024-06-01",
            "issued_at": f"{issued}T00:00:00Z",
            "analyte": "psa",
            "value": value,
            "unit": "ng/mL",
            **more,
        }
    )


def test_the_latest_version_stands_in_whatever_order_they_come() -> None:
    versions = [psa("1", "2024-06-02"), psa("2", "2024-06-04"), psa("3", "2024-06-03")]
    for order in itertools.permutations(versions):
        assert standing(order) == [versions[1]]


def test_of_versions_of_one_moment_the_higher_status_stands() -> None:
    versions = [psa("1", "2024-06-02"), psa("2", "2024-06-02", status="corrected")]
    assert standing(versions) == standing(versions[::-1]) == [versions[1]]


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_what_was_withdrawn_does_not_stand(status: str) -> None:
    assert standing([psa("1", "2024-06-02"), psa("1", "2024-06-03", status=status)]) == []


def test_what_was_corrected_or_withdrawn_is_told_once_and_what_was_repeated_is_not() -> None:
    first, again = psa("1", "2024-06-02"), psa("1", "2024-06-03")
    right = psa("2", "2024-06-04", status="corrected")
    gone = psa("2", "2024-06-05", status="entered-in-error")
    assert superseded([again, first]) == []
    assert [one.value for one in superseded([right, first, again])] == [Decimal(1)]
    assert [one.value for one in superseded([gone, right, first])] == [Decimal(1), Decimal(2)]


def test_a_number_in_another_unit_is_exact_or_not_at_all() -> None:
    one = reading(psa("0.31", "2024-06-02"))
    assert one is not None
    assert in_unit(one, "ng/L") == Decimal(310)
    assert in_unit(one, "mm") is None


def test_the_usual_unit_is_the_one_most_often_reported() -> None:
    events = [psa("1", "2024-06-02", event_id=str(n)) for n in range(2)]
    events.append(psa("1", "2024-06-02", event_id="x", unit="ug/L"))
    assert usual_unit([one for event in events if (one := reading(event))]) == "ng/mL"
    assert usual_unit([]) == ""


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("6.40", (Decimal("6.40"), "exact")),
        ("<0.01", (Decimal("0.01"), "below")),
        (">=8", (Decimal(8), "above")),
        ("positive", None),
        ("PMR; Deauville 4", None),
        (None, None),
    ],
)
def test_evidence_is_read_as_it_was_reported(text: str | None, read: object) -> None:
    assert parsed(text) == read
