"""A clinical fact as the engine sees it: one version of one event, normalised for comparison.

Values stand in the canonical unit of their analyte, exactly; what could not be brought there
carries the reason instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from schemas.base import digest
from schemas.events import Status
from schemas.partial import PartialDate
from schemas.terminology.analytes import Analyte, analyte, by_code
from schemas.terminology.refusals import Refusal
from schemas.terminology.results import NOT_DETECTED
from schemas.terminology.units import Scale, scale
from services.detector.engine.instants import When, days_of, instant
from services.detector.engine.truth import Range, Unknown, Value

Partition = tuple[str | None, str | None]
"""Specimen and method: values compare as ratios only within one partition (catalogue C5)."""

Key = tuple[str, str]
"""Identity of a fact: the source and the source's own id."""

Kin = tuple[str, str | None, str | None]
"""Topic, specimen and method: what a result compares with, where that is kept apart."""

Times = tuple[int, int, bool, int | None]
"""Clinical day, clinical instant, whether the hour is known, instant of issue (see `Fact`)."""

By = Scale | Decimal | Unknown | None
"""The way into the canonical unit; see `_scale`."""

_NO_NUMBER = Unknown("not one of our analytes")


@dataclass(slots=True)
class Sort:
    """What results of one sort have in common: the meaning of most attributes is that of `Fact`.

    Immutable by custom; facts of one form share one.

    Attributes:
        by: the way from the number as reported into the canonical unit.
        upper, lower: in that unit already.
        unnumbered: what a result without a number is worth.
    """

    topic: str
    partition: Partition | None = None
    by: By = _NO_NUMBER
    upper: Decimal | None = None
    lower: Decimal | None = None
    code: str | None = None
    comparator: str | None = None
    withdrawn: bool = False
    provisional: bool = False
    unnumbered: Decimal | None = None
    kin: Kin = field(init=False, compare=False, repr=False)
    _unlimited: Sort | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Put together what is asked for at every fact."""
        self.kin = (self.topic, *(self.partition or (None, None)))

    @property
    def unlimited(self) -> Sort:
        """The same without reference limits: a number that isn't exact is no multiple of one."""
        if self.upper is None and self.lower is None:
            return self
        if self._unlimited is None:
            self._unlimited = replace(self, upper=None, lower=None)
        return self._unlimited


_MOST_FORMS = 8_192
_FACTOR_DIGITS = 10
_NOTHING = Decimal(0)
_FINAL = Status.FINAL  # by a name of our own: on the class, each look-up is a call
_WITHDRAWN = frozenset({Status.CANCELLED, Status.ENTERED_IN_ERROR})


class Fact:
    """One version of one fact. Immutable by custom: a correction is another Fact.

    Attributes:
        key: identity, the same in all versions.
        topic: what rules look facts up by: an analyte key, `imaging`, `treatment`, …
        day: ordinal of the clinical day, as the source writes it.
        when: the same day; of a fact dated only to its month or year, all the days that it may
            have been, of which `day` is the first.
        at: clinical instant, microseconds UTC; of a bare date its first moment.
        precise: whether the hour is known.
        issued: when this version was released, microseconds UTC.
        known: when the fact was first known in a final version, microseconds UTC.
        value: number in the canonical unit, a range, the reason why there is none, or None.
        reference: the number to use when this fact is a nadir or baseline: `<x` counts as x,
            `>x` not at all (catalogue C4).
        sort: what it shares with others of its sort: partition, reference limits, code.
    """

    __slots__ = (
        "at",
        "day",
        "event",
        "issued",
        "key",
        "known",
        "precise",
        "provisional",
        "reference",
        "sort",
        "topic",
        "value",
        "when",
    )

    def __init__(self, event: Any, received: int) -> None:
        """Read an event of `schemas.events`, or anything with its fields.

        Args:
            event: the event.
            received: instant that stands in for a missing `issued_at`.
        """
        # A reader that has worked out times, and what many results share, spares us doing it again.
        form = event.form
        if form is None:
            self.key: Key = (event.source, event.event_id)
            self.day, self.at, self.precise, issued = _times(event)
            self.when: When = days_of(event.effective_at)
            sort = (
                _sort(event)
                if event.type == "observation"
                else _without_value(event.type, event.status)
            )
        else:
            self.key = (form.source, event.event_id)
            self.day = self.when = event.day
            self.at = event.at
            self.precise = event.zone is not None
            issued = event.issued
            sort = _SORTS[form]
        self.event = event
        self.issued = self.known = received if issued is None else issued
        self.topic = sort.topic
        self.provisional = sort.provisional
        by = sort.by
        number: Any = None if by is _NO_NUMBER else event.value
        if number is not None and by is not None:
            number = number * by if by.__class__ is Decimal else _converted(number, by)
        self.value: Value = number
        self.reference: Decimal | None = number
        if number.__class__ is not Decimal:
            sort = sort.unlimited
            self.reference = None
            if number is None:
                self.value = self.reference = sort.unnumbered
        elif sort.comparator is not None:
            self.value, self.reference = _censored(str(number), sort.comparator)
        self.sort = sort

    @property
    def partition(self) -> Partition | None:
        """Specimen and method."""
        return self.sort.partition

    @property
    def upper(self) -> Decimal | None:
        """The upper reference limit."""
        return self.sort.upper

    @property
    def lower(self) -> Decimal | None:
        """The lower reference limit."""
        return self.sort.lower

    @property
    def code(self) -> str | None:
        """What was found, in a word, lower case."""
        return self.sort.code

    @property
    def withdrawn(self) -> bool:
        """Whether this version takes the fact away."""
        return self.sort.withdrawn

    @property
    def content(self) -> str:
        """Digest of the version's content: the last tie-break between two versions."""
        return digest(self.event.model_dump(mode="json"))

    @property
    def order(self) -> tuple[int, int]:
        """What decides between versions, but for the content: issue, then status."""
        return (self.issued, self.event.status.rank)

    def as_known_since(self, known: int) -> Fact:
        """The same version, of a fact that was first known at another instant."""
        twin: Fact = object.__new__(Fact)
        for name in Fact.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.known = known
        return twin

    def as_final(self) -> Fact:
        """The same version, for a rule that takes a preliminary result at its word."""
        twin = self.as_known_since(self.known)
        twin.provisional = False
        return twin

    def __repr__(self) -> str:
        """Identity only: a fact in a log line must not tell what it says."""
        return f"Fact({self.topic}, {self.key[1]})"


