"""The words of the language, of the document, of the contracts and of the packs are the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import Kind, Severity, State
from schemas.events import ImagingReport, Phase
from services.detector.language.checker import check
from services.detector.language.errors import RuleError, RuleErrors
from services.detector.language.functions import FUNCTIONS
from services.detector.language.outcomes import STANDING
from services.detector.language.overrides import apply, version
from services.detector.language.reader import read_rule, read_rules
from services.detector.language.vocabulary import FIELDS, PLACEHOLDERS
from services.detector.language.words import KEYWORDS, KINDS, PHASES, RESPONSE_CRITERIA, SEVERITIES

ROOT = Path(__file__).parents[4]
DOCUMENT = (ROOT / "docs" / "rule-language.md").read_text("utf-8")
PACKS = sorted(
    path
    for path in (ROOT / "services" / "detector" / "rules").glob("*/*.yaml")
    if not path.name.endswith(".cases.yaml")
)


def test_the_closed_lists_are_those_of_the_contracts() -> None:
    assert set(SEVERITIES) == {one.value for one in Severity}
    assert set(KINDS) == {one.value for one in Kind} | {"function"}
    assert set(PHASES) == {one.value for one in Phase}
    assert {one.value for one in State} >= STANDING
    annotation = ImagingReport.model_fields["criteria"].annotation
    assert set(RESPONSE_CRITERIA) == {
        word for option in get_args(annotation) for word in get_args(option)
    }


@pytest.mark.parametrize("name", sorted({*FUNCTIONS, *KEYWORDS, *PLACEHOLDERS}))
def test_every_word_is_in_the_document(name: str) -> None:
    assert re.search(rf"`[^`]*\b{name}\b[^`]*`", DOCUMENT), f"{name} is not documented"


@pytest.mark.parametrize("kind", ["imaging", "adverse_event", "treatment"])
def test_every_field_of_a_fact_is_in_the_document(kind: str) -> None:
    for field in FIELDS[kind]:
        assert f"`{field}`" in DOCUMENT


@pytest.mark.parametrize("path", PACKS, ids=[path.stem for path in PACKS])
def test_every_pack_is_sound(path: Path) -> None:
    rule = read_rule(path.read_text("utf-8"), path.name)

    assert [str(error) for error in check(rule)] == []


def test_the_packs_have_different_versions() -> None:
    rules = read_rules(PACKS)

    assert len({version(rule) for rule in rules}) == len(PACKS) > 10


def test_the_sites_file_in_the_document_works() -> None:
    (site,) = re.findall(r"```yaml\n(rules:.*?)```", DOCUMENT, re.DOTALL)
    rules = read_rules(PACKS)

    changed = apply(rules, site, "site.yaml")
    assert len(changed) == len(rules) - 1
    assert sum(rule not in rules for rule in changed) == 1


def spoilt(text: str, data: st.DataObject) -> str:
    """A text with one line lost, doubled, or with a piece of another line in it."""
    lines = text.splitlines(keepends=True)
    at, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    cut = data.draw(st.integers(0, len(lines[at])))
    change = data.draw(st.sampled_from(["lose", "double", "mix", "shift"]))
    lines[at] = {
        "lose": "",
        "double": lines[at] * 2,
        "mix": lines[at][:cut] + lines[other][cut:],
        "shift": "  " + lines[at],
    }[change]
    return "".join(lines)


@given(st.data(), st.sampled_from(PACKS))
def test_a_spoilt_pack_is_refused_or_judged_but_never_crashes(
    data: st.DataObject, path: Path
) -> None:
    text = spoilt(path.read_text("utf-8"), data)
    found = mistakes(text, path.name)

    assert {error.place.file for error in found} <= {path.name}
    assert all(1 <= error.place.line <= text.count("\n") + 2 for error in found)


def mistakes(text: str, file: str) -> list[RuleError]:
    try:
        return check(read_rule(text, file))
    except RuleErrors as caught:
        return list(caught.errors)
