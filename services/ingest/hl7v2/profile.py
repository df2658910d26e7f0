"""What a site must say about a sender, because its messages don't."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING

from services.ingest.dialect import STANDARD as PUBLISHED
from services.ingest.dialect import Dialect
from services.ingest.profiles.patterns import ANY, matches

if TYPE_CHECKING:
    from collections.abc import Mapping


def _none() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Receiver:
    """One of the names under which a sender knows us, by patterns.

    What a message leaves empty (both fields are optional) is not addressed to anybody else.
    """

    application: str = ANY
    facility: str = ANY

    def fits(self, application: str, facility: str) -> bool:
        """Whether a message with these in MSH-5 and MSH-6 is for it."""
        ours = not application or matches(self.application, application)
        return ours and (not facility or matches(self.facility, facility))


@dataclass(frozen=True, slots=True)
class Profile:
    """How to read one sender. The defaults suit a sender that follows the standard.

    Attributes:
        source: name of the sender; else `facility/application` of MSH-4 and MSH-3.
        zone: the zone of times that carry none, where MSH-7 carries none either.
        charset: Python's name of the character set where MSH-18 is empty.
        authority: assigning authority of identifiers that name none. Without it such a patient is
            refused: two hospitals' `12345` must never become one patient.
        authorities: other spellings of an authority (name or OID) to the one that we use.
        persons: authorities, as we call them, whose identifiers name patients; empty: all do.
        id_types: identifier types (table 0203) of PID-3, the preferred first.
        receivers: who we are to it; what is addressed to others is refused. Empty: not
            looked at.
        processing_ids: MSH-11 values that are read. A listener on a live feed takes only `P`.
        codes: the sender's own test codes to our analyte keys.
        dialect: the sender's own codes, units and words.
        ignored: message types that are passed over: `MFN`, `MFN^M02`.
        decimal_comma: whether `1,25` in a numeric result means 1.25.
        death_dispositions: PV1-36 values that mean that the patient died; the table is each
            site's own, and a wrong entry would silence a living patient's alerts.
        with_specimen: whether specimen and method split a patient's series of one analyte.
    """

    source: str | None = None
    zone: tzinfo = UTC
    charset: str = "utf-8"
    authority: str | None = None
    authorities: Mapping[str, str] = field(default_factory=_none)
    persons: frozenset[str] = frozenset()
    id_types: tuple[str, ...] = ("MR", "PI", "PT", "MRN")
    receivers: tuple[Receiver, ...] = ()
    processing_ids: frozenset[str] = frozenset({"P", "T", "D", ""})
    codes: Mapping[str, str] = field(default_factory=_none)
    dialect: Dialect = PUBLISHED
    ignored: frozenset[str] = frozenset()
    decimal_comma: bool = False
    death_dispositions: frozenset[str] = frozenset()
    with_specimen: bool = False


STANDARD = Profile()
"""A sender that says everything itself."""
