"""A worked example of a rule: one of its cases, lived through, with its chart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemas.alerts import OPEN_STATES, State
from schemas.base import as_utc
from services.detector.adapters.replay import replay
from services.detector.language.compiler import compile_rule
from services.detector.rulebook.facts import events_of
from services.detector.rulebook.runner import asked_by, until_of
from services.notifier import inbox
from services.notifier.inbox import charts, plots

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from schemas.alerts import AlertRevision
    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case
    from services.detector.rulebook.facts import Event

_STYLES: Final = Path(inbox.__file__).parent / "static" / "inbox.css"
_RANK: Final = (State.CONFIRMED, State.WINDOW, State.OVERDUE, State.SUSPECTED, State.INFO)
_SELECTORS: Final = re.compile(
    r"^(?:svg\.chart|\.(?:chart|axis|grid|threshold|leader|thread|window|now|band|mark|arrow|moment)"
    r"\b)[^{]*\{[^}]*\}",
    re.MULTILINE,
)
_COLOURS: Final = re.compile(r":root\s*\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Example:
    """A case, what was said of it, and the chart of the alert that it leads to.

    case: its id. lines: the journal, one entry a line. charts: standalone SVG documents.
    """

    case: str
    note: str
    lines: tuple[str, ...]
    charts: tuple[str, ...]


def worked_example(rule: Rule, cases: Sequence[Case]) -> Example | None:
    """The first case that leads furthest, lived through; None if none leads to an alert."""
    if not rule.criteria:
        return None  # a function: its cases are questions, not stories
    furthest = len(_RANK)
    for one in cases:
        told, happened = _lived(one, rule)
        if told and _rank(told) < furthest:
            furthest, case, journal, events = _rank(told), one, told, happened
        if not furthest:
            break
    if furthest == len(_RANK):
        return None
    alert = next(r for r in reversed(journal) if r.state in OPEN_STATES and r.evidence)
    return Example(
        case=case.id,
        note=case.note,
        lines=tuple(_line(revision) for revision in journal),
        charts=_charts(alert, events),
    )


def _lived(case: Case, rule: Rule) -> tuple[list[AlertRevision], list[Event]]:
    asked = asked_by(case, rule)
    events = [event for _, event in events_of(case, asked)]
    result = replay(events, (compile_rule(asked),), until=until_of(case))
    shown = [r for r in result.revisions if r.state in OPEN_STATES and r.evidence]
    return (list(result.revisions) if shown else []), events


def _rank(journal: Sequence[AlertRevision]) -> int:
    """How far a case leads: confirmed cases before windows, and so on."""
    states = {revision.state for revision in journal}
    return next(place for place, state in enumerate(_RANK) if state in states)


def _line(revision: AlertRevision) -> str:
    named = f" ({revision.tag})" if revision.tag else ""
    return f"{_day(revision.at)} {revision.state}{named}, {revision.severity}: {revision.summary}"


def _day(when: date | datetime) -> str:
    return when.isoformat()[:10]


# ---------------------------------------------------------------- charts


def _charts(alert: AlertRevision, events: Sequence[Event]) -> tuple[str, ...]:
    standing = {event.event_id: event for event in events}
    facts = sorted(standing.values(), key=lambda event: as_utc(event.effective_at))
    drawn = plots.of_alert(alert, facts, alert.at)
    return tuple(_standalone(charts.draw(one.chart)) for one in drawn)


def _standalone(svg: str) -> str:
    """A chart of the page as a file of its own, with the page's looks."""
    styles = _STYLES.read_text(encoding="utf-8")
    colours = _COLOURS.search(styles)
    rules = [colours[0] if colours else "", *(found[0] for found in _SELECTORS.finditer(styles))]
    head = '<svg xmlns="http://www.w3.org/2000/svg"'
    rules.append("svg.chart { background: var(--card); }")  # readable on a dark page, too
    look = "<style>" + " ".join(" ".join(rules).split()) + "</style>"
    opened, _, rest = svg.partition(">")
    return f"{opened.replace('<svg', head, 1)}>{look}{rest}\n"
