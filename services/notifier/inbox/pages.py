"""What the pages of one alert and of one patient show, worked out before rendering. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.events import Observation, Patient
from services.notifier.inbox import changes, listing, plots, words
from services.notifier.inbox.charts import draw
from services.notifier.inbox.facts import key_of, reading, shown_value, standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from schemas.alerts import AlertRevision, Evidence
    from services.notifier.inbox.book import Book, Event, UndecidedLike
    from services.notifier.inbox.listing import Row
    from services.notifier.inbox.picture import Chart


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, drawn, with what has to be said beside it."""

    chart: Chart
    svg: str
    left_out: int


@dataclass(frozen=True, slots=True)
class Proof:
    """One fact of the evidence, and what the record says of it now if that is something else."""

    item: Evidence
    now: str


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
        """What is drawn on the charts, for the legend: roles, and `censored`, `limit`, `span`."""
        charts = [figure.chart for figure in self.figures]
        drawn = {role.value for chart in charts for role in chart.roles}
        asked = {
            "value": any(point.role is None for chart in charts for point in chart.points),
            "censored": any(chart.censored for chart in charts),
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
    shown = next((one for one in reversed(revisions) if one.evidence), alert)
    facts = standing(book.events(alert.patient_id))
    return AlertPage(
        row=listing.row(alert, now),
        shown=shown,
        figures=tuple(_figure(one) for one in plots.of_alert(shown, facts, now)),
        evidence=tuple(_proofs(shown, facts)),
        journal=tuple(changes.journal(revisions)),
        undecided=tuple(u for u in book.undecided(alert.patient_id) if u.rule == alert.rule),
    )


def _figure(drawn: plots.Drawn) -> Figure:
    return Figure(drawn.chart, draw(drawn.chart), drawn.left_out)


def _proofs(alert: AlertRevision, facts: Sequence[Event]) -> list[Proof]:
    known = {fact.event_id: fact for fact in facts}
    return [Proof(item, _now(item, known)) for item in alert.evidence]


def _now(item: Evidence, known: Mapping[str, Event]) -> str:
    """Empty while the record still says what the evidence says."""
    fact = known.get(item.event_id)
    if fact is None:
        return "withdrawn since"
    value = shown_value(fact)
    if not isinstance(fact, Observation) or value == (item.value or ""):
        return ""
    return words.readable(f"now {value} {fact.unit or ''}".rstrip())


# ---------------------------------------------------------------- one patient


@dataclass(frozen=True, slots=True)
class Noted:
    """A fact that isn't a number: a step of treatment, a scan, an adverse event, a finding."""

    event: Event
    kind: str
    what: str
    value: str


@dataclass(frozen=True, slots=True)
class PatientPage:
    """Everything that is known about a patient."""

    patient_id: str
    about: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    figures: tuple[Figure, ...]
    noted: tuple[Noted, ...]
    undecided: tuple[UndecidedLike, ...]


def patient_page(book: Book, patient_id: str, now: datetime) -> PatientPage | None:
    """The page of a patient; None if nothing is known of such a patient."""
    facts = standing(book.events(patient_id))
    own = [alert for alert in book.alerts() if alert.patient_id == patient_id]
    if not facts and not own:
        return None
    return PatientPage(
        patient_id=patient_id,
        about=tuple(_about(facts)),
        rows=tuple(listing.rows(own, listing.Choice(state=listing.ALL), now)),
        figures=tuple(_figure(one) for one in plots.of_patient(facts, _leading(own))),
        noted=tuple(noted for fact in reversed(facts) if (noted := _noted(fact)) is not None),
        undecided=tuple(book.undecided(patient_id)),
    )


def _leading(alerts: Sequence[AlertRevision]) -> list[str]:
    """What the patient's alerts are about comes first."""
    whats = (key_of(item.what) for alert in alerts for item in alert.evidence)
    return list(dict.fromkeys(whats))


def _about(facts: Sequence[Event]) -> list[tuple[str, str]]:
    said: dict[str, str] = {}
    for fact in facts:
        if isinstance(fact, Patient):
            said |= _demographics(fact)
    return list(said.items())


def _demographics(fact: Patient) -> dict[str, str]:
    said = {
        "Born": fact.birth_date and words.day(fact.birth_date),
        "Sex": fact.sex,
        "Goals of care": fact.goals_of_care,
        "Care team": fact.care_team,
        "Died": fact.deceased_at and words.day(fact.deceased_at),
        "Merged into": fact.merged_into,
    }
    return {name: value for name, value in said.items() if value}


def _noted(fact: Event) -> Noted | None:
    """Numbers are on the charts and in their tables; the rest is a line of the record."""
    match fact.type:
        case "treatment":
            what = f"{fact.modality} {fact.phase}"
            cycle = None if fact.cycle is None else f"cycle {fact.cycle}"
            value = ", ".join(part for part in (fact.regimen, cycle, fact.reason) if part)
            return Noted(fact, "Treatment", what, value)
        case "imaging_report":
            return Noted(
                fact, "Imaging", words.name_of(fact.modality or "Imaging"), shown_value(fact)
            )
        case "adverse_event":
            grade = "" if fact.grade is None else f"grade {fact.grade}"
            return Noted(fact, "Adverse event", fact.term, grade)
        case "observation" if reading(fact) is None:
            return Noted(
                fact, "Finding", words.name_of(fact.analyte or "finding"), shown_value(fact)
            )
        case _:
            return None
