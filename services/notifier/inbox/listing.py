"""The list of alerts: which are shown, in which order, with how much time left. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.alerts import OPEN_STATES, AlertRevision, Kind, Severity, State
from schemas.base import as_utc
from services.notifier.inbox import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

OPEN, CLOSED, ALL = "open", "closed", "all"
_RANK: Final = {severity: rank for rank, severity in enumerate(words.SEVERITIES)}
_NO_DATE: Final = 10**6
SOON: Final = 7
"""Days left below which the list says so."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader asked to see. Empty: no restriction."""

    state: str = OPEN
    severity: str = ""
    kind: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Choice:
        """From the address; a word that names nothing is ignored, never an error."""
        return cls(
            _known(query.get("state"), (OPEN, CLOSED, ALL, *State)) or OPEN,
            _known(query.get("severity"), Severity),
            _known(query.get("kind"), Kind),
        )

    def admits(self, alert: AlertRevision) -> bool:
        """Whether an alert is among what was asked for."""
        stands = alert.state in OPEN_STATES
        states = {OPEN: stands, CLOSED: not stands, ALL: True}
        return (
            states.get(self.state, alert.state == self.state)
            and self.severity in ("", alert.severity)
            and self.kind in ("", alert.kind)
        )


def _known(word: str | None, among: Iterable[str]) -> str:
    return word if word is not None and word in {str(one) for one in among} else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    alert: AlertRevision
    until: date | datetime | None
    asks: str
    days: int | None

    @property
    def stands(self) -> bool:
        """Whether it asks for anybody's attention."""
        return self.alert.state in OPEN_STATES

    @property
    def pressing(self) -> str:
        """`past`, `soon` or nothing: how the time left is marked."""
        if self.days is None or not self.stands:
            return ""
        return "past" if self.days < 0 else "soon" if self.days <= SOON else ""


def row(alert: AlertRevision, now: datetime) -> Row:
    """One alert with the date that counts: by when to act, or else to confirm."""
    until = alert.act_by or alert.confirm_by
    asks = "" if until is None else "Act by" if alert.act_by else "Confirm by"
    return Row(alert, until, asks, words.left(until, now))


def rows(alerts: Iterable[AlertRevision], choice: Choice, now: datetime) -> list[Row]:
    """The chosen alerts: standing ones first, by severity, then by the time left."""
    return sorted((row(alert, now) for alert in alerts if choice.admits(alert)), key=_urgency)


def _urgency(one: Row) -> tuple[bool, int, int, float, str]:
    alert = one.alert
    newest_first = -as_utc(alert.at).timestamp()
    days = _NO_DATE if one.days is None or not one.stands else one.days
    return (not one.stands, _RANK[alert.severity], days, newest_first, alert.alert_id)


def by_severity(alerts: Sequence[AlertRevision]) -> list[tuple[Severity, int]]:
    """How many alerts stand, for each severity, the most urgent first."""
    found = Counter(alert.severity for alert in alerts if alert.state in OPEN_STATES)
    return [(severity, found[severity]) for severity in words.SEVERITIES]
