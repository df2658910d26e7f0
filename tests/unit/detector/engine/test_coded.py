"""What a coded result says, and when the same was first said, asked in the language."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from schemas.events import EVENT
from services.detector.adapters.replay import ReplayResult, replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from schemas.events import ClinicalEvent

TEXT = """
rule: TEST-CODED
title: A word
kind: failure
plain: A word
reads: {{culture: {{analyte: blood_culture}}}}
criteria:
  - name: word
    each: culture
    confirmed: "{when}"
severity: {{default: advisory}}
sentence: A word.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""
BEGIN = date(2024, 1, 1)
ALIKE = "days_since(first_alike(culture within 30 d)) >= 3 d"


def event(day: int, word: str, status: str = "final") -> ClinicalEvent:
    on = (BEGIN + timedelta(days=day)).isoformat()
    return EVENT.validate_python(
        {
            "type": "observation",
            "event_id": f"E{day}",
            "patient_id": "HOSP|1",
            "source": "LAB",
            "effective_at": on,
            "issued_at": f"{on}T12:00:00Z",
            "analyte": "blood_culture",
            "value_code": word,
            "status": status,
        }
    )


def told(when: str, *results: tuple[int, str]) -> ReplayResult:
    rule = read_rule(TEXT.format(when=when), "test-coded.yaml")
    assert [str(mistake) for mistake in check(rule)] == []
    return replay([event(*result) for result in results], (compile_rule(rule),))


@pytest.mark.parametrize(
    ("when", "word", "holds"),
    [
        ("finding(culture) = negative", "No growth", True),
        ("finding(culture) = negative", "positive", False),
        ("finding(culture) = negative", "S. aureus", False),
        ("finding(culture) in (positive, contaminated)", "contaminant", True),
        ("organism(culture) = S_aureus", "MRSA", True),
        ("organism(culture) = S_aureus", "negative", False),
        # An organism that is in no table stands for itself.
        ("organism(culture) = elizabethkingia", "Elizabethkingia", True),
        ("organism(culture) = S_aureus", "Elizabethkingia", False),
        ("genus(culture) = candida", "Candida auris", True),
        ("genus(culture) = candida", "yeast", False),
        ("not genus(culture) = candida", "negative", True),
    ],
)
def test_a_word_is_read_through_its_table(when: str, word: str, *, holds: bool) -> None:
    found = told(when, (0, word))
    assert bool(found.revisions) is holds
    assert found.unknowns == []


def test_a_finding_in_a_strange_word_is_unknown() -> None:
    found = told("finding(culture) = negative", (0, "see note"))
    assert found.revisions == []
    assert [one.reason for one in found.unknowns] == ["a coded result in a word that is not known"]


@pytest.mark.parametrize(
    ("results", "days"),
    [
        ([(0, "C_albicans"), (3, "Candida albicans")], [3]),
        ([(0, "C_albicans"), (2, "C_albicans")], []),
        ([(0, "C_albicans"), (3, "C_glabrata")], []),
        # The first counts, and what lies between says nothing of it.
        ([(0, "C_albicans"), (1, "negative"), (2, "C_albicans"), (4, "C_albicans")], [4]),
        ([(0, "C_albicans"), (30, "C_albicans")], [30]),
        ([(0, "C_albicans"), (31, "C_albicans")], []),
        ([(0, "Elizabethkingia"), (3, "elizabethkingia")], [3]),
        ([(0, "neg"), (3, "negative")], [3]),
        ([(3, "C_albicans")], []),
    ],
)
def test_the_first_that_said_the_same(results: list[tuple[int, str]], days: list[int]) -> None:
    found = told(ALIKE, *results)
    assert [(one.at.date() - BEGIN).days for one in found.revisions] == days


def test_the_first_alike_is_evidence() -> None:
    (alert,) = told(ALIKE, (0, "C_albicans"), (3, "Candida albicans")).revisions
    assert {item.event_id for item in alert.evidence} == {"E0", "E3"}
