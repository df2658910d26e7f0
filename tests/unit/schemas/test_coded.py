"""Words of laboratories: what they say, and which organism they name."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.terminology.coded import all_organisms, finding, organism, words_of


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("positive", "positive"),
        ("POS", "positive"),
        ("1+", "positive"),
        ("scanty", "positive"),
        ("present", "positive"),
        ("Not detected", "negative"),
        ("not-detected", "negative"),
        ("No_growth", "negative"),
        ("260385009", "negative"),
        ("contaminated", "contaminated"),
        ("equivocal", "indeterminate"),
        ("S_aureus", None),
        ("see note", None),
    ],
)
def test_a_finding_is_known_by_all_its_words(word: str, meaning: str | None) -> None:
    assert finding(word) == meaning


@pytest.mark.parametrize(
    ("word", "key", "genus"),
    [
        ("S_aureus", "S_aureus", "staphylococcus"),
        ("S. aureus", "S_aureus", "staphylococcus"),
        ("MRSA", "S_aureus", "staphylococcus"),
        ("3092008", "S_aureus", "staphylococcus"),
        ("Staphylococcus epidermidis", "CoNS", "staphylococcus"),
        ("Nakaseomyces glabratus", "C_glabrata", "candida"),
        ("M. tuberculosis", "MTBC", "mycobacterium"),
        ("Mycobacterium avium complex", "NTM", "mycobacterium"),
        ("Gram-positive cocci in clusters", "GPC_clusters", None),
    ],
)
def test_an_organism_is_known_by_all_its_names(word: str, key: str, genus: str | None) -> None:
    found = organism(word)
    assert found is not None
    assert (found.key, found.genus) == (key, genus)


@pytest.mark.parametrize("word", ["negative", "Elizabethkingia", ""])
def test_what_is_no_organism_of_ours_is_none(word: str) -> None:
    assert organism(word) is None


def test_a_word_stands_for_one_thing() -> None:
    findings: dict[str, Any] = {"positive": ["growth"]}
    first: dict[str, Any] = {"A": {"title": "A"}}
    words_of({"findings": findings, "organisms": first})
    for clash in ({"title": "B", "names": ["a"]}, {"title": "B", "names": ["growth"]}):
        with pytest.raises(ValueError, match="stand"):
            words_of({"findings": findings, "organisms": {**first, "B": clash}})


def test_species_of_candida_are_told_apart() -> None:
    candida = [one.key for one in all_organisms() if one.genus == "candida"]
    assert len(candida) == len(set(candida)) >= 8
