"""Scores of a back-test: what the alerts would have been worth against what was recorded.

Pure arithmetic over a replayed journal. It measures agreement with the *recorded* change of
treatment, which is neither the truth about the disease nor proof that an earlier change would have
helped: clinicians may have had reasons to wait that no feed carries.

What is counted:

- an *assertion* is an alert, within one episode, that reached `confirmed`, `overdue` or `window`;
  it lasts until it is retracted or refuted. A suspicion is no assertion, but it is an alert;
- a *watched* patient has a course that the rule concerns, and so a chance to be found;
- *sensitivity*: of the watched patients with a recorded switch, the share with an assertion on or
  before that day that still stood on it;
- *positive predictive value*: of the watched patients with an assertion that was not taken back
  before they were switched (or at all), the share who were switched on its day or later;
- *lead time*: days from the first such assertion to the switch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from schemas.alerts import State
from schemas.base import as_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from schemas.alerts import AlertRevision

ASSERTING = frozenset({State.CONFIRMED, State.OVERDUE, State.WINDOW})
_TAKEN_BACK = frozenset({State.RETRACTED, State.REFUTED})
DAYS_PER_MONTH = Decimal("30.4375")
"""Mean length of a month in the Gregorian four-year cycle: 1461 days / 48."""
_Z = Decimal("1.959964")
"""97.5th percentile of the normal distribution: two-sided 95 % intervals."""
_HUNDREDTH, _THOUSANDTH = Decimal("0.01"), Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Watched:
    """A patient with a course that a rule concerns.

    condition: of the course; None for a rule that reads the whole patient.
    days: from the beginning of the first such course to the end of the replay, or death.
    switched_on: the recorded change of treatment; None: none was recorded.
    labelled: whether the labels say anything about this patient and condition.
    """

    rule: str
    condition: str | None
    patient_id: str
    days: int
    labelled: bool = False
    switched_on: date | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `total`, with its 95 % interval (Wilson); nothing of nothing has neither."""

    hits: int
    total: int

    @property
    def value(self) -> Decimal | None:
        """The proportion, to three decimals."""
        if not self.total:
            return None
        return (Decimal(self.hits) / self.total).quantize(_THOUSANDTH)

    @property
    def interval(self) -> tuple[Decimal, Decimal] | None:
        """Wilson's score interval, which stays within 0 and 1 and holds for small numbers.

        Source:
            Wilson EB. Probable inference, the law of succession, and statistical inference.
            J Am Stat Assoc 1927;22:209-212.
        """
        if not self.total:
            return None
        n, p = Decimal(self.total), Decimal(self.hits) / self.total
        scale = 1 + _Z * _Z / n
        middle = (p + _Z * _Z / (2 * n)) / scale
        half = _Z * (p * (1 - p) / n + _Z * _Z / (4 * n * n)).sqrt() / scale
        low, high = max(Decimal(0), middle - half), min(Decimal(1), middle + half)
        return low.quantize(_THOUSANDTH), high.quantize(_THOUSANDTH)


@dataclass(frozen=True, slots=True)
class Score:
    """One rule in one condition. Lead times are in days, sorted."""

    rule: str
    condition: str | None
    patients: int
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


@dataclass(slots=True)
class Life:
    """One episode of one alert, as it is read from the journal.

    asserted: the periods in which it was asserted: from, and until (None: to the end).
    """

    patient_id: str
    rule: str
    course_id: str | None
    asserted: list[tuple[date, date | None]] = field(default_factory=list)


def quantile(ordered: Sequence[int], part: Fraction) -> Decimal | None:
    """The value below which that part lies, between neighbours in proportion.

    Args:
        ordered: sorted.
        part: 0 to 1.

    Source:
        Hyndman RJ, Fan Y. Sample quantiles in statistical packages. Am Stat 1996;50:361-365,
        definition 7.
    """
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    exact = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    return Decimal(exact.numerator) / exact.denominator


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
) -> list[Score]:
    """Score every rule in every condition in which it watched somebody.

    Args:
        journal: of the replay, in its order.
        watched: who could have been found, and what was recorded of them.
        condition_of: the condition of a patient's course, by patient and course id.
    """
    groups: dict[tuple[str, str | None], list[Watched]] = {}
    for one in watched:
        groups.setdefault((one.rule, one.condition), []).append(one)
    said: dict[tuple[str, str | None, str], list[Life]] = {}
    for life in lives(journal):
        condition = condition_of.get((life.patient_id, life.course_id or ""))
        said.setdefault((life.rule, condition, life.patient_id), []).append(life)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    return [_score(rule, condition, group, said) for (rule, condition), group in ordered]


def _score(
    rule: str,
    condition: str | None,
    group: list[Watched],
    said: Mapping[tuple[str, str | None, str], list[Life]],
) -> Score:
    by_patient = {one.patient_id: said.get((rule, condition, one.patient_id), []) for one in group}
    told = [life for alerts in by_patient.values() for life in alerts]
    asserted = [span for life in told for span in life.asserted]
    labelled = [one for one in group if one.labelled]
    switched = [one for one in labelled if one.switched_on is not None]
    flags = {one.patient_id: _flag(one, by_patient[one.patient_id]) for one in labelled}
    flagged = [one for one in labelled if flags[one.patient_id] is not None]
    leads = [
        lead
        for one in switched
        if (lead := _lead(flags[one.patient_id], one.switched_on)) is not None
    ]
    return Score(
        rule=rule,
        condition=condition,
        patients=len(by_patient),
        patient_days=sum(one.days for one in group),
        alerts=len(told),
        sensitivity=Share(len(leads), len(switched)),
        predictive_value=Share(len(leads), len(flagged)),
        withdrawn=Share(sum(until is not None for _, until in asserted), len(asserted)),
        lead_days=tuple(sorted(leads)),
    )


def _flag(one: Watched, alerts: Iterable[Life]) -> date | None:
    """Since when an assertion stood that was not taken back by the switch, or at all."""
    days = [
        at
        for life in alerts
        for at, until in life.asserted
        if until is None or (one.switched_on is not None and at <= one.switched_on < until)
    ]
    return min(days, default=None)


def _lead(flag: date | None, switch: date | None) -> int | None:
    """Days from the flag to the switch; None if the flag came too late or not at all."""
    if flag is None or switch is None or flag > switch:
        return None
    return (switch - flag).days
