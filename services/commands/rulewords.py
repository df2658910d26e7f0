"""What each rule says in words, and the levels of those that have them, as data for the inbox.

The services meet only in `schemas/`, so the inbox can't read the packs; this writes what it shows
of them. `python -m services.commands.rulewords` writes it anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.detector.language.ast import Compare, Name, Quantity
from services.detector.language.overrides import version
from services.detector.language.spec import Tiers
from services.detector.language.substitution import Substitution
from services.detector.rulebook.library import load_rules
from services.notifier import inbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.detector.language.ast import Node
    from services.detector.language.spec import Arm, Rule

FILE: Final = Path(inbox.__file__).parent / "rulewords.json"
_RISING: Final = (">", ">=")


def text_of(rules: Iterable[Rule]) -> str:
    """The whole file."""
    told = {rule.id: _told(rule) for rule in sorted(rules, key=lambda one: one.id)}
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _told(rule: Rule) -> dict[str, Any]:
    return {
        "version": version(rule),
        "plain": rule.plain,
        "misses": list(rule.misses),
        "false_alarms": list(rule.false_alarms),
        "levels": list(_levels(rule)),
    }


def _levels(rule: Rule) -> Iterator[dict[str, str]]:
    """The levels that a single result reaches: `psa > 0.50 ng/mL`, and what each is called."""
    written = Substitution(rule)
    analytes = {one.name: one.analytes for one in rule.series}
    for criterion in rule.criteria:
        for arm in criterion.arms if isinstance(criterion, Tiers) else ():
            yield from _level(arm, written(arm.when), analytes)


def _level(arm: Arm, when: Node, analytes: dict[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    if not isinstance(when, Compare) or when.op not in _RISING:
        return
    what, limit = when.left, when.right
    if not isinstance(what, Name) or not isinstance(limit, Quantity) or limit.unit is None:
        return
    named = analytes.get(what.name, ())
    if len(named) == 1 and limit.unit not in ("uln", "lln") and not limit.alternatives:
        said = {"sign": when.op, "value": f"{limit.value:f}", "unit": limit.unit}
        yield {"tier": arm.tag or "", "what": named[0], **said}


def main() -> int:
    """Write the file."""
    FILE.write_text(text_of(load_rules()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
