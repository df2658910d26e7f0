"""Consecutive results: what begins, lengthens and breaks a run, asked in the language."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.asking import BEGIN, asked, days, mistakes, psa

HELD = "psa < 1 ng/mL and days_since(run(psa where it < 1 ng/mL)) >= 28 d"
THREE = "psa < 1 ng/mL and runs(psa within 90 d where it >= 1 ng/mL) >= 3"


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([(0, "0.5"), (28, "0.5")], [28]),
        ([(0, "0.5"), (27, "0.5")], []),
        # A value too early for it doesn't close the run, and the first one stays the first.
        ([(0, "0.5"), (10, "0.5"), (28, "0.5")], [28]),
        ([(0, "0.5"), (10, "2"), (28, "0.5"), (56, "0.5")], [56]),
        # Whether `<2` is below 1 nobody knows: it breaks nothing, and begins nothing.
        ([(0, "0.5"), (10, "<2"), (28, "0.5")], [28]),
        ([(0, "<2"), (28, "0.5")], []),
        ([(28, "0.5")], []),
    ],
)
def test_a_run_lasts_from_its_first_fact(
    results: list[tuple[int, str]], expected: list[int]
) -> None:
    assert days(asked(HELD, [psa(*one) for one in results])) == expected


def test_a_preliminary_result_is_neutral() -> None:
    draft = psa(10, "2", status="preliminary")
    told = asked(HELD, [psa(0, "0.5"), draft, psa(28, "0.5")]).revisions
    assert [revision.at.date() for revision in told] == [BEGIN + timedelta(days=28)]


def test_a_late_result_breaks_the_run_and_its_correction_mends_it() -> None:
    late = psa(10, "2", issued_at="2024-03-01T12:00:00Z")
    mended = psa(10, "0.5", issued_at="2024-03-05T12:00:00Z", status="corrected")
    told = asked(HELD, [psa(0, "0.5"), psa(28, "0.5"), late, mended]).revisions
    assert [str(r.state) for r in told] == ["confirmed", "retracted", "confirmed"]


def test_the_first_fact_of_the_run_is_evidence() -> None:
    (revision,) = asked(HELD, [psa(0, "0.5"), psa(10, "0.5"), psa(28, "0.5")]).revisions
    assert {one.event_id for one in revision.evidence} == {"E0", "E28"}


BLIPS = [(0, "2"), (10, "0.5"), (20, "3"), (30, "0.5"), (40, "2")]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([*BLIPS, (50, "0.5")], [50]),
        ([*BLIPS[:4], (50, "0.5")], []),
        # Two in a row are one run.
        ([*BLIPS[:3], (25, "2"), (50, "0.5")], []),
        ([*BLIPS, (90, "0.5")], [90]),
        ([*BLIPS, (91, "0.5")], []),
        # A doubtful one between two does not part them.
        ([(0, "2"), (10, "<2"), (20, "3"), (30, "0.5"), (40, "2"), (50, "0.5")], []),
    ],
)
def test_separate_runs_of_a_period_are_counted(
    results: list[tuple[int, str]], expected: list[int]
) -> None:
    assert days(asked(THREE, [psa(*one) for one in results])) == expected


def test_one_fact_of_each_run_and_what_parts_them_is_evidence() -> None:
    told = asked(
        THREE, [psa(*one) for one in [*BLIPS[:3], (25, "2"), *BLIPS[3:], (50, "0.5")]]
    ).revisions
    assert {one.event_id for one in told[0].evidence} == {"E0", "E10", "E25", "E30", "E40", "E50"}


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("exists(psa) and days_since(run(psa)) > 1 d", "run of what? (expected 'where'"),
        ("runs(psa within 9 d) > 1", "runs of what? (expected 'where'"),
        ("runs(psa where it > 1 ng/mL) > 1", "a runs of everything (expected 'within'"),
    ],
)
def test_a_run_says_of_what_and_how_far_back(when: str, message: str) -> None:
    assert any(message in mistake for mistake in mistakes(when))
