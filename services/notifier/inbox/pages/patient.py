"""What the page of one patient shows, worked out before rendering. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.events import Patient
from services.notifier.inbox import listing, plots, words
from services.notifier.inbox.facts import key_of, reading, shown_value, standing
from services.notifier.inbox.pages.alert import Figure, figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from schemas.alerts import AlertRevision
    from services.notifier.inbox.book import Book, Event, UndecidedLike
    from services.notifier.inbox.listing import Row


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
        about=tuple(about(facts)),
        rows=tuple(listing.rows(own, listing.Choice(state=listing.ALL), now)),
        figures=tuple(figure(one) for one in plots.of_patient(facts, _leading(own))),
        noted=tuple(noted for fact in reversed(facts) if (noted := _noted(fact)) is not None),
        undecided=tuple(book.undecided(patient_id)),
    )


def _leading(alerts: Sequence[AlertRevision]) -> list[str]:
    """What the patient's alerts are about comes first."""
    whats = (key_of(item.what) for alert in alerts for item in alert.evidence)
    return list(dict.fromkeys(whats))


def about(facts: Sequence[Event]) -> list[tuple[str, str]]:
    """What the record says of the person, by name."""
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
