"""Rules of a folder: read together, every mistake told, case files left alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.detector.language.errors import RuleErrors
from services.detector.rulebook.library import (
    PACKS,
    case_files,
    load_cases,
    load_rules,
    rule_files,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A rulebook of one rule."""
    for name in ("prost-phoenix.yaml", "prost-phoenix.cases.yaml"):
        shutil.copy(PACKS / "prostate" / name, tmp_path / name)
    return tmp_path


def test_the_packs_that_come_with_the_software_are_sound() -> None:
    rules = load_rules()
    assert [rule.id for rule in rules] == sorted(rule.id for rule in rules)
    assert len(rules) == len(rule_files(PACKS)) >= 16


def test_case_files_are_no_rules_and_rules_no_case_files(folder: Path) -> None:
    assert [path.name for path in rule_files(folder)] == ["prost-phoenix.yaml"]
    assert [path.name for path in case_files(folder)] == ["prost-phoenix.cases.yaml"]
    assert {case.rule for case in load_cases(case_files(folder))} == {"PROST-PHOENIX"}


def test_the_mistakes_of_all_files_are_told_at_once(folder: Path) -> None:
    text = (folder / "prost-phoenix.yaml").read_text(encoding="utf-8")
    (folder / "prost-phoenix.yaml").write_text(text.replace("kind: failure", "kind: nonsense"))
    (folder / "other.yaml").write_text("rule: OTHER\n")
    with pytest.raises(RuleErrors) as raised:
        load_rules(folder)
    assert {Path(e.place.file).name for e in raised.value.errors} == {
        "other.yaml",
        "prost-phoenix.yaml",
    }


def test_a_rule_is_there_once(folder: Path) -> None:
    (folder / "again").mkdir()
    shutil.copy(folder / "prost-phoenix.yaml", folder / "again" / "prost-phoenix.yaml")
    with pytest.raises(RuleErrors, match="PROST-PHOENIX is already at"):
        load_rules(folder)


def test_a_site_switches_rules_off_and_changes_parameters(folder: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.yml"
    site.write_text("rules: {PROST-PHOENIX: {params: {rise: 3 ng/mL}}}\n")
    (changed,), (packaged,) = load_rules(folder, site), load_rules(folder)
    assert changed.parameter("rise") != packaged.parameter("rise")
    site.write_text("rules: {PROST-PHOENIX: {enabled: false}}\n")
    assert load_rules(folder, site) == ()


def test_a_mistake_in_the_sites_file_has_its_place(folder: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.yml"
    site.write_text("rules: {PROST-FENIX: {enabled: false}}\n")
    with pytest.raises(RuleErrors, match=r"site\.yml:1:9"):
        load_rules(folder, site)
