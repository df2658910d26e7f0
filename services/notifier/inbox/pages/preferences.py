"""What the page of the preferences says besides its view: each field with its words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.notifier.inbox import casewords
from services.notifier.inbox.personal.preferences import CHOICES, firsts

if TYPE_CHECKING:
    from services.notifier.inbox.reading.contract import Frame, PreferencesView

_CALLED: Final[dict[str, str]] = {
    "first": "The worklist begins with",
    "rows": "On a page of the worklist",
    "scale": "Charts",
    "colours": "Colours",
    "keys": "Single keys",
}
_OF_READERS: Final = frozenset({"first", "rows", "scale"})
"""Fields that say something only to who reads cases."""


class Choice(NamedTuple):
    """A field: its name, what it is called, its values with their words, and the one it has."""

    name: str
    called: str
    values: tuple[tuple[str, str], ...]
    value: str


def shown(view: PreferencesView, frame: Frame) -> dict[str, Any]:  # noqa: ARG001 - as every page's
    """The fields that mean something to this person."""
    values = {"first": tuple(map(_worded, firsts(view.chosen))), **CHOICES}
    names = [name for name in _CALLED if view.reads or name not in _OF_READERS]
    fields = [
        Choice(name, _CALLED[name], values[name], str(getattr(view.chosen, name))) for name in names
    ]
    return {"fields": fields}


def _worded(first: tuple[str, str]) -> tuple[str, str]:
    value, name = first
    return value, name or casewords.VIEWS[value]
