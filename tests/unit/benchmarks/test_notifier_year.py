"""The notifier's year keeps its budget, loses nothing, and is the same every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.notifier.__main__ import figures, simulate, verdict

if TYPE_CHECKING:
    from benchmarks.notifier.year import Year


@pytest.fixture(scope="module")
def year() -> Year:
    return simulate(150, 7)


def test_the_budget_is_kept(year: Year) -> None:
    found = figures(year)
    assert verdict(found)
    assert found["notices"] > 100
    assert found["digests"] > 50


def test_a_broken_budget_is_noticed(year: Year) -> None:
    assert not verdict({**figures(year), "interruptions mean a day": 2})


def test_a_year_is_the_same_every_time(year: Year) -> None:
    assert figures(simulate(150, 7)) == figures(year)


def test_every_open_case_has_somebody_and_time_left_or_is_known_to_be_late(year: Year) -> None:
    for case in year.cases.values():
        if case.is_open:
            assert year.teams.knows(case.owner)
            assert case.act_by is None or case.act_by > year.now or case.late is not None
