"""What is shown of one alert, worked out before rendering. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from schemas.alerts import OPEN_STATES
from schemas.events import Observation
from services.notifier.inbox import changes, listing, plots, words
from services.notifier.inbox.charts import draw
from services.notifier.inbox.charts.axes import wants_log
from services.notifier.inbox.facts import shown_value, standing, superseded
from services.notifier.inbox.pages.remembered import remembered
from services.notifier.inbox.rulewords import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from schemas.alerts import AlertRevision, Evidence
    from services.notifier.inbox.book import Book, Event, UndecidedLike
    from services.notifier.inbox.charts.picture import Chart, Scale
    from services.notifier.inbox.listing import Row
    from services.notifier.inbox.thresholds import Limit

_SCALABLE: Final = 3
"""Values from which on a choice of scales is worth its place."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, drawn, with what has to be said beside it."""

    chart: Chart
    svg: str
    left_out: int
    scaled: str = ""
    """The same on the other scale, if both make sense."""
    first: Scale = "linear"
    """The scale of `svg`, if both do."""

    @property
    def scales(self) -> tuple[Scale, Scale]:
        """The scale of the chart, and the other one."""
        return ("log", "linear") if self.first == "log" else ("linear", "log")


@dataclass(frozen=True, slots=True)
class Proof:
    """One fact of the evidence, and what the record says of it now if that is something else.

    source: who sent it, and `status` of the version; empty where the record isn't at hand.
    """

    item: Evidence
    now: str
    source: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Everything that is known about an alert.

    shown: the revision whose evidence is shown: the latest that has any. It is an earlier one
        when the alert was taken back.
    """

    row: Row
    shown: AlertRevision
    figures: tuple[Figure, ...]
    evidence: tuple[Proof, ...]
    journal: tuple[changes.Entry, ...]
    undecided: tuple[UndecidedLike, ...]

    @property
    def marks(self) -> frozenset[str]:
        """What is drawn on the charts, for the legend: roles, and the names of other things."""
        charts = [figure.chart for figure in self.figures]
        drawn = {role.value for chart in charts for role in chart.roles}
        asked = {
            "value": any(point.role is None for chart in charts for point in chart.points),
            "censored": any(chart.censored for chart in charts),
            "struck": any(chart.struck for chart in charts),
            "projection": any(chart.projection for chart in charts),
            "limit": any(chart.thresholds for chart in charts),
            "span": any(chart.span for chart in charts),
        }
        return frozenset(drawn | {name for name, there in asked.items() if there})

    @property
    def named(self) -> dict[str, str]:
        """The facts of the evidence as the proof calls them, by event id."""
        items = (proof.item for proof in self.evidence)
        return {i.event_id: f"{words.name_of(i.what)}, {words.day(i.at)}" for i in items}

    @property
    def taken_back(self) -> bool:
        """Whether the evidence shown is of an earlier revision."""
        return self.shown.revision != self.row.alert.revision


def alert_page(book: Book, alert_id: str, now: datetime) -> AlertPage | None:
    """The page of an alert; None if there is no such alert."""
    revisions = list(book.journal(alert_id))
    if not revisions:
        return None
    alert = revisions[-1]
    doubts = [one for one in book.undecided(alert.patient_id) if one.rule == alert.rule]
    return told(revisions, book.events(alert.patient_id), now, undecided=doubts)


def told(
    revisions: Sequence[AlertRevision],
    events: Sequence[Event],
    now: datetime,
    *,
    undecided: Sequence[UndecidedLike] = (),
    key: str = "evidence",
    scale: Scale | None = None,
) -> AlertPage:
    """What is shown of an alert.

    Args:
        revisions: of its journal, those that are known, the latest last.
        events: of the patient, all versions; empty where the record isn't at hand.
        now: from which the time that is left is counted.
        undecided: what its rule could not evaluate.
        key: what the ids of the elements begin with.
        scale: with which charts begin that can have either; None: by the range of the values.
    """
    alert = revisions[-1]
    shown = next((one for one in reversed(revisions) if one.evidence), alert)
    facts = standing(events) if events else remembered(shown)
    drawn = plots.of_alert(shown, facts, now, was=superseded(events), key=key)
    if alert.state in OPEN_STATES:
        levels = _levels(alert.rule)
        drawn = [plots.foreseen(one, levels) for one in drawn]
    return AlertPage(
        row=listing.row(alert, now),
        shown=shown,
        figures=tuple(figure(one, scale) for one in drawn),
        evidence=tuple(_proofs(shown, facts)),
        journal=tuple(changes.journal(revisions)),
        undecided=tuple(undecided),
    )


def _levels(rule: str) -> list[Limit]:
    known = words_of(rule)
    return [level.limit() for level in known.levels] if known else []


def figure(drawn: plots.Drawn, scale: Scale | None = None) -> Figure:
    """Draw a chart; on both scales where its values allow a logarithm and are worth one."""
    chart, made = drawn.chart, Figure(drawn.chart, draw(drawn.chart), drawn.left_out)
    values = [point.value for point in chart.points]
    if len(values) < _SCALABLE or min(values) <= 0 or max(values) < 2 * min(values):
        return made
    made = replace(made, first="log" if wants_log(values) else "linear")
    fits, rest = made.scales
    other = draw(replace(chart, key=f"{chart.key}-scaled", scale=rest))
    if scale in (None, fits):
        return replace(made, scaled=other)
    return replace(made, svg=other, scaled=made.svg, first=rest)


def _proofs(alert: AlertRevision, facts: Sequence[Event]) -> list[Proof]:
    known = {fact.event_id: fact for fact in facts}
    return [_proof(item, known.get(item.event_id)) for item in alert.evidence]


def _proof(item: Evidence, fact: Event | None) -> Proof:
    if fact is None:
        return Proof(item, "withdrawn since")
    return Proof(item, _now(item, fact), fact.source, fact.status)


def _now(item: Evidence, fact: Event) -> str:
    """Empty while the record still says what the evidence says."""
    value = shown_value(fact)
    if not isinstance(fact, Observation) or value == (item.value or ""):
        return ""
    return words.readable(f"now {value} {fact.unit or ''}".rstrip())
