"""Going through the tree of an expression without recursion."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from services.detector.language.ast import Node, Place

if TYPE_CHECKING:
    from collections.abc import Iterator


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order of the fields."""
    found: list[Node] = []
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend(item for item in value if isinstance(item, Node))
    return tuple(found)


def walk(*roots: Node) -> Iterator[Node]:
    """Every node of these trees, parents first, left to right."""
    waiting = list(reversed(roots))
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def depth(root: Node) -> int:
    """Number of levels, 1 for a single node."""
    level, deepest = [root], 0
    while level:
        level = [child for node in level for child in children(node)]
        deepest += 1
    return deepest


def parts(value: object) -> Iterator[object]:
    """Everything that a part of a rule is made of, itself first; expressions count as one."""
    if isinstance(value, tuple):
        for item in value:
            yield from parts(item)
        return
    yield value
    if is_dataclass(value) and not isinstance(value, Node | Place | type):
        for field in fields(value):
            yield from parts(getattr(value, field.name))
