"""The ways of delivery: all give the same journal, and notice what they are there to notice."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from support import packs

from services.detector.engine.monitor import Monitor
from services.detector.language.compiler import compile_rule
from services.detector.rulebook.cases import parse_cases
from services.detector.rulebook.facts import events_of
from services.detector.rulebook.ways import WAYS

if TYPE_CHECKING:
    from services.detector.language.spec import Rule

STORY = """\
rule: LYM-RESTAGE-OVERDUE
cases:
- id: A
  obs:
  - {t: 2024-05-20, event: chemo_dose}
  - {t: 2024-07-24, psa: 1}
  - {t: 2024-07-25, event: pet_done}
  - {t: 2024-08-01, event: pet_done}
  expect: []
"""


@cache
def rule() -> Rule:
    return next(each for each in packs.rules() if each.id == "LYM-RESTAGE-OVERDUE")


def lived(way: str) -> list[tuple[str, str]]:
    events = [event for _, event in events_of(parse_cases(STORY, "x")[0], rule())]
    result = WAYS[way](events, (compile_rule(rule()),), None)
    return [(f"{revision.at:%Y-%m-%d}", revision.state.value) for revision in result.revisions]


@pytest.mark.parametrize("way", WAYS)
def test_all_ways_tell_the_same(way: str) -> None:
    assert lived(way) == [("2024-07-22", "overdue"), ("2024-07-25", "cleared")]


def test_the_clock_is_looked_at_every_day(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    look = Monitor.advance

    def counted(self: Monitor, now: int) -> Any:
        looks.append(now)
        return look(self, now)

    monkeypatch.setattr(Monitor, "advance", counted)
    lived("with a look at the clock every day")
    assert len(looks) > 70


def test_a_store_that_forgets_what_was_said_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Monitor, "dump", lambda _self, _patient_id: [])
    way = "with a restart after every message"
    assert lived(way) != lived("straight")
