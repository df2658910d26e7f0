"""Sources and dead letters: asked of whoever takes messages in, outside of our own transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import TYPE_CHECKING, Final, Literal

from services.notifier.hours.local import instant_of
from services.notifier.inbox.reading.contract import Asked, LettersView, SourcesView, Trouble
from services.notifier.inbox.web.calls import Data, Halt, Later, Shown
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from services.notifier.inbox.reading.contract import Outcome
    from services.notifier.inbox.upkeep import Upkeep
    from services.notifier.inbox.web.calls import Reply
    from services.notifier.inbox.web.visits import Visit

MOST: Final = 100
"""Letters on a page."""
_AGES: Final[dict[str, timedelta | None]] = {
    "any": None,
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
_LONGEST: Final = 256
_REFUSED: Final = 422


def sources(visit: Visit) -> Reply:
    """When each source was last heard, and what came of it today."""
    upkeep, today = visit.parts.upkeep, _midnight(visit)
    if upkeep is None:
        return Shown("sources", SourcesView(None))
    return Later(lambda: Shown("sources", SourcesView(upkeep.heard(today))))


def _midnight(visit: Visit) -> datetime:
    return instant_of(visit.now.astimezone(visit.zone).date(), time(0), visit.zone)


def letters(visit: Visit) -> Reply:
    """What could not be used."""
    view = _view(visit, visit.call.query)
    return Later(lambda: _looked(visit, view))


def letter(visit: Visit) -> Reply:
    """One of them."""
    view = _view(visit, {"letter": visit.call.places["letter"], "handled": "yes"})
    return Later(lambda: _looked(visit, view))


def _view(visit: Visit, said: Mapping[str, str]) -> LettersView:
    """What was asked for; a word that names nothing is ignored, never an error."""
    named = {name: said.get(name, "").strip() for name in ("letter", "reason", "source")}
    age = next((one for one in _AGES if one == said.get("age")), "any")
    older = _AGES[age]
    before = None if older is None else visit.now - older
    asked = Asked(**named, before=before, handled=said.get("handled") == "yes")
    return LettersView(visit.parts.upkeep is not None, asked, age)


def _looked(visit: Visit, view: LettersView, status: int = 200) -> Shown:
    upkeep = visit.parts.upkeep
    if upkeep is None:
        return Shown("letters", view, status)
    found = tuple(upkeep.letters(view.asked, MOST + 1))
    if view.asked.letter and not found:
        raise Halt(404, "Not found", "There is no such letter, or not any more.")
    view = replace(
        view,
        heaps=tuple(upkeep.heaps()),
        letters=found[:MOST],
        more=len(found) > MOST,
        acts=tuple(sorted(upkeep.acts)),
    )
    return Shown("letters", view, status)


# -- deeds


def replay(visit: Visit) -> Reply:
    """Read letters again; who asked for it, and why, is noted before."""
    return _act(visit, "replay")


def drop(visit: Visit) -> Reply:
    """Let nothing become of letters."""
    return _act(visit, "drop")


def _act(visit: Visit, act: Literal["replay", "drop"]) -> Reply:
    view, why = _view(visit, visit.call.form), visit.call.form.get("why", "").strip()
    upkeep = visit.parts.upkeep
    if upkeep is None or act not in upkeep.acts:
        raise Halt(409, "Not possible here", "This can't be done from here; see the commands.")
    refused = _refusal(view.asked, why)
    if refused:
        return _refuse(visit, view, refused)
    asked = {name: getattr(view.asked, name) for name in ("letter", "reason", "source")}
    said = {name: one for name, one in asked.items() if one}
    visit.note(f"letters-{act}", why=why, **said)
    return Later(lambda: _acted(visit, view, upkeep, act, why))


def _refusal(asked: Asked, why: str) -> str:
    """Why nothing is done; empty if it is."""
    if not asked.names_some:
        return "letter: name one, or a reason and a source"
    if not why or len(why) > _LONGEST or not why.isprintable():
        return (
            f"why: expected one line of 1 to {_LONGEST} characters, without anything of a patient"
        )
    return ""


def _refuse(visit: Visit, view: LettersView, why: str) -> Reply:
    if visit.call.path.startswith("/api/"):
        return Shown("trouble", Trouble(_REFUSED, "Refused", why), _REFUSED)
    return Later(lambda: _looked(visit, replace(view, refused=why), _REFUSED))


def _acted(
    visit: Visit, view: LettersView, upkeep: Upkeep, act: Literal["replay", "drop"], why: str
) -> Reply:
    who = visit.reader.who
    try:
        done: Outcome = (
            upkeep.replay(view.asked, who) if act == "replay" else upkeep.drop(view.asked, who, why)
        )
    except OperatorError as error:
        raise Halt(409, "Not done", str(error)) from None
    if visit.call.path.startswith("/api/"):
        return Data(done)
    return _looked(visit, replace(view, asked=_open_ones(view.asked), done=done))


def _open_ones(asked: Asked) -> Asked:
    """After the deed what is left is shown; of a single letter, the letter."""
    return replace(asked, handled=bool(asked.letter))
