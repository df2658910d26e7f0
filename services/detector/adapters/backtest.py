"""Scores of a back-test: what the alerts would have been worth against what was recorded.

Pure arithmetic over a replayed journal. It measures agreement with the *recorded* change of
treatment, which is neither the truth about the disease nor proof that an earlier change would have
helped: clinicians may have had reasons to wait that no feed carries.

What is counted:

- an *assertion* is an alert, within one episode, that reached `confirmed`, `overdue` or `window`;
  it lasts until it is retracted or refuted. A suspicion is no assertion, but it is an alert;
- a *watched* patient has a course that the rule concerns, and so a chance to be found;
- a *hit* is an assertion that began within a window of days about the recorded switch (`Window`;
  unless told otherwise at any time before it, and not after) and that still stood on that day, or
  when it began, if that was later;
- a switch of which nobody knows the day is hit by an assertion of any time that stood to the end;
- *sensitivity*: of the watched patients with a recorded switch, the share with a hit;
- *positive predictive value*: of the watched patients with a hit or with an assertion that was
  never taken back, the share with a hit;
- *lead time*: days from the first hit to the switch, where its day is known; below zero where the
  window lets an alert come after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING

from schemas.alerts import State
from schemas.base import as_utc
from services.detector.adapters.estimates import Share, median_interval, quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas.alerts import AlertRevision

ASSERTING = frozenset({State.CONFIRMED, State.OVERDUE, State.WINDOW})
_TAKEN_BACK = frozenset({State.RETRACTED, State.REFUTED})
DAYS_PER_MONTH = Decimal("30.4375")
"""Mean length of a month in the Gregorian four-year cycle: 1461 days / 48."""
_HUNDREDTH = Decimal("0.01")


class Undated(Enum):
    """Treatment was changed (or failed), and nobody knows on which day."""

    UNDATED = "undated"


Switch = date | Undated | None
"""The recorded change of treatment; None: none was recorded."""


@dataclass(frozen=True, slots=True)
class Window:
    """In which days about a switch an assertion has to begin to be a hit.

    before: days; None: as early as may be.
    after: days.
    """

    before: int | None = None
    after: int = 0

    def holds(self, began: date, switch: date) -> bool:
        """Whether an assertion that began on that day is in time for the switch."""
        lead = (switch - began).days
        return -self.after <= lead and (self.before is None or lead <= self.before)


@dataclass(frozen=True, slots=True)
class Watched:
    """A patient with a course that a rule concerns.

    condition: of the course; None for a rule that reads the whole patient.
    days: from the beginning of the first such course to the end of the replay, or death.
    switched_on: the recorded change of treatment.
    labelled: whether the labels say anything about this patient and condition.
    """

    rule: str
    condition: str | None
    patient_id: str
    days: int
    labelled: bool = False
    switched_on: Switch = None


@dataclass(frozen=True, slots=True)
class Score:
    """One rule in one condition.

    patients: watched.
    labelled: of these, of whom the labels say anything.
    undated: of the labelled, whose switch has no known day.
    alerted: of the watched, with any assertion, taken back or not.
    lead_days: sorted.
    """

    rule: str
    condition: str | None
    patients: int
    labelled: int
    undated: int
    alerted: int
    patient_days: int
    alerts: int
    sensitivity: Share
    predictive_value: Share
    withdrawn: Share
    lead_days: tuple[int, ...]

    @property
    def patient_months(self) -> Decimal:
        """Time under watch, to two decimals."""
        return (self.patient_days / DAYS_PER_MONTH).quantize(_HUNDREDTH)

    @property
    def alerts_per_100_patient_months(self) -> Decimal | None:
        """How often a team would have been told something, suspicions included."""
        if not self.patient_days:
            return None
        return (100 * self.alerts * DAYS_PER_MONTH / self.patient_days).quantize(_HUNDREDTH)

    def lead_quartile(self, number: int) -> Decimal | None:
        """Quartile 1, 2 (the median) or 3 of the lead times; None if there are none."""
        return quantile(self.lead_days, Fraction(number, 4))

    @property
    def lead_interval(self) -> tuple[int, int] | None:
        """95 % interval of the median; None: there are too few."""
        return median_interval(self.lead_days)


@dataclass(slots=True)
class Life:
    """One episode of one alert, as it is read from the journal.

    asserted: the periods in which it was asserted: from, and until (None: to the end).
    """

    patient_id: str
    rule: str
    course_id: str | None
    asserted: list[tuple[date, date | None]] = field(default_factory=list)


def lives(journal: Iterable[AlertRevision]) -> list[Life]:
    """Every episode of every alert, in the order of their first entries."""
    found: dict[tuple[str, int], Life] = {}
    for entry in journal:
        key = (entry.alert_id, entry.episode)
        life = found.setdefault(key, Life(entry.patient_id, entry.rule, entry.course_id))
        stands = bool(life.asserted) and life.asserted[-1][1] is None
        if entry.state in ASSERTING and not stands:
            life.asserted.append((as_utc(entry.at).date(), None))
        elif entry.state in _TAKEN_BACK and stands:
            life.asserted[-1] = (life.asserted[-1][0], as_utc(entry.at).date())
    return list(found.values())


def score(
    journal: Iterable[AlertRevision],
    watched: Iterable[Watched],
    condition_of: Mapping[tuple[str, str], str],
    window: Window = Window(),
) -> list[Score]:
    """Score every rule in every condition in which it watched somebody.

    Args:
        journal: of the replay, in its order.
        watched: who could have been found, and what was recorded of them.
        condition_of: the condition of a patient's course, by patient and course id.
        window: what makes an assertion a hit.
    """
    groups: dict[tuple[str, str | None], list[Watched]] = {}
    for one in watched:
        groups.setdefault((one.rule, one.condition), []).append(one)
    said: dict[tuple[str, str | None, str], list[Life]] = {}
    for life in lives(journal):
        condition = condition_of.get((life.patient_id, life.course_id or ""))
        said.setdefault((life.rule, condition, life.patient_id), []).append(life)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    return [_score(key, group, said, window) for key, group in ordered]


def _score(
    key: tuple[str, str | None],
    group: list[Watched],
    said: Mapping[tuple[str, str | None, str], list[Life]],
    window: Window,
) -> Score:
    by_patient = {one.patient_id: said.get((*key, one.patient_id), []) for one in group}
    told = [life for alerts in by_patient.values() for life in alerts]
    asserted = [span for life in told for span in life.asserted]
    labelled = [one for one in group if one.labelled]
    switched = [one for one in labelled if one.switched_on is not None]
    hits = {
        one.patient_id: began
        for one in switched
        if (began := _hit(one.switched_on, by_patient[one.patient_id], window)) is not None
    }
    flagged = [o for o in labelled if o.patient_id in hits or _stood(by_patient[o.patient_id])]
    return Score(
        *key,
        patients=len(by_patient),
        labelled=len(labelled),
        undated=sum(one.switched_on is Undated.UNDATED for one in labelled),
        alerted=sum(any(life.asserted for life in alerts) for alerts in by_patient.values()),
        patient_days=sum(one.days for one in group),
        alerts=len(told),
        sensitivity=Share(len(hits), len(switched)),
        predictive_value=Share(len(hits), len(flagged)),
        withdrawn=Share(sum(until is not None for _, until in asserted), len(asserted)),
        lead_days=tuple(sorted(_leads(switched, hits))),
    )


def _hit(switch: Switch, alerts: Iterable[Life], window: Window) -> date | None:
    """When the first hit began."""
    spans = [span for life in alerts for span in life.asserted]
    if isinstance(switch, date):
        days = [
            began
            for began, until in spans
            if window.holds(began, switch) and (until is None or until > max(began, switch))
        ]
    else:
        days = [began for began, until in spans if until is None]
    return min(days, default=None)


def _stood(alerts: Iterable[Life]) -> bool:
    """Whether an assertion was never taken back."""
    return any(until is None for life in alerts for _, until in life.asserted)


def _leads(switched: Iterable[Watched], hits: Mapping[str, date]) -> Iterable[int]:
    """Days from the hit to the switch, where that has a day."""
    for one in switched:
        if isinstance(one.switched_on, date) and one.patient_id in hits:
            yield (one.switched_on - hits[one.patient_id]).days
