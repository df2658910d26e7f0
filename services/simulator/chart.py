"""What a story writes into: one patient's facts, and what must be concluded from them.

Days are whole days since the patient's day 0. Moments are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from schemas.events import Status

if TYPE_CHECKING:
    from decimal import Decimal

    from services.simulator.chance import Chance

Fields = Mapping[str, object]
"""The own fields of an event: everything but identity, source, times and status."""

LAB, RIS, EHR, ADT = "HOSP/LAB", "HOSP/RIS", "HOSP/EHR", "HOSP/ADT"
"""The sending systems: facility and application."""

HOLD = timedelta(days=12)
"""Longest delay of a result that a verdict hangs on: shorter than the gap to the next sample,
so that lateness never changes the order in which a story's results become known."""


@dataclass(eq=False, slots=True)
class Version:
    """One version of a fact; `issued_at` is set by the story, or else when it is delivered."""

    draft: Draft
    status: Status
    fields: Fields
    issued_at: datetime | None = None
    delay: timedelta | None = None  # after the version before, where the story leaves the moment


@dataclass(eq=False, slots=True)
class Draft:
    """A fact as it is planned: what, when, and how freely its delivery may be disturbed.

    order: facts of one order are reported together, and their ids begin with it.
    hold: longest delay between collection and release.
    planted: a verdict hangs on it, so only lateness within `hold` and repetition may befall it.
    """

    order: str
    name: str
    source: str
    effective_at: date | datetime
    hold: timedelta
    planted: bool
    versions: list[Version] = field(default_factory=list)

    @property
    def event_id(self) -> str:
        """Identity of the fact at its source."""
        return f"{self.order}.{self.name}"

    @property
    def day(self) -> date:
        """The calendar day of the fact."""
        at = self.effective_at
        return at.date() if isinstance(at, datetime) else at

    @property
    def issued_at(self) -> datetime | None:
        """When the first version was released."""
        return self.versions[0].issued_at

    @property
    def fields(self) -> Fields:
        """The content of the first version."""
        return self.versions[0].fields


Known = Draft | Version | date
"""Something that a verdict waits for: a fact, an amendment of one, or a due day."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a rule must have concluded in the end, and what it could know that from."""

    rule: str
    state: str
    tag: str | None = None
    known: tuple[Known, ...] = ()
    onset: date | None = None

    @property
    def at(self) -> date | None:
        """The day on which the last piece became known; None: the story doesn't say."""
        days = [_known_on(item) for item in self.known]
        return max(days) if days else None


def _known_on(item: Known) -> date:
    if isinstance(item, date):
        return item
    if item.issued_at is None:
        raise ValueError("a fact that a verdict waits for was never delivered")
    return item.issued_at.date()


