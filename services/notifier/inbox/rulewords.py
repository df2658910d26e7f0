"""What the rules say in words: of the catalogue's own versions, as data that came with the packs.

`services/commands/rulewords.py` makes the file; `tests/contract/test_rule_words.py` holds it to the
packs.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Final

from pydantic import Field, TypeAdapter

from schemas.base import Model, Text
from services.notifier.inbox.thresholds import SIGNS, Limit
from services.notifier.inbox.words import plain


class Level(Model):
    """A level that a single result reaches."""

    tier: str
    what: Text
    sign: Text
    value: Decimal
    unit: Text

    def limit(self) -> Limit:
        """The same as a limit for a chart, called by its tier."""
        return Limit(self.what, self.value, self.unit, f"{plain(self.tier)}: {SIGNS[self.sign]}")


class RuleWords(Model):
    """A rule in words. `version` tells whether they are of the rule that judged."""

    version: Text
    plain: str
    misses: tuple[str, ...] = Field(strict=False)
    false_alarms: tuple[str, ...] = Field(strict=False)
    levels: tuple[Level, ...] = Field(strict=False)


_FILE: Final[TypeAdapter[dict[str, RuleWords]]] = TypeAdapter(dict[str, RuleWords])


@cache
def _all() -> dict[str, RuleWords]:
    file = resources.files("services.notifier.inbox").joinpath("rulewords.json")
    return _FILE.validate_json(file.read_bytes())


def words_of(rule: str) -> RuleWords | None:
    """A rule in words; None of one that is not in the catalogue, as a site may have them."""
    return _all().get(rule)
