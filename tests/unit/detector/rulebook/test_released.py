"""The record of released rules, and the laws that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.small_rule import TEXT, small_rule

from services.detector.language.errors import RuleErrors
from services.detector.rulebook.released import (
    behaviour,
    broken_laws,
    read_lock,
    release_of,
    unreleased,
    written,
)

if TYPE_CHECKING:
    from services.detector.language.spec import Rule

RAISED = TEXT.replace("kind: failure", "kind: failure\nversion: 2")


def mistakes(rule: Rule, *released: Rule) -> list[str]:
    return [each.message for each in broken_laws([rule], map(release_of, released))]


def test_what_is_written_can_be_read() -> None:
    releases = [release_of(small_rule(RAISED)), release_of(small_rule())]
    assert read_lock(written(releases), "x") == sorted(releases)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("0.2 ng/mL, about", "0.3 ng/mL, about"),
        ("psa >= $threshold", "psa > $threshold"),
        ("42 d", "43 d"),
        ("confirmed: urgent", "confirmed: important"),
        ("time: 30 d", "time: 31 d"),
        ("modality: surgery", "modality: radiotherapy"),
        ("last completed", "first completed"),
    ],
)
def test_another_behaviour_needs_another_version(before: str, after: str) -> None:
    other = small_rule(TEXT.replace(before, after))
    assert mistakes(other, small_rule()) == ["SMALL-RISE no longer does what version 1 did"]
    raised = small_rule(RAISED.replace(before, after))
    assert mistakes(raised, small_rule()) == []
    assert unreleased([raised], [release_of(small_rule())]) == [release_of(raised)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A small rise", "A little rise"),
        ("made up", "recalled"),
        ("many", "few"),
        ("everything else", "nothing"),
        ("PSA {value}", "A PSA of {value}"),
        ("0.2 ng/mL, about", "0.20 ng/mL, about"),
        ('evidence: "none"', 'evidence: "some"'),
        ("params:\n", "params:\n  # a comment\n"),
    ],
)
def test_words_and_layout_are_no_behaviour(before: str, after: str) -> None:
    assert before in TEXT
    other = small_rule(TEXT.replace(before, after))
    assert behaviour(other) == behaviour(small_rule())
    assert mistakes(other, small_rule()) == []


def test_a_version_never_goes_back() -> None:
    assert mistakes(small_rule(), small_rule(RAISED)) == ["SMALL-RISE goes back to version 1"]


def test_a_released_rule_is_never_deleted() -> None:
    (error,) = broken_laws([], [release_of(small_rule())])
    assert error.message == "SMALL-RISE was released and is gone"
    assert "retired" in (error.expected or "")


def test_a_retired_rule_is_still_there() -> None:
    text = TEXT.replace("kind: failure", "kind: failure\nretired: {on: 2026-11-30, reason: done}")
    retired = small_rule(text)
    assert retired.retired is not None
    assert retired.retired.reason == "done"
    assert mistakes(retired, small_rule()) == []


@pytest.mark.parametrize("on", ["2026-13-01", "30.11.2026", "2026"])
def test_a_rule_is_retired_on_a_day(on: str) -> None:
    with pytest.raises(RuleErrors, match="not a date"):
        small_rule(
            TEXT.replace("kind: failure", f"kind: failure\nretired: {{on: {on}, reason: x}}")
        )


@pytest.mark.parametrize(
    "line", ["SMALL-RISE 1", "SMALL-RISE one 0123456789abcdef", "small 1 0123456789abcdef"]
)
def test_a_lock_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(RuleErrors, match="x:2:1: not a release"):
        read_lock(f"# header\n{line}\n", "x")


def test_a_version_stands_once() -> None:
    line = str(release_of(small_rule()))
    with pytest.raises(RuleErrors, match="already there"):
        read_lock(f"{line}\n{line}\n", "x")
