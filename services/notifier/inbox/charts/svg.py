"""The few shapes that charts are drawn with, as SVG text. Everything that goes in is escaped.

Looks come from classes in `static/inbox.css`, so that charts follow the reader's light or dark
scheme and print well; no shape carries a style of its own, which the page's policy would refuse.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def tag(name: str, body: str = "", /, **attributes: str | float) -> str:
    """An element; `class_` is written `class`, underscores become hyphens, numbers are rounded."""
    written = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{body}</{name}>" if body else f"<{name}{written}/>"


def _name(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.1f}"


def text(x: float, y: float, words: str, class_: str, anchor: str = "start") -> str:
    """A line of text; `anchor` is start, middle or end."""
    return tag("text", escape(words), x=x, y=y, class_=class_, text_anchor=anchor)


def line(start: tuple[float, float], end: tuple[float, float], class_: str) -> str:
    """A straight line."""
    return tag("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_)


def box(left: float, top: float, width: float, height: float, class_: str) -> str:
    """A rectangle; one without width is drawn a pixel wide, so that it can be seen."""
    return tag("rect", x=left, y=top, width=max(1.0, width), height=height, class_=class_)


def shape(points: Iterable[tuple[float, float]], class_: str) -> str:
    """A closed polygon."""
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return tag("polygon", points=corners, class_=class_)


def group(parts: Sequence[str], class_: str, hint: str = "") -> str:
    """Shapes that belong together, with words that a pointer brings up."""
    title = tag("title", escape(hint)) if hint else ""
    return tag("g", title + "".join(parts), class_=class_)
