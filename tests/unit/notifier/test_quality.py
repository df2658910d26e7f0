"""Feedback: Wilson's interval, the floor under a rule, and what counts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import START

from schemas.actions import Counts, Disposition
from services.notifier.quality.ppv import Interval, judge, tally, wilson

RIGHT, WRONG = Disposition.TREATMENT_CHANGED, Disposition.RULE_WRONG


def interval(low: str, high: str) -> Interval:
    return Interval(Decimal(low), Decimal(high))


@pytest.mark.parametrize(
    ("right", "of", "expected"),
    [
        # Newcombe, Stat Med 1998;17:857-872, table I, method 3 (C).
        (81, 263, interval("0.2553", "0.3662")),
        (15, 148, interval("0.0624", "0.1605")),
        (0, 20, interval("0.0000", "0.1611")),
        (1, 29, interval("0.0061", "0.1718")),
        (20, 20, interval("0.8389", "1.0000")),
    ],
)
def test_published_intervals(right: int, of: int, expected: Interval) -> None:
    assert wilson(right, of) == expected


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_holds_the_share(right: int, more: int) -> None:
    found = wilson(right, right + more)
    assert found is not None
    share = Decimal(right) / (right + more)
    assert 0 <= found.low <= share + Decimal("0.0001")
    assert share - Decimal("0.0001") <= found.high <= 1


def test_of_nothing_there_is_no_interval() -> None:
    assert wilson(0, 0) is None
    with pytest.raises(ValueError, match="right"):
        wilson(2, 1)


def test_every_disposition_counts_as_the_page_says() -> None:
    found = tally(Disposition)
    assert (found.true, found.false, found.apart, found.neutral) == (5, 4, 1, 5)
    assert Disposition.ALREADY_KNOWN.counts is Counts.APART
    assert found.ppv == Decimal("0.5556")
    assert tally([]).ppv is None


@pytest.mark.parametrize(
    ("right", "wrong", "interrupts"), [(15, 15, True), (14, 16, False), (0, 29, True)]
)
def test_fewer_than_half_of_thirty_demote(right: int, wrong: int, *, interrupts: bool) -> None:
    found = judge("RULE", [RIGHT] * right + [WRONG] * wrong, START)
    assert (found.interrupts, found.changed) == (interrupts, not interrupts)
    assert found.at == START


def test_only_the_last_thirty_judged_count() -> None:
    recent = [WRONG] * 40 + [RIGHT] * 30 + [Disposition.DECEASED] * 50
    assert judge("RULE", recent, START).interrupts
    assert (
        "30 of the last 30 were right (95 % interval 0.8865 to 1.0000)"
        in judge("RULE", recent, START).why
    )


def test_a_demoted_rule_stays_so_until_a_person_says_otherwise() -> None:
    found = judge("RULE", [RIGHT] * 30, START, interrupts=False)
    assert (found.interrupts, found.changed) == (False, False)
