"""Values in a row and the curve through two of them: rises, plateaus, small steps, half-lives."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.asking import asked, days, psa

Results = list[tuple[int, str]]


ROWS: list[tuple[str, Results, list[int]]] = [
    ("rises(psa, 2)", [(0, "1"), (7, "1.01"), (14, "1.02")], [14]),
    ("rises(psa, 2)", [(0, "1"), (7, "1"), (14, "1.02")], []),
    ("rises(psa, 2, 10 %)", [(0, "1"), (7, "1.11"), (14, "1.23")], [14]),
    ("rises(psa, 2, 10 %)", [(0, "1"), (7, "1.1"), (14, "1.4")], []),
    ("rises(psa, 2, 10 %)", [(0, "1"), (7, "1.2"), (14, "1.32")], []),
    ("rises(psa, 2, 0.1)", [(0, "1"), (7, "1.11"), (14, "1.23")], [14]),
    ("rises(psa within 60 d, 2, 10 %, 13 d)", [(0, "1"), (6, "2"), (13, "3")], [13]),
    ("rises(psa within 60 d, 2, 10 %, 13 d)", [(0, "1"), (6, "2"), (12, "3")], []),
    ("rises(psa within 60 d, 2, 10 %, 13 d)", [(0, "1"), (5, "2"), (9, "3"), (13, "4")], [13]),
    ("rises(psa within 60 d, 2, 10 %, 13 d)", [(0, "1"), (5, "1"), (9, "3"), (13, "4")], []),
    ("rises(psa within 12 d, 2, 10 %)", [(0, "1"), (6, "2"), (12, "3")], [12]),
    ("rises(psa within 11 d, 2, 10 %)", [(0, "1"), (6, "2"), (12, "3")], []),
    ("steady(psa, 2, 10 %)", [(0, "10"), (7, "9"), (14, "8.1")], [14]),
    ("steady(psa, 2, 10 %)", [(0, "10"), (7, "11"), (14, "12.1")], [14]),
    ("steady(psa, 2, 10 %)", [(0, "10"), (7, "8.9"), (14, "8.9")], []),
    ("steady(psa, 2, 10 %)", [(0, "10"), (7, "10"), (14, "11.1")], []),
    ("plateau(psa, 3, 10 %)", [(0, "10"), (7, "11"), (14, "9")], [14]),
    ("plateau(psa, 3, 10 %)", [(0, "10"), (7, "9"), (14, "8.1")], []),
    ("plateau(psa, 2, 10 %)", [(0, "100"), (7, "90"), (14, "110")], [7]),
    (
        "plateau(psa within 60 d, 4, 10 %, 20 d)",
        [(0, "10"), (4, "10"), (9, "10"), (14, "10"), (20, "10")],
        [20],
    ),
    (
        "plateau(psa within 60 d, 4, 10 %, 20 d)",
        [(0, "10"), (4, "10"), (9, "10"), (14, "10"), (19, "10")],
        [],
    ),
    (
        "plateau(psa within 60 d, 4, 10 %, 20 d)",
        [(0, "20"), (4, "10"), (9, "10"), (14, "10"), (24, "10")],
        [24],
    ),
    ("previous(psa, 2) >= 2 ng/mL", [(0, "2"), (7, "1"), (14, "1")], [14]),
    ("previous(psa, 2) >= 2 ng/mL", [(0, "1"), (7, "2"), (14, "1")], []),
    ("previous(psa, 2) >= 2 ng/mL", [(0, "2"), (7, "2")], []),
    ("previous(psa within 14 d, 2) >= 2 ng/mL", [(0, "2"), (7, "1"), (14, "1")], [14]),
    ("previous(psa within 13 d, 2) >= 2 ng/mL", [(0, "2"), (7, "1"), (14, "1")], []),
]


@pytest.mark.parametrize(("when", "results", "expected"), ROWS)
def test_a_row_is_found_where_it_ends(when: str, results: Results, expected: list[int]) -> None:
    assert days(asked(when, [psa(*one) for one in results])) == expected


def test_a_row_of_two_assays_is_none() -> None:
    events = [psa(0, "10", method="A"), psa(7, "10", method="B"), psa(14, "10", method="B")]
    assert asked("steady(psa, 2, 10 %)", events).revisions == []


def test_a_value_below_a_limit_has_no_place_in_a_plateau() -> None:
    result = asked("plateau(psa, 3, 10 %)", [psa(0, "10"), psa(7, "<10"), psa(14, "10")])
    assert result.revisions == []
    assert [unknown.reason for unknown in result.unknowns] == [
        "a value that is only known as a range"
    ]


def test_the_evidence_of_a_long_row_is_as_short_as_it_may_be() -> None:
    """Its ends, and two between them; the fifth value proves nothing more."""
    results = [(0, "10"), (4, "10"), (9, "10"), (14, "10"), (20, "10")]
    question = "plateau(psa within 60 d, 4, 10 %, 20 d)"
    alert = asked(question, [psa(*one) for one in results]).revisions[0]
    assert [item.event_id for item in alert.evidence] == ["E0", "E4", "E9", "E20"]


LEVELS: list[tuple[str, Results, str | None]] = [
    ("time_to_reach(previous(psa), psa, previous(psa) / 2)", [(0, "8"), (7, "4")], "7"),
    ("time_to_reach(previous(psa), psa, previous(psa) / 2)", [(0, "8"), (7, "1")], "2.33333333"),
    ("time_to_reach(previous(psa), psa, 2 * previous(psa))", [(0, "1"), (7, "8")], "2.33333333"),
    ("time_to_reach(previous(psa), psa, 1 ng/mL)", [(0, "1024"), (21, "128")], "70"),
    ("time_to_reach(previous(psa), psa, previous(psa))", [(0, "8"), (7, "4")], "0"),
    ("time_to_reach(previous(psa), psa, 1 ng/mL)", [(0, "8"), (7, "9")], None),
    ("time_to_reach(previous(psa), psa, 1 ng/mL)", [(0, "8"), (7, "8")], None),
    ("time_to_reach(previous(psa), psa, 1 ng/mL)", [(7, "8")], None),
    ("time_to_reach(previous(psa), psa, 1 ng/mL)", [(0, "8"), (7, "<4")], None),
    ("time_to_reach(previous(psa), psa, 1 ng/mL)", [(0, "8"), (7, "0")], None),
    ("time_to_reach(previous(psa), psa, 0 ng/mL)", [(0, "8"), (7, "4")], None),
    ("time_to_reach(previous(psa), psa, uln(psa))", [(0, "8"), (7, "4")], None),
]


@pytest.mark.parametrize(("curve", "results", "expected"), LEVELS)
def test_when_the_curve_comes_to_a_level(
    curve: str, results: Results, expected: str | None
) -> None:
    last = results[-1][0]
    alert = asked(
        f"date >= date(last(psa)) + {last} d" if len(results) > 1 else "psa >= 0 ng/mL",
        [psa(*one) for one in results],
        value=curve,
    ).revisions[0]
    assert alert.value == (None if expected is None else Decimal(expected))


def test_two_results_of_one_day_or_of_two_assays_have_no_slope() -> None:
    slope = "time_to_reach(previous(psa), psa, 1 ng/mL) > 0"
    morning = psa(0, "8", effective_at="2024-01-01T06:00:00Z", event_id="A")
    evening = psa(0, "4", effective_at="2024-01-01T18:00:00Z", event_id="B")
    (unknown,) = asked(slope, [morning, evening]).unknowns
    assert unknown.reason == "two results of one day have no slope"
    (unknown,) = asked(slope, [psa(0, "8", method="A"), psa(7, "4")]).unknowns
    assert unknown.reason == "a result of another assay or specimen"


def test_a_month_is_no_day_to_draw_a_curve_through() -> None:
    slope = "time_to_reach(previous(psa), psa, 1 ng/mL) > 0"
    vague = psa(0, "8", effective_at="2024-01", issued_at="2024-02-01T12:00:00Z")
    (unknown,) = asked(slope, [vague, psa(60, "4")]).unknowns
    assert unknown.reason == "a date of which the day is not known"


def test_a_number_beyond_every_message_is_left_out() -> None:
    """An alert must not fail for a curve that is almost flat."""
    curve = "time_to_reach(previous(psa), psa, 1 ng/mL)"
    almost = [psa(0, "8"), psa(7, "7.99999999999999999")]
    (alert,) = asked(f"{curve} > 0", almost, value=curve).revisions
    assert alert.value is None
