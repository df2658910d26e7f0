"""The words that the inbox has of the rules are those of the packs."""

from __future__ import annotations

import json

from services.commands.rulewords import FILE, text_of
from services.detector.rulebook.library import load_rules


def test_the_file_is_current() -> None:
    """`python -m services.commands.rulewords` writes it anew."""
    assert FILE.read_text(encoding="utf-8") == text_of(load_rules())


def test_every_rule_is_told_in_words() -> None:
    told = json.loads(FILE.read_text(encoding="utf-8"))
    assert told.keys() == {rule.id for rule in load_rules()}
    assert all(one["plain"] for one in told.values())
