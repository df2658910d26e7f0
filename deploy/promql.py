"""Which metrics and labels an expression of Prometheus' query language names.

No parser: that an expression is one at all is for `promtool` and a real Prometheus to say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR: Final = re.compile(r"\{([^{}]*)\}")
_RANGE: Final = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_GROUPING: Final = re.compile(
    r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", re.IGNORECASE
)
_NAME: Final = re.compile(r"(?<![\w:.$])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])")
_MATCHER: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_WORDS: Final = frozenset({"and", "or", "unless", "bool", "inf", "nan"})


def metrics_in(expression: str) -> set[str]:
    """The metrics that it names, recorded ones included."""
    bare = _TEXT.sub("", expression)
    for pattern in (_SELECTOR, _RANGE, _GROUPING):
        bare = pattern.sub(" ", bare)
    return {name for name in _NAME.findall(bare) if name.lower() not in _WORDS}


def labels_in(expression: str) -> set[str]:
    """The labels that it names, in selectors and groupings."""
    return set(_labels(_TEXT.sub("", expression)))


def _labels(bare: str) -> Iterator[str]:
    for selector in _SELECTOR.findall(bare):
        yield from _MATCHER.findall(selector)
    for group in _GROUPING.findall(bare):
        yield from (name.strip() for name in group.split(",") if name.strip())
