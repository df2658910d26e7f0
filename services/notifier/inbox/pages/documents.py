"""A view becomes a whole document: one template for each name of `VIEWS`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from services.notifier.inbox import casewords
from services.notifier.inbox.pages import (
    audit,
    case,
    forms,
    machinery,
    preferences,
    roster,
    rules,
    times,
    worklist,
)
from services.notifier.inbox.pages.rendering import environment
from services.notifier.inbox.reading.contract import PAGES, CaseView, RulesView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2 import Environment

    from services.notifier.inbox.book import Event
    from services.notifier.inbox.reading.contract import Frame, Page

    Record = Callable[[str], Sequence[Event]]

_SITE: Final = "salvage-watch"
_SHOWN: Final[dict[str, Callable[[Any, Frame], dict[str, Any]]]] = {
    "worklist": worklist.shown,
    "roster": roster.shown,
    "route": roster.explained,
    "rules": rules.shown,
    "audit": audit.shown,
    "preferences": preferences.shown,
    "sources": machinery.sources,
    "letters": machinery.letters,
}
"""What has to be worked out for a page before its template can say it."""
VIEWS: Final = {**PAGES, "rules": RulesView}
"""Every page that there is, and what it is given."""
_PLACES: Final = {
    "worklist": "/",
    "roster": "/roster",
    "route": "/route",
    "rules": "/rules",
    "audit": "/audit",
    "glass-review": "/glass",
    "sources": "/sources",
    "letters": "/letters",
    "preferences": "/preferences",
}
"""The main pages that are marked as the present one."""


@cache
def _templates() -> Environment:
    return environment(site=_SITE, notice="", casewords=casewords, times=times, forms=forms)


def render(name: str, view: Page, frame: Frame, record: Record | None = None) -> str:
    """The whole document of a page.

    Args:
        name: a key of `VIEWS`.
        view: a value of the class that stands there.
        frame: what surrounds every page.
        record: all versions of the facts of a patient, for the charts of a case; without it they
            show what the alerts quote. Only the patient of a case that is shown is asked for.

    Raises:
        TypeError: the view isn't of that page.
    """
    if not isinstance(view, VIEWS[name]):
        raise TypeError(f"{name}: expected {VIEWS[name].__name__}")
    more = _SHOWN[name](view, frame) if name in _SHOWN else {}
    if isinstance(view, CaseView):
        more = case.shown(view, frame, record(view.row.patient) if record else ())
    template = _templates().get_template(f"team/{name}.html")
    return template.render(view=view, frame=frame, here=_PLACES.get(name, ""), **more)
