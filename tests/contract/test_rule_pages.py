"""The pages of the catalogue: current, whole, and with pictures that are pictures."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from support import packs
from support.console import salvage

from services.commands.rulepages.pages import INDEX, pages
from services.detector.rulebook.library import PACKS

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = PACKS.parents[2] / "docs" / "rules"
_LINK = re.compile(r"\]\(([^)]+)\)")


@cache
def made() -> dict[str, str]:
    return pages(packs.written(), packs.cases())


def test_the_committed_pages_are_current() -> None:
    committed = {path.name: path.read_text() for path in FOLDER.glob("*")}
    assert sorted(committed) == sorted(made())
    stale = [name for name, text in made().items() if committed[name] != text]
    assert stale == [], "run `salvage rules docs`"


def test_every_rule_has_a_page_and_a_row_in_the_index() -> None:
    for rule in packs.written():
        page = made()[f"{rule.id.lower()}.md"]
        assert page.splitlines()[1] == f"# {rule.id}: {rule.title}"
        assert f"[{rule.id}]({rule.id.lower()}.md)" in made()[INDEX]
        assert ("**To be checked:**" in page) is rule.to_be_checked


def test_every_rule_that_alerts_has_a_chart_of_a_worked_example() -> None:
    for rule in packs.written():
        if rule.kind != "function":
            assert f"{rule.id.lower()}-1.svg" in made(), rule.id


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.svg")))
def test_a_chart_is_a_picture_with_a_description(name: str) -> None:
    root = ET.fromstring(made()[name])  # noqa: S314  # our own
    words = [each.text for each in root.iter("{http://www.w3.org/2000/svg}desc")]
    assert words
    assert all(words)


def test_links_lead_somewhere() -> None:
    for name, text in made().items():
        for link in _LINK.findall(text) if name.endswith(".md") else ():
            inner = link in made() or (FOLDER / link).resolve().exists()
            assert inner, f"{name}: {link}"


def test_pages_are_written_and_left_overs_removed(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("x")
    assert salvage("rules", "docs", "--out", str(tmp_path)).code == 0
    assert {path.name for path in tmp_path.glob("*")} == made().keys()
    assert salvage("rules", "docs", "--check", "--out", str(tmp_path)).code == 0
    (tmp_path / INDEX).write_text("x")
    told = salvage("rules", "docs", "--check", "--out", str(tmp_path))
    assert (told.code, told.out.splitlines()[0]) == (1, f"not current: {INDEX}")
