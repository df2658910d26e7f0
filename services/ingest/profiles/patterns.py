"""Names of sending systems, where `*` stands for any text."""

from __future__ import annotations

import re
from functools import lru_cache

ANY = "*"
LONGEST = 256
"""Characters of a name that is looked at: what a sender writes there must not cost us time."""


def matches(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern, from its first character to its last; case counts."""
    return len(name) <= LONGEST and _compiled(pattern).fullmatch(name) is not None


def is_exact(pattern: str) -> bool:
    """Whether a pattern fits one name only."""
    return ANY not in pattern


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*?".join(map(re.escape, pattern.split(ANY))), re.DOTALL)


def overlap(one: str, other: str) -> bool:
    """Whether some name fits both patterns."""
    reached = {(0, 0)}
    todo = [(0, 0)]
    while todo:
        at, to = todo.pop()
        for step in _steps(one, other, at, to):
            if step not in reached:
                reached.add(step)
                todo.append(step)
    return (len(one), len(other)) in reached


def _steps(one: str, other: str, at: int, to: int) -> list[tuple[int, int]]:
    """Where the two readings of a common name may go next."""
    left, right = one[at : at + 1], other[to : to + 1]
    steps = []
    if left == ANY:
        steps += [(at + 1, to), *([(at, to + 1)] if right else [])]
    if right == ANY:
        steps += [(at, to + 1), *([(at + 1, to)] if left else [])]
    if left and left == right:
        steps.append((at + 1, to + 1))
    return steps
