"""How a value is marked on a chart: its role by its shape, a censored value open with an arrow."""

from __future__ import annotations

from typing import Final

from schemas.alerts import Role
from services.notifier.inbox.charts import svg

SIZE: Final = 4.0
BIG: Final = 7.0


def circle(x: float, y: float, size: float, class_: str) -> str:
    """A round mark."""
    return svg.tag("circle", cx=x, cy=y, r=size, class_=class_)


def diamond(x: float, y: float, size: float, class_: str) -> str:
    """A square on its corner."""
    return svg.shape([(x, y - size), (x + size, y), (x, y + size), (x - size, y)], class_)


def square(x: float, y: float, size: float, class_: str) -> str:
    """A square."""
    return svg.box(x - size, y - size, 2 * size, 2 * size, class_)


def triangle(x: float, y: float, size: float, class_: str) -> str:
    """A triangle on its base; a negative size turns it over."""
    return svg.shape([(x, y - size), (x + size, y + size), (x - size, y + size)], class_)


def _down(x: float, y: float, size: float, class_: str) -> str:
    return triangle(x, y, -size, class_)


_SHAPES: Final = {
    Role.TRIGGER: diamond,
    Role.CONFIRMATION: square,
    Role.NADIR: _down,
    Role.BASELINE: triangle,
}


def mark(x: float, y: float, role: Role | None, bound: str, hint: str) -> str:
    """One value.

    Args:
        x: pixels.
        y: pixels.
        role: what the value does for the verdict; None for a value that is no evidence.
        bound: `exact`; `below` or `above`: it lies on that side of the mark, which is open.
        hint: words for a pointer and for assistive technology.
    """
    censored = bound != "exact"
    class_ = f"mark {'open' if censored else 'full'} {role or 'plain'}"
    size = SIZE if role is None else BIG if role in _SHAPES else SIZE + 1
    draw = circle if role is None else _SHAPES.get(role, circle)
    parts = [draw(x, y, size, class_)]
    if censored:
        parts.append(_arrow(x, y, size, -1 if bound == "above" else 1))
    return svg.group(parts, "value", hint)


def _arrow(x: float, y: float, size: float, down: int) -> str:
    """A short arrow to the side on which the true value lies."""
    tail, tip = y + down * (size + 1), y + down * (size + 11)
    head = [(x - 3.5, tip - down * 5), (x + 3.5, tip - down * 5), (x, tip)]
    return svg.line((x, tail), (x, tip - down * 3), "arrow") + svg.shape(head, "arrowhead")


def struck(x: float, y: float, hint: str) -> str:
    """A value that was corrected or withdrawn: open, and struck through."""
    ring = circle(x, y, SIZE, "was")
    return svg.group([ring, svg.line((x - 8, y + 5), (x + 8, y - 5), "strike")], "value", hint)
