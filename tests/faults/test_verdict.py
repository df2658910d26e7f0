"""The verdict: what is lost, invented, repeated."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from support.living import all_rules

from faults.traffic import COHORT, read
from faults.verdict import judge
from services.detector.adapters.replay import replay

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision


@cache
def journal() -> tuple[AlertRevision, ...]:
    """One alert of several revisions, and another one."""
    rules = [rule for rule in all_rules() if rule.id.startswith("HIV-")]
    told = replay(read(COHORT), rules).revisions
    chosen = min(one.alert_id for one in told if one.revision > 2)
    other = next(one for one in told if one.alert_id != chosen)
    return (*(one for one in told if one.alert_id == chosen), other)


def values(*chosen: int) -> list[bytes]:
    return [journal()[place].to_json() for place in chosen]


def test_what_a_replay_says_is_right() -> None:
    verdict = judge(journal(), values(*range(len(journal()))))
    assert verdict.good
    assert verdict.line(kills=3) == "alerts=2 lost=0 invented=0 duplicates=0 kills=3"


def test_a_missing_and_an_old_alert_are_lost() -> None:
    assert len(judge(journal(), []).lost) == 2
    assert judge(journal(), values(0, -1)).lost == (journal()[0].alert_id,)
    assert not judge(journal(), values(0, -1)).good


def test_repeats_are_counted_and_do_no_harm() -> None:
    whole = range(len(journal()))
    verdict = judge(journal(), values(*whole, 0, 1, *whole))
    assert verdict.good
    assert verdict.duplicates == 2 + len(journal())
    assert verdict.late


def test_an_old_revision_after_a_newer_one_is_lost() -> None:
    """Compaction keeps the last record, whatever it says."""
    verdict = judge(journal(), [*values(*range(len(journal()))), *values(0)])
    assert verdict.lost == (journal()[0].alert_id,)


@pytest.mark.parametrize(
    "change", [{"revision": 99}, {"alert_id": "0" * 32}, {"summary": "Something else."}]
)
def test_what_no_replay_says_is_invented(change: dict[str, object]) -> None:
    strange = journal()[-1].model_copy(update=change)
    right = values(*range(len(journal())))
    verdict = judge(journal(), [strange.to_json(), *right])
    assert verdict.invented
    assert not verdict.good
