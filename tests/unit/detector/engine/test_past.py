"""Looking back over a bounded period."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from support.lanes import PSA, context_of, fact

from services.detector.engine.instants import US_PER_HOUR
from services.detector.engine.lookback import Period, look_back
from services.detector.engine.past import Past
from services.detector.engine.truth import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detector.engine.fact import Fact

TWO_DAYS = Period(within_us=48 * US_PER_HOUR)
WEEK = Period(within_days=7)


def number(one: Fact) -> Decimal | None:
    return one.reference


def names(period: Period, now: Fact, before: Sequence[Fact]) -> list[str]:
    found = look_back(context_of(now, before), PSA, period, None)
    return [one.reason if isinstance(one, Unknown) else one.key[1] for one in found]


def test_days_are_whole_days_and_their_limit_counts() -> None:
    before = [fact("eight", 0), fact("seven", 1), fact("one", 7), fact("same", 8)]
    assert names(WEEK, fact("now", 8), before) == ["same", "one", "seven"]


def test_facts_after_the_one_in_question_are_not_seen() -> None:
    context = context_of(fact("b", 1), [fact("a", 0)])
    later = context.back_at(0)
    assert list(look_back(later, PSA, WEEK, None)) == []


def test_older_than_leaves_the_near_past_out() -> None:
    period = Period(within_days=365, older_days=7)
    before = [fact("year", 0), fact("eight", 357), fact("seven", 358)]
    assert names(period, fact("now", 365), before) == ["eight", "year"]


def test_preliminary_results_and_other_series_are_passed_over() -> None:
    before = [fact("p", 0, status="preliminary"), fact("alp", 0, "9", analyte="alp")]
    assert names(WEEK, fact("now", 1), before) == []


def test_hours_need_times_of_day() -> None:
    now = fact("now", 2, hour=8)
    before = [fact("far", 0, hour=7), fact("near", 0, hour=8)]
    assert names(TWO_DAYS, now, before) == ["near"]
    assert names(TWO_DAYS, fact("now", 2), before) == ["the hour of the sample is not known"]
    dateless = [fact("day", 0), *before]
    assert names(TWO_DAYS, now, sorted(dateless, key=lambda f: f.at)) == [
        "near",
        "the hour of an earlier sample is not known",
    ]


def test_a_day_that_lies_in_the_period_whole_or_not_at_all_needs_no_hour() -> None:
    now = fact("now", 3, hour=8)
    assert names(TWO_DAYS, now, [fact("inside", 2)]) == ["inside"]
    assert names(TWO_DAYS, now, [fact("outside", 0)]) == []


def test_a_fact_that_the_lane_takes_first_may_be_later_by_hours() -> None:
    """Of one day all counts may be taken before all temperatures."""
    evening, night = fact("evening", 1, hour=20), fact("far", 3, hour=9)
    assert names(TWO_DAYS, fact("now", 1, hour=8), [evening]) == ["evening"]
    assert names(TWO_DAYS, fact("now", 1, hour=8), [night]) == []


def test_an_hour_is_not_rounded() -> None:
    assert TWO_DAYS.reach_days == 3
    assert Period().reach_days == 0
    assert WEEK.reach_days == 7


def past(period: Period = WEEK, answers: dict[str, object] | None = None) -> Past:
    admits = None if answers is None else lambda c: answers[c.fact.key[1]]
    return Past(PSA, period, admits)  # type: ignore[arg-type]


BEFORE = [fact("a", 0, "3"), fact("b", 1, "1"), fact("c", 2, "1"), fact("d", 3, "2")]
HERE = context_of(fact("now", 5), BEFORE)


@pytest.mark.parametrize(
    ("function", "wanted"),
    [("nadir", "b"), ("peak", "a"), ("first", "a"), ("last", "d"), ("exists", "d")],
)
def test_one_fact_out_of_many(function: str, wanted: str) -> None:
    term = past().one(function, number, function)
    assert term.evaluate(HERE).key[1] == wanted
    assert [cited.key[1] for cited, _ in term.prove(HERE).cited] == [wanted]


def test_out_of_none_there_is_none() -> None:
    for function in ("nadir", "first", "last", "exists"):
        assert past().one(function, number, "f").evaluate(context_of(fact("now"))) is None


def test_a_doubt_makes_the_lowest_unknown_but_not_that_there_is_one() -> None:
    doubt = Unknown("no unit")
    answers: dict[str, object] = {"a": True, "b": doubt, "c": False, "d": False}
    assert past(answers=answers).one("nadir", number, "n").evaluate(HERE) is doubt
    assert past(answers=answers).one("exists", number, "e").evaluate(HERE).key[1] == "a"
    answers["a"] = False
    assert past(answers=answers).one("exists", number, "e").evaluate(HERE) is doubt


def test_a_nadir_in_a_period_stays_with_its_assay() -> None:
    before = [fact("a", 0, "1", method="other"), fact("b", 1, "2")]
    here = context_of(fact("now", 5), before)
    assert past().one("nadir", number, "n").evaluate(here).key[1] == "b"
    assert past().one("last", number, "l").evaluate(here).key[1] == "b"


def test_a_median_is_the_middle_or_the_mean_of_the_two_in_the_middle() -> None:
    term = past().median("median")
    assert term.evaluate(HERE) == Decimal("1.5")
    assert [f.key[1] for f, _ in term.prove(HERE).cited] == ["c", "d"]
    odd = context_of(fact("now", 5), BEFORE[:3])
    assert term.evaluate(odd) == Decimal(1)
    assert term.evaluate(context_of(fact("now"))) is None
    doubt = Unknown("no unit")
    unsure = past(answers=dict.fromkeys("abcd", doubt)).median("median")
    assert unsure.evaluate(HERE) is doubt
    assert unsure.prove(HERE).cited == ()
