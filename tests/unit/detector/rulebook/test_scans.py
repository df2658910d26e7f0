"""Imaging reports out of the words of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.detector.language.errors import RuleError
from services.detector.language.reader import read_rule
from services.detector.rulebook.cases import parse_cases
from services.detector.rulebook.facts import events_of
from services.detector.rulebook.library import PACKS

if TYPE_CHECKING:
    from schemas.events import ImagingReport


def scan(words: str, rule: str = "solid/solid-irecist") -> ImagingReport:
    path = PACKS / f"{rule}.yaml"
    read = read_rule(path.read_text(encoding="utf-8"), path.name)
    text = (
        f"rule: {read.id}\ncases:\n- id: a\n  ctx: {{}}\n  obs:\n  - {{t: 2024-01-05, {words}}}\n"
    )
    (case,) = parse_cases(text + "  expect: []\n", "a.cases.yaml")
    (found,) = [one for _, one in events_of(case, read) if one.type == "imaging_report"]
    return found


def test_a_ct_is_read_by_the_criteria_of_the_rule() -> None:
    assert scan("sum: 100").criteria == "irecist"
    assert scan("sum: 100", "solid/solid-recist11").criteria == "recist-1.1"


def test_new_lesions_by_word_by_name_and_by_size() -> None:
    assert scan("sum: 90, new: equivocal").new_lesions == ("equivocal",)
    assert scan("new_ids: [n1, n2]").new_lesions == ("n1", "n2")
    assert scan("new_ids: [n1], new: unequivocal").new_lesions == ("n1", "unequivocal")
    assert scan("sum: 90").new_lesions is None
    sized = scan("new_ids: [n1, n2], new_sum: 17").lesions
    assert sized is not None
    assert [(one.id, str(one.mm)) for one in sized] == [("n1", "17")]


def test_a_bone_scan() -> None:
    found = scan("bone: [a, b], response: NE", "prostate/prost-pcwg3-bone")
    assert (found.modality, found.criteria) == ("NM", "pcwg3")
    assert (found.new_lesions, found.response) == (("a", "b"), "NE")
    assert scan("bone: []", "prostate/prost-pcwg3-bone").new_lesions == ()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("bone: two", "is not a list of lesions"),
        ("new_ids: n1", "is not a list of lesions"),
        ("new_sum: 17", "of which lesions"),
    ],
)
def test_words_that_mean_nothing(words: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        scan(words)
