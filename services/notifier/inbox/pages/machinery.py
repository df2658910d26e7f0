"""What the pages of sources and dead letters say besides their views. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from services.notifier.inbox.pages import times

if TYPE_CHECKING:
    from services.notifier.inbox.reading.contract import Frame, LettersView, SourcesView
    from services.notifier.inbox.reading.machinery import Heap, Source

AGES: Final = {"any": "Any age", "day": "Older than a day", "week": "Older than a week"}


def sources(view: SourcesView, frame: Frame) -> dict[str, Any]:
    """Of each source whether it is silent, and for how long."""
    told = () if view.heard is None else view.heard.sources
    silent = [one.name for one in told if one.is_silent(frame.now)]

    def standing(one: Source) -> str:
        if one.last is None:
            return "not heard"
        return f"heard {times.length(max(frame.now - one.last, frame.now - frame.now))} ago"

    return {"silent": silent, "standing": standing, "length": times.length}


def letters(view: LettersView, frame: Frame) -> dict[str, Any]:  # noqa: ARG001 - as every page's
    """The filter's words, and where each heap is."""
    return {"ages": AGES, "heap_url": heap_url, "narrow": view.asked.names_some}


def heap_url(heap: Heap) -> str:
    """Where the letters of a heap are."""
    return f"/letters?{urlencode({'reason': heap.reason, 'source': heap.source})}"
