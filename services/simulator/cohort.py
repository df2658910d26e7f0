"""A cohort: many patients' messages in the order of sending, and the truth about each of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from services.simulator.chance import Chance
from services.simulator.chart import Chart, Expectation
from services.simulator.delivery import AnyEvent, Dispatch, deliver, in_order
from services.simulator.stories import STORIES, Story
from services.simulator.stories.common import add_months

if TYPE_CHECKING:
    from collections.abc import Iterator

MARGIN = timedelta(days=30)
"""Nothing happens to a patient in the last days, so that every report arrives in the period."""
MIN_MONTHS, MAX_MONTHS = 6, 120
MAX_PATIENTS = 999_999
BLOOD_RULES = ("TOX-HYS-LAW", "TOX-ANC4-7D", "TOX-AKI-KDIGO")
"""Rules that read every patient's blood tests."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule must say of a patient in the end.

    state: the last state of its alert, or `none`: it never says anything.
    tag, at, onset: None is "not stated", not "absent".
    at: the day on which the state could first be known; onset: the day of the first evidence.
    """

    patient_id: str
    rule: str
    state: str
    tag: str | None
    at: date | None
    onset: date | None
    story: str


@dataclass(frozen=True, slots=True)
class Label:
    """When the synthetic hospital changed a condition's treatment; None: it didn't."""

    patient_id: str
    condition: str
    recorded_switch_on: date | None


@dataclass(frozen=True, slots=True)
class Cohort:
    """A simulated hospital.

    dispatches: messages in the order of sending.
    truth: complete; a rule without a row for a patient must stay silent about them.
    until: the end of the period, up to which the truth holds (due dates included).
    """

    dispatches: tuple[Dispatch, ...]
    truth: tuple[Verdict, ...]
    labels: tuple[Label, ...]
    until: date

    @property
    def events(self) -> tuple[AnyEvent, ...]:
        """Every event as often as it is sent, in the order of sending."""
        return tuple(event for dispatch in self.dispatches for event in dispatch.events)


def simulate(seed: int, patients: int, start: date, months: int) -> Cohort:
    """Make a cohort. The same arguments give the same cohort on every machine.

    Patient n is the same, whatever the number of patients.

    Args:
        seed: any whole number.
        patients: 1 to 999,999.
        start: first day of the period.
        months: length of the period, 6 to 120; stories that don't fit are left out. All fit in 24.

    Raises:
        ValueError: an argument is out of its range.
    """
    charts = list(charted(seed, patients, start, months))
    dispatches = [dispatch for chart, _ in charts for dispatch in deliver(chart)]
    truth = [verdict for chart, story in charts for verdict in _verdicts(chart, story)]
    labels = [label for chart, _ in charts for label in _labels(chart)]
    return Cohort(in_order(dispatches), tuple(truth), tuple(labels), add_months(start, months))


def charted(seed: int, patients: int, start: date, months: int) -> Iterator[tuple[Chart, Story]]:
    """The same cohort patient by patient, for who can't hold all of it in memory.

    Takes and raises what `simulate` does. Nothing was delivered yet of the charts.
    """
    _check(patients, months)
    until = add_months(start, months)
    return (
        _patient(seed, number, story, start, until)
        for number, story in enumerate(_deal(seed, patients, (until - start).days), start=1)
    )


def _check(patients: int, months: int) -> None:
    if not 1 <= patients <= MAX_PATIENTS:
        raise ValueError(f"patients: from 1 to {MAX_PATIENTS}")
    if not MIN_MONTHS <= months <= MAX_MONTHS:
        raise ValueError(f"months: from {MIN_MONTHS} to {MAX_MONTHS}")


def _deal(seed: int, patients: int, days: int) -> list[Story]:
    """A story for each patient: shuffled decks, one after the other."""
    room = days - MARGIN.days
    deck = [story for story in STORIES if story.days <= room for _ in range(story.share)]
    hands: list[Story] = []
    while len(hands) < patients:
        hands.extend(Chance.seeded(seed, "deck", len(hands)).shuffled(deck))
    return hands[:patients]


def _patient(seed: int, number: int, story: Story, start: date, until: date) -> tuple[Chart, Story]:
    """One patient's chart; day 0 is drawn so that the story fits into the period."""
    chance = Chance.seeded(seed, "patient", number)
    room = (until - start - MARGIN).days
    day_0 = chance.between(0, room - story.days)
    chart = Chart(number, chance, start + timedelta(days=day_0), room - day_0)
    story.write(chart)
    return chart, story


def _verdicts(chart: Chart, story: Story) -> list[Verdict]:
    """The story's own expectations, and silence of the rules that read everybody's blood."""
    told = {expectation.rule for expectation in chart.expected}
    quiet = [Expectation(rule, "none") for rule in BLOOD_RULES if rule not in told]
    return [
        Verdict(chart.patient_id, e.rule, e.state, e.tag, e.at, e.onset, story.name)
        for e in (*chart.expected, *quiet)
    ]


def _labels(chart: Chart) -> list[Label]:
    return [
        Label(chart.patient_id, condition, day) for condition, day in sorted(chart.switched.items())
    ]
