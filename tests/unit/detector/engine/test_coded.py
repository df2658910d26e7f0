"""What a coded result says, and when the same was first said, asked in the language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.asking import asked, days, result

if TYPE_CHECKING:
    from services.detector.adapters.replay import ReplayResult

ALIKE = "days_since(first_alike(blood_culture within 30 d)) >= 3 d"


def told(when: str, *results: tuple[int, str]) -> ReplayResult:
    events = [result(day, "blood_culture", value_code=word) for day, word in results]
    return asked(when, events, analyte="blood_culture")


@pytest.mark.parametrize(
    ("when", "word", "holds"),
    [
        ("finding(blood_culture) = negative", "No growth", True),
        ("finding(blood_culture) = negative", "positive", False),
        ("finding(blood_culture) = negative", "S. aureus", False),
        ("finding(blood_culture) in (positive, contaminated)", "contaminant", True),
        ("organism(blood_culture) = S_aureus", "MRSA", True),
        ("organism(blood_culture) = S_aureus", "negative", False),
        # An organism that is in no table stands for itself.
        ("organism(blood_culture) = elizabethkingia", "Elizabethkingia", True),
        ("organism(blood_culture) = S_aureus", "Elizabethkingia", False),
        ("genus(blood_culture) = candida", "Candida auris", True),
        ("genus(blood_culture) = candida", "yeast", False),
        ("not genus(blood_culture) = candida", "negative", True),
    ],
)
def test_a_word_is_read_through_its_table(when: str, word: str, *, holds: bool) -> None:
    found = told(when, (0, word))
    assert bool(found.revisions) is holds
    assert found.unknowns == []


def test_a_finding_in_a_strange_word_is_unknown() -> None:
    found = told("finding(blood_culture) = negative", (0, "see note"))
    assert found.revisions == []
    assert [one.reason for one in found.unknowns] == ["a coded result in a word that is not known"]


@pytest.mark.parametrize(
    ("results", "found"),
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
def test_the_first_that_said_the_same(results: list[tuple[int, str]], found: list[int]) -> None:
    assert days(told(ALIKE, *results)) == found


def test_the_first_alike_is_evidence() -> None:
    (alert,) = told(ALIKE, (0, "C_albicans"), (3, "Candida albicans")).revisions
    assert {item.event_id for item in alert.evidence} == {"E0", "E3"}
