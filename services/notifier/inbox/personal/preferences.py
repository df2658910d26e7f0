"""What somebody has chosen for their own pages, and how a choice is changed. Pure."""

# Not `from __future__ import annotations`: the API's JSON Schema is made from these annotations.

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from services.notifier.inbox.charts.picture import Scale
from services.notifier.inbox.reading.lists import VIEWS, Filters

MOST_VIEWS: Final = 12
_LONGEST: Final = 40
"""Characters of a view's name."""
CHOICES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "rows": (("25", "25 cases"), ("50", "50 cases"), ("100", "100 cases")),
    "scale": (
        ("fitting", "As the values ask for"),
        ("linear", "Linear, where both can be shown"),
        ("log", "Logarithmic, where both can be shown"),
    ),
    "colours": (("system", "As the device has it"), ("light", "Light"), ("dark", "Dark")),
    "keys": (("on", "Work, where the device doesn't forbid it"), ("off", "Do nothing")),
}
"""The values of each field but `first`, with their words."""


@dataclass(frozen=True, slots=True)
class NamedView:
    """Filters of the worklist under a name that somebody gave them."""

    name: str
    filters: Filters


@dataclass(frozen=True, slots=True)
class Preferences:
    """What somebody has chosen; the defaults are what they see who chose nothing.

    Attributes:
        first: where the worklist begins: one of `VIEWS`, or the name of one of `views`.
        rows: cases on a page of the worklist.
        scale: on which charts are shown first, where a chart has both.
        colours: of all pages.
        keys: whether single keys move the focus (WCAG 2.2, 2.1.4).
        views: that they have named.
    """

    first: str = VIEWS[0]
    rows: Literal[25, 50, 100] = 50
    scale: Literal["fitting", "linear", "log"] = "fitting"
    colours: Literal["system", "light", "dark"] = "system"
    keys: Literal["on", "off"] = "on"
    views: tuple[NamedView, ...] = ()

    @property
    def opening(self) -> Filters:
        """The filters with which the worklist begins."""
        named = {one.name: one.filters for one in self.views}
        return named.get(self.first) or Filters(self.first if self.first in VIEWS else VIEWS[0])

    @property
    def preferred(self) -> Scale | None:
        """The scale that charts begin with; None: the one that fits the values."""
        return None if self.scale == "fitting" else self.scale


def changed(before: Preferences, fields: Mapping[str, str]) -> Preferences:
    """Other choices; what isn't named stays.

    Raises:
        ValueError: names the field and the reason.
    """
    found: dict[str, Any] = {}
    for name, choices in {**CHOICES, "first": firsts(before)}.items():
        text = fields.get(name)
        if text is None:
            continue
        if text not in {value for value, _ in choices}:
            raise ValueError(f"{name}: not one of the choices")
        found[name] = int(text) if name == "rows" else text
    return replace(before, **found)


def firsts(chosen: Preferences) -> tuple[tuple[str, str], ...]:
    """What the worklist can begin with; built-in views have their words elsewhere."""
    return (*((one, "") for one in VIEWS), *((one.name, one.name) for one in chosen.views))


def named(before: Preferences, name: str, filters: Filters) -> Preferences:
    """With a view more; one of the same name gives way.

    Raises:
        ValueError: names the field and the reason.
    """
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise ValueError(f"name: expected one line of 1 to {_LONGEST} characters")
    if name in VIEWS:
        raise ValueError("name: it is the name of another view")
    others = tuple(one for one in before.views if one.name != name)
    if len(others) >= MOST_VIEWS:
        raise ValueError(f"name: {MOST_VIEWS} views have names already; take one away first")
    return replace(before, views=(*others, NamedView(name, filters)))


def without(before: Preferences, name: str) -> Preferences:
    """With a view less; whoever began with it begins with the open cases."""
    views = tuple(one for one in before.views if one.name != name)
    return replace(before, views=views, first=before.first if before.first != name else VIEWS[0])