@dataclass(slots=True)
class Chart:
    """One synthetic patient.

    Attributes:
        start: calendar date of day 0.
        end: last day on which anything may happen to the patient.
        facts: everything that was planned, in the order of writing.
        expected: what the rules must conclude; other rules must stay silent.
        switched: when the hospital changed treatment, by condition; None if it never did.
    """

    number: int
    chance: Chance
    start: date
    end: int
    facts: list[Draft] = field(default_factory=list)
    expected: list[Expectation] = field(default_factory=list)
    switched: dict[str, date | None] = field(default_factory=dict)
    died_on: int | None = None
    _orders: int = 0
    _person: dict[str, object] = field(default_factory=dict)

    @property
    def patient_id(self) -> str:
        """Assigning authority and number."""
        return f"HOSP|{self.number:06d}"

    def on(self, day: int) -> date:
        """The calendar date of a day."""
        return self.start + timedelta(days=day)

    def moment(self, day: int, hour: int, minute: int = 0) -> datetime:
        """A time of day on a day."""
        return datetime.combine(self.on(day), time(hour, minute), UTC)

    def alive(self, day: int) -> bool:
        """Whether the patient is alive and under observation on that day."""
        return 0 <= day <= self.end and (self.died_on is None or day < self.died_on)

    def order(self, prefix: str) -> str:
        """A new order number; the prefix says which department it belongs to."""
        self._orders += 1
        return f"{prefix}{self.number:06d}{self._orders:04d}"

    def add(  # noqa: PLR0913 - a fact has that many sides
        self,
        order: str,
        name: str,
        source: str,
        at: date | datetime,
        fields: Fields,
        *,
        hold: timedelta = HOLD,
        planted: bool = False,
        issued_at: datetime | None = None,
        status: Status = Status.FINAL,
    ) -> Draft:
        """Write a fact into the chart."""
        draft = Draft(order, name, source, at, hold, planted)
        draft.versions.append(Version(draft, status, fields, issued_at))
        self.facts.append(draft)
        return draft

    def collected(self, day: int) -> datetime:
        """When blood is drawn on that day: in the morning, to five minutes."""
        return self.moment(day, 7) + timedelta(minutes=5 * self.chance.below(48))

    def result(  # noqa: PLR0913
        self,
        day: int,
        analyte: str,
        value: Decimal | str,
        unit: str,
        *,
        high: str | None = None,
        hold: timedelta = HOLD,
        released: int | None = None,
        at: datetime | None = None,
    ) -> Draft:
        """A laboratory result that a verdict hangs on.

        Args:
            day: day of collection.
            analyte: our key.
            value: as reported, `<0.01` if below the limit of the assay.
            unit: UCUM.
            high: upper reference limit in `unit`.
            hold: longest delay of the report.
            released: the day of the report, where the story needs to fix it.
            at: moment of collection; drawn if not given.
        """
        issued = None if released is None else self.moment(released, 15, 20)
        order, when = self.order("L"), at or self.collected(day)
        fields = quantity(analyte, value, unit, high)
        return self.add(
            order, analyte, LAB, when, fields, hold=hold, planted=True, issued_at=issued
        )

    def finding(self, day: int, analyte: str, word: str, *, hold: timedelta = HOLD) -> Draft:
        """A coded finding, such as the result of a biopsy."""
        fields = {"type": "observation", "analyte": analyte, "value_code": word}
        return self.add(
            self.order("L"), analyte, LAB, self.collected(day), fields, hold=hold, planted=True
        )

    def cancelled(self, day: int, analyte: str, *, released: int) -> Draft:
        """A specimen that could not be examined: an order closed without a value."""
        return self.add(
            self.order("L"),
            analyte,
            LAB,
            self.collected(day),
            {"type": "observation", "analyte": analyte},
            planted=True,
            issued_at=self.moment(released, 12, 5),
            status=Status.CANCELLED,
        )

    def amend(self, draft: Draft, day: int, status: Status, **changes: object) -> Version:
        """Plan a later version of a fact, released on that day."""
        fields = {**draft.versions[-1].fields, **changes}
        version = Version(draft, status, fields, self.moment(day, 16, 45))
        draft.versions.append(version)
        return version

    def treat(
        self,
        day: int,
        course: str,
        condition: str,
        modality: str,
        phase: str,
        **more: object,
    ) -> Draft:
        """A step of a course of treatment. `course` need only be unique for the patient."""
        fields = {
            "type": "treatment",
            "course_id": f"{self.number:06d}-{course}",
            "condition": condition,
            "modality": modality,
            "phase": phase,
            **more,
        }
        at = self.on(day)
        issued = self.moment(day, 17, self.chance.below(60))
        self.switched.setdefault(condition, None)
        return self.add(self.order("T"), phase, EHR, at, fields, planted=True, issued_at=issued)

    def image(self, day: int, modality: str, criteria: str | None, **findings: object) -> Draft:
        """A reported imaging study; `modality` is DICOM's word, e.g. `CT` or `PT`."""
        fields = {"type": "imaging_report", "modality": modality, "criteria": criteria, **findings}
        at = self.moment(day, 9) + timedelta(minutes=10 * self.chance.below(40))
        order = self.order("I")
        return self.add(order, "report", RIS, at, fields, hold=timedelta(days=6), planted=True)

    def person(self, day: int, **facts: object) -> Draft:
        """What registration knows of the patient from that day on; earlier facts are repeated."""
        self._person.update(facts)
        fields = {"type": "patient", **self._person}
        issued = self.moment(day, 8, 30)
        return self.add(
            self.order("P"), "adt", ADT, self.on(day), fields, planted=True, issued_at=issued
        )

    def dies(self, day: int) -> None:
        """The patient dies; nothing happens afterwards."""
        self.died_on = day
        self.person(day, deceased_at=self.on(day).isoformat())

    def switch(self, condition: str, day: int) -> None:
        """Record that the hospital changed treatment on that day."""
        self.switched[condition] = self.on(day)

    def expect(
        self,
        rule: str,
        state: str,
        *known: Known,
        tag: str | None = None,
        onset: Draft | None = None,
    ) -> None:
        """Write down what a rule must conclude, and from what it could first be known."""
        day = None if onset is None else onset.day
        self.expected.append(Expectation(rule, state, tag, known, day))

    def silent(self, rules: Iterable[str]) -> None:
        """Rules that read this patient's facts and must not say anything."""
        self.expected.extend(Expectation(rule, "none") for rule in rules)


def quantity(analyte: str, value: Decimal | str, unit: str, high: str | None = None) -> Fields:
    """The fields of a measured value; `<` and `>` in front of it become the comparator."""
    text = str(value)
    fields: dict[str, object] = {"type": "observation", "analyte": analyte}
    if text[0] in "<>":
        fields["comparator"], text = text[0], text[1:]
    fields["value"] = text
    if unit:
        fields["unit"] = unit
    if high is not None:
        fields["reference_high"] = high
    return fields
