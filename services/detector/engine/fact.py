"""A clinical fact as the engine sees it: one version of one event, normalised for comparison.

Values stand in the canonical unit of their analyte, exactly; what could not be brought there
carries the reason instead.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from schemas.base import digest
from schemas.events import Observation, Status
from schemas.terminology.analytes import Analyte, analyte, by_code
from schemas.terminology.refusals import Refusal
from schemas.terminology.units import Scale, scale
from services.detector.engine.instants import instant
from services.detector.engine.truth import Range, Unknown, Value

Partition = tuple[str | None, str | None]
"""Specimen and method: values compare as ratios only within one partition (catalogue C5)."""

Key = tuple[str, str]
"""Identity of a fact: the source and the source's own id."""

Times = tuple[int, int, bool, int | None]
"""Clinical day, clinical instant, whether the hour is known, instant of issue (see `Fact`)."""

By = Scale | Decimal | Unknown | None
"""The way into the canonical unit; see `_scale`."""

Kind = tuple[str, Partition | None, bool, By]
"""Topic, partition, whether numbers mean anything, and the way into the canonical unit."""


_FACTOR_DIGITS = 10
_FINAL = Status.FINAL  # by a name of our own: on the class, each look-up is a call
_WITHDRAWN = frozenset({Status.CANCELLED, Status.ENTERED_IN_ERROR})


class Fact:
    """One version of one fact. Immutable by custom: a correction is another Fact.

    Attributes:
        key: identity, the same in all versions.
        topic: what rules look facts up by: an analyte key, `imaging`, `treatment`, …
        day: ordinal of the clinical day, as the source writes it.
        at: clinical instant, microseconds UTC; of a bare date its first moment.
        precise: whether the hour is known.
        issued: when this version was released, microseconds UTC.
        known: when the fact was first known in a final version, microseconds UTC.
        value: number in the canonical unit, a range, the reason why there is none, or None.
        reference: the number to use when this fact is a nadir or baseline: `<x` counts as x,
            `>x` not at all (catalogue C4).
        upper, lower: reference limits that came with the value, canonical unit.
    """

    __slots__ = (
        "at",
        "code",
        "day",
        "event",
        "issued",
        "key",
        "known",
        "lower",
        "partition",
        "precise",
        "provisional",
        "reference",
        "topic",
        "upper",
        "value",
        "withdrawn",
    )

    def __init__(self, event: Any, received: int) -> None:
        """Read an event of `schemas.events`, or anything with its fields.

        Args:
            event: the event.
            received: instant that stands in for a missing `issued_at`.
        """
        self.event = event
        self.key: Key = (event.source, event.event_id)
        # A reader that has worked out the times already says so, and spares us the doing again.
        times: Times | None = getattr(event, "times", None)
        self.day, self.at, self.precise, issued = _times(event) if times is None else times
        self.issued = self.known = received if issued is None else issued
        status: Status = event.status
        self.withdrawn = status is not _FINAL and status in _WITHDRAWN
        self.provisional = status is not _FINAL and status is Status.PRELIMINARY
        self.value: Value = None
        self.reference: Decimal | None = None
        self.upper: Decimal | None = None
        self.lower: Decimal | None = None
        self.code: str | None = None
        self.partition: Partition | None = None
        self.topic: str = event.type
        if self.topic == "observation":
            self._observe(event)

    def _observe(self, event: Observation) -> None:
        if event.value_code is not None:
            self.code = event.value_code.lower()
        code = event.code
        system, name = (None, None) if code is None else (code.system, code.code)
        self.topic, self.partition, numeric, by = _kind(
            event.analyte, system, name, event.unit, event.specimen, event.method
        )
        number = event.value
        if number is None or not numeric:
            return
        low, high = event.reference_low, event.reference_high
        if by is None:
            self.upper, self.lower = high, low
        elif isinstance(by, Decimal):
            self.upper = None if high is None else high * by
            self.lower = None if low is None else low * by
            number = number * by
        elif isinstance(by, Unknown):
            self.value = by
            return
        elif not by.accepts(number):
            self.value = Unknown("beyond what the unit can hold")
            return
        else:
            self.upper, self.lower = _scaled(high, by), _scaled(low, by)
            number = by.apply(number)
        if event.comparator is None:
            self.value = self.reference = number
        else:
            self._censored(number, event.comparator)

    def _censored(self, number: Decimal, comparator: str) -> None:
        if comparator in {"<", "<="}:
            floor = Decimal(0) if number >= 0 else None
            self.value = Range(floor, number, high_included=comparator == "<=")
            self.reference = number
        else:
            self.value = Range(number, None, low_included=comparator == ">=")

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

    def __repr__(self) -> str:
        """Identity only: a fact in a log line must not tell what it says."""
        return f"Fact({self.topic}, {self.key[1]})"


def _times(event: Any) -> Times:
    """The times of an event whose reader has left them as they were written."""
    effective: date | datetime = event.effective_at
    issued: datetime | None = event.issued_at
    return (
        effective.toordinal(),
        instant(effective),
        effective.__class__ is datetime,
        None if issued is None else instant(issued),
    )


@lru_cache(maxsize=4096)  # a feed has few kinds of results
def _kind(
    name: str | None,
    system: str | None,
    code: str | None,
    unit: str | None,
    specimen: str | None,
    method: str | None,
) -> Kind:
    """What was measured, and how. A refused code outweighs a name; a name outweighs a code."""
    partition = None if specimen is None and method is None else (specimen, method)
    coded = None if system is None or code is None else by_code(system, code)
    known = (None if name is None else analyte(name)) or coded
    if known is None or isinstance(coded, Refusal) or isinstance(known, Refusal):
        return "unmapped", partition, False, None
    return known.key, partition, True, _scale(unit, known)


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


def _scaled(limit: Decimal | None, by: Scale) -> Decimal | None:
    return by.apply(limit) if limit is not None and by.accepts(limit) else None
