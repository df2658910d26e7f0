"""Feedback: Wilson's interval, the floor under a rule, and what counts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import HOUR, START

from schemas.actions import Counts, Disposition
from services.notifier.cases.case import Marks
from services.notifier.quality.intervals import intervals
from services.notifier.quality.performance import Median, performances
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


def marks(**hours: int) -> Marks:
    """Instants, in hours after the start."""
    return Marks.model_validate({name: START + each * HOUR for name, each in hours.items()})


def test_a_mark_that_was_not_reached_is_unknown_and_no_time_is_less_than_nothing() -> None:
    found = intervals(marks(evidence=5, alerted=4, noticed=6, disposed=9, act_by=2))
    assert found.evidence_to_alert == HOUR * 0, "a day without an hour may end later"
    assert found.alert_to_notice == 2 * HOUR
    assert found.notice_to_acknowledgement is None
    assert found.acknowledgement_to_disposition is None
    assert found.lead == -2 * HOUR, "it came too late, and that is to be seen"


def test_rules_are_told_with_their_medians_and_the_demoted_without_alerts_too() -> None:
    ways = [("A", marks(alerted=0, noticed=each)) for each in (1, 2, 9, 10)]
    ways += [("B", marks(alerted=0, noticed=3)), ("B", marks(alerted=0))]
    given = {"A": {RIGHT: 3, WRONG: 1, Disposition.DECEASED: 2}}
    first, second, third = performances(ways, given, {"C"})
    assert (first.rule, first.alerts, first.interrupts) == ("A", 4, True)
    assert (first.tally.true, first.tally.false, first.tally.neutral) == (3, 1, 2)
    assert first.interval == wilson(3, 4)
    assert first.medians == {"alert_to_notice": Median(4, 5.5 * HOUR)}
    assert second.medians == {"alert_to_notice": Median(1, 3 * HOUR)}
    assert second.interval is None
    assert (third.rule, third.alerts, third.interrupts) == ("C", 0, False)
