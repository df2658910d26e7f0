"""A replay beside a known truth: where do they differ?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.base import as_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from schemas.alerts import AlertRevision


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known to be so: None is "not stated", the state `none` is "never an alert"."""

    patient_id: str
    rule: str
    state: str
    tag: str | None = None
    at: date | None = None
    onset: date | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A verdict that the journal does not share: the fields in which, and both sides."""

    patient_id: str
    rule: str
    fields: tuple[str, ...]
    expected: Verdict
    got: Verdict


NONE = "none"
_FIELDS = ("state", "tag", "at", "onset")


def differences(
    journal: Iterable[AlertRevision], truth: Sequence[Verdict], rules: Iterable[str]
) -> list[Difference]:
    """Compare the last entry of each patient and rule with the truth.

    Args:
        journal: of the replay, in its order.
        truth: a patient without a row for one of its rules must stay silent by that rule.
        rules: those that were run; rows of others are passed over.
    """
    known = {row.rule for row in truth} & set(rules)
    # A reminder that a test is overdue is no new verdict.
    told = [e for e in journal if e.rule in known and not e.confirmation_overdue]
    last = {(e.patient_id, e.rule): _verdict(e) for e in told}
    wanted = {(row.patient_id, row.rule): row for row in truth if row.rule in known}
    found = []
    for patient_id, rule in dict.fromkeys((*wanted, *last)):
        silent = Verdict(patient_id, rule, NONE)
        expected = wanted.get((patient_id, rule), silent)
        got = last.get((patient_id, rule), silent)
        if fields := _unlike(expected, got):
            found.append(Difference(patient_id, rule, fields, expected, got))
    return found


def _verdict(entry: AlertRevision) -> Verdict:
    onset = None if entry.onset is None else as_utc(entry.onset).date()
    return Verdict(
        entry.patient_id, entry.rule, entry.state.value, entry.tag, as_utc(entry.at).date(), onset
    )


def _unlike(expected: Verdict, got: Verdict) -> tuple[str, ...]:
    return tuple(
        name
        for name in _FIELDS
        if getattr(expected, name) is not None and getattr(expected, name) != getattr(got, name)
    )