def _times(event: Any) -> Times:
    """The times of an event whose reader has left them as they were written."""
    effective: date | datetime | PartialDate = event.effective_at
    issued: datetime | None = event.issued_at
    if isinstance(effective, PartialDate):
        effective = effective.first
    return (
        effective.toordinal(),
        instant(effective),
        effective.__class__ is datetime,
        None if issued is None else instant(issued),
    )


# ---------------------------------------------------------------- what was measured, and how


@lru_cache(maxsize=64)
def _without_value(topic: str, status: Status) -> Sort:
    """Of anything but an observation."""
    final = status is _FINAL
    return Sort(
        topic,
        withdrawn=not final and status in _WITHDRAWN,
        provisional=not final and status is Status.PRELIMINARY,
    )


def _sort(said: Any) -> Sort:
    """Of an observation, or of a form of observations: they have fields of the same names."""
    code = said.code
    system, name = (None, None) if code is None else (code.system, code.code)
    topic, partition, by, amounts = _kind(
        said.analyte, system, name, said.unit, said.specimen, said.method
    )
    word = None if said.value_code is None else said.value_code.lower()
    final = said.status is _FINAL
    return Sort(
        topic,
        partition,
        by,
        _limit(said.reference_high, by),
        _limit(said.reference_low, by),
        word,
        said.comparator,
        withdrawn=not final and said.status in _WITHDRAWN,
        provisional=not final and said.status is Status.PRELIMINARY,
        # Below every limit of detection, where there are amounts at all.
        unnumbered=_NOTHING if amounts and word in NOT_DETECTED else None,
    )


class _Sorts(dict[Any, Sort]):
    """By the form that results have in common: a feed has few of them."""

    def __missing__(self, form: Any) -> Sort:
        if len(self) >= _MOST_FORMS:
            self.clear()
        sort = self[form] = _sort(form)
        return sort


_SORTS = _Sorts()


@lru_cache(maxsize=4096)
def _kind(
    name: str | None,
    system: str | None,
    code: str | None,
    unit: str | None,
    specimen: str | None,
    method: str | None,
) -> tuple[str, Partition | None, By, bool]:
    """What was measured, and how. A refused code outweighs a name; a name outweighs a code.

    Returns:
        Topic, partition, the way into the canonical unit, whether there are amounts of it.
    """
    partition = None if specimen is None and method is None else (specimen, method)
    coded = None if system is None or code is None else by_code(system, code)
    known = (None if name is None else analyte(name)) or coded
    if known is None or isinstance(coded, Refusal) or isinstance(known, Refusal):
        return "unmapped", partition, _NO_NUMBER, False
    return known.key, partition, _scale(unit, known), bool(known.unit)


def _scale(unit: str | None, known: Analyte) -> By:
    """The way into the analyte's canonical unit.

    Returns:
        None where the unit is that one already, a factor where one multiplication is exact (a
        result has no more than 18 digits, so that 10 of the factor fit into 28), else a Scale.
    """
    by = scale(unit, known)
    if isinstance(by, Refusal):
        return Unknown(str(by.reason))
    if by.identity:
        return None
    simple = by.exact and not by.offset and len(by.numerator.as_tuple().digits) <= _FACTOR_DIGITS
    return by.numerator if simple else by


def _limit(limit: Decimal | None, by: By) -> Decimal | None:
    """A reference limit in the canonical unit; None where it can't be had there."""
    if limit is None or by is None:
        return limit
    if isinstance(by, Decimal):
        return limit * by
    return None if isinstance(by, Unknown) or not by.accepts(limit) else by.apply(limit)


def _converted(number: Decimal, by: Any) -> Value:
    """A number in the canonical unit, where more than a multiplication is needed."""
    if isinstance(by, Unknown):
        return by
    return by.apply(number) if by.accepts(number) else Unknown("beyond what the unit can hold")


@lru_cache(maxsize=4096)  # a detection limit comes again and again
def _censored(digits: str, comparator: str) -> tuple[Range, Decimal | None]:
    """Value and reference of a result that is only known to lie on one side of a number.

    By its digits: 1 and 1.0 are one key of a dictionary, and would show each other's.
    """
    number = Decimal(digits)
    if comparator in {"<", "<="}:
        floor = Decimal(0) if number >= 0 else None
        return Range(floor, number, high_included=comparator == "<="), number
    return Range(number, None, low_included=comparator == ">="), None
