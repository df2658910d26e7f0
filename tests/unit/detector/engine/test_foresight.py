"""The earliest day: what can be told in advance of facts to come, and what can't."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.lanes import context_of, fact
from support.outlooks import READS, earliest, limits, only, psa, view
from support.small_rules import lab, start

from services.detector.adapters.views import Status
from services.detector.engine import comparisons, fields, logic, terms, values
from services.detector.engine.foresight import barriers, foresee
from services.detector.engine.truth import Unknown


@pytest.mark.parametrize(
    ("condition", "day", "because"),
    [
        ("day >= 84 d and psa > 2 ng/mL", "2024-03-25", ("day >= 84 d",)),
        ("psa > 2 ng/mL and not day < 3 mo", "2024-04-01", ("not day < 3 mo",)),
        ("psa > 2 ng/mL or day >= 84 d", "2024-01-10", ()),
        ("day < 5 d and psa > 2 ng/mL", None, ("day < 5 d",)),
    ],
)
def test_the_calendar_is_told_in_advance_and_nothing_else(
    condition: str, day: str | None, because: tuple[str, ...]
) -> None:
    criteria = f'- {{name: late, each: psa, confirmed: "{condition}"}}'
    begun = start("2024-01-01")
    found = view(READS, criteria, begun, psa("2024-01-09", "1"), at="2024-01-10", course=True)
    (way,) = only(found).prospects
    assert (earliest(way), way.because) == (day, because)


def test_without_a_clock_no_date_is_named() -> None:
    criteria = "- {name: late, each: psa, confirmed: day >= 84 d and psa > 2 ng/mL}"
    planned = start("2024-01-01", phase="planned")
    found = view(READS, criteria, planned, psa("2024-01-09", "1"), at="2024-01-10", course=True)
    assert found.status is Status.UNDECIDED
    assert only(found).prospects[0].unclocked
    assert only(found).missing[0].startswith("no clock")


def test_what_can_be_told_in_advance_outweighs_what_cannot() -> None:
    here = context_of(fact("a", 3))
    asked = comparisons.compared(">", values.value_of(fields.the_fact("it")), _two(), "it > 2")
    never, ever = (logic.by_choice(truth=one, text=str(one)) for one in (False, True))
    assert isinstance(foresee(asked, here), Unknown)
    assert foresee(logic.all_of([asked, never], "and"), here) is False
    assert foresee(logic.any_of([asked, ever], "or"), here) is True
    assert isinstance(foresee(logic.any_of([asked, never], "or"), here), Unknown)
    assert [one.text for one in barriers(logic.all_of([asked, never], "and"), here)] == ["False"]


def _two() -> terms.Term:
    return values.constant(fact("b", value="2").value, "2")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2024-01-10", "2024-02-10"),
        ("2024-02-10", "2024-02-10"),
        ("2024-02-15", "2024-07-19"),
        ("2024-07-20", "2024-07-20"),
        ("2024-07-21", None),
    ],
)
def test_a_condition_that_comes_and_goes_is_not_missed(at: str, day: str | None) -> None:
    """Day 40 to 44 and day 200 to 201: neither end is reached by halving what lies between."""
    early, late = "(day >= 40 d and day < 45 d)", "(day >= 200 d and day <= 201 d)"
    criteria = (
        f'- {{name: at_times, each: psa, confirmed: "psa > 2 ng/mL and ({early} or {late})"}}'
    )
    found = view(READS, criteria, start("2024-01-01"), psa("2024-01-09", "1"), at=at, course=True)
    (way,) = only(found).prospects
    assert earliest(way) == day


def test_only_the_series_that_a_way_compares_can_go_it() -> None:
    """A fact of the other series never does: it is not asked, and its absence is told."""
    reads = "psa: {analyte: psa}\nalp: {analyte: alp}"
    criteria = "- {name: high, each: [psa, alp], confirmed: psa > 2 ng/mL or alp > 100 U/L}"
    both = view(reads, criteria, psa("2024-01-01", "1"), at="2024-01-02")
    assert [one.series for one in only(both).prospects] == [("psa", "alp")]
    criteria = "- {name: high, each: [psa, alp], confirmed: psa > 2 ng/mL}"
    alp = lab("alp", "2024-01-01", "50", "U/L")
    found = view(reads, criteria, alp, at="2024-01-02")
    assert [(one.series, one.looks) for one in only(found).prospects] == [(("psa",), ())]
    assert (found.status, only(found).missing) == (Status.UNDECIDED, ("no psa at all",))


def test_a_range_has_a_limit_on_either_side() -> None:
    criteria = "- {name: mid, each: psa, confirmed: psa > 2 ng/mL and psa <= 4 ng/mL}"
    found = view(READS, criteria, psa("2024-01-01", "1"), at="2024-01-02")
    assert limits(only(found).prospects[0]) == [(">", "2"), ("<=", "4")]


def test_a_limit_is_also_told_in_the_unit_of_the_last_result() -> None:
    reads, criteria = (
        "rna: {analyte: hiv_rna}",
        ('- {name: high, each: rna, confirmed: "rna > 1000 {copies}/mL"}'),
    )
    log = lab("hiv_rna", "2024-01-01", "2.1139", "{log_copies}/mL")
    (look,) = only(view(reads, criteria, log, at="2024-01-02")).prospects[0].looks
    assert [(str(one.value), one.unit, one.reported) for one in look.limits] == [
        ("1000", "{copies}/mL", (Decimal(3), "{log_copies}/mL"))
    ]
