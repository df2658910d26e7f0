"""What alerts of a rule say: words, severity, time to act, citations. The rule's printed side."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeVar

from schemas.alerts import Citation, Kind, Severity, Window
from services.detector.engine.instants import US_PER_HOUR, add_months, day_of, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.detector.engine.finding import Finding

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TimeToAct:
    """How long the salvage window stays open, counted from the alert or from its onset."""

    days: int = 0
    months: int = 0
    hours: int = 0
    from_onset: bool = False
    tier: str = "act"
    evidence: str | None = None
    window: Window = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Write once what every alert says of it."""
        window = Window(tier=self.tier, basis="fixed", evidence=self.evidence)
        object.__setattr__(self, "window", window)

    def until(self, at: int, onset_day: int | None) -> date | datetime:
        """The last day of the window, or its last moment if it is counted in hours."""
        if self.hours:
            return moment(at + self.hours * US_PER_HOUR)
        start = onset_day if self.from_onset and onset_day is not None else day_of(at)
        return date.fromordinal(add_months(start, self.months) + self.days)


CURBED_BY_COMFORT = frozenset({Kind.FAILURE, Kind.WINDOW})
"""Under comfort-only goals of care these alerts are information: nobody asks for salvage."""


@dataclass(frozen=True, slots=True)
class Card:
    """The mappings are keyed by tag, state or `default`; the first of these that is there counts.

    `confirm_after`: least days to a confirming test, by criterion. `to_be_checked`: some numbers
    come from a secondary source.
    """

    rule: str
    version: str
    title: str
    kind: Kind
    severity: Mapping[str, Severity] = field(default_factory=dict)
    act_within: Mapping[str, TimeToAct] = field(default_factory=dict)
    sentences: Mapping[str, str] = field(default_factory=dict)
    confirm_after: Mapping[str, int] = field(default_factory=dict)
    readiness: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    source: tuple[Citation, ...] = ()
    to_be_checked: bool = False

    def severity_of(self, tag: str | None, state: str, override: str | None) -> Severity:
        """How soon a person must look."""
        if override is not None:
            return Severity(override)
        return _pick(self.severity, tag, state) or Severity.ADVISORY

    def urgency_of(self, finding: Finding) -> Severity:
        """The same for a finding: one step sooner where the rule watches more closely."""
        plain = self.severity_of(finding.tag, finding.state, finding.severity)
        if not finding.closer:
            return plain
        order = list(Severity)
        return order[max(order.index(plain) - 1, 0)]

    def time_to_act(self, tag: str | None, state: str) -> TimeToAct | None:
        """How long there is, if the rule says."""
        return _pick(self.act_within, tag, state)

    def sentence(self, tag: str | None, state: str) -> str:
        """The sentence, with its placeholders."""
        return _pick(self.sentences, tag, state) or self.title


def _pick(table: Mapping[str, T], tag: str | None, state: str) -> T | None:
    for key in (tag, state, "default"):
        if key is not None and key in table:
            return table[key]
    return None
