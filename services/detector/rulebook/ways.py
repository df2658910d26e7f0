"""Ways of living through the same messages. What was known when is the same in all of them.

Every case runs in every way and must get the same verdict: an engine that needs its messages once,
in order, or without a restart in between would be right only on paper.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from services.detector.adapters.replay import (
    ReplayResult,
    figures,
    grades,
    journal,
    replay,
    unknowns,
)
from services.detector.engine.instants import US_PER_DAY
from services.detector.engine.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from schemas.alerts import AlertRevision
    from services.detector.engine.fact import Fact
    from services.detector.engine.rule import CompiledRule
    from services.detector.rulebook.facts import Event

Rules = tuple["CompiledRule", ...]


class Way(Protocol):
    """Lives through messages with some rules, up to a moment or the last receipt."""

    def __call__(
        self, events: Sequence[Event], rules: Rules, until: datetime | None
    ) -> ReplayResult:
        """All that the engine had to say."""
        ...


def _straight(events: Sequence[Event], rules: Rules, until: datetime | None) -> ReplayResult:
    return replay(events, rules, until=until)


def _doubled(events: Sequence[Event], rules: Rules, until: datetime | None) -> ReplayResult:
    return replay([e for each in events for e in (each, each)], rules, until=until)


def _backwards(events: Sequence[Event], rules: Rules, until: datetime | None) -> ReplayResult:
    return replay(reversed(events), rules, until=until)


def _anew(events: Sequence[Event], rules: Rules, until: datetime | None) -> ReplayResult:
    return replay(events, rules, until=until, incremental=False)


def _ticking(events: Sequence[Event], rules: Rules, until: datetime | None) -> ReplayResult:
    return _lived(events, rules, until, _Ticking(rules))


def _restarted(events: Sequence[Event], rules: Rules, until: datetime | None) -> ReplayResult:
    return _lived(events, rules, until, _Restarted(rules))


WAYS: Mapping[str, Way] = {
    "straight": _straight,
    "with every message twice": _doubled,
    "with the last message first": _backwards,
    "without stored states": _anew,
    "with a look at the clock every day": _ticking,
    "with a restart after every message": _restarted,
}


def _lived(
    events: Iterable[Event], rules: Rules, until: datetime | None, monitor: Monitor
) -> ReplayResult:
    revisions = list(journal(events, monitor, until=until))
    return ReplayResult(
        revisions, list(unknowns(monitor)), list(grades(monitor, rules)), list(figures(monitor))
    )


class _Ticking(Monitor):
    """Is asked every day whether something is due, as a live one is."""

    _seen: int | None = None

    def receive(self, versions: Iterable[Fact], now: int) -> list[AlertRevision]:
        return self._ticked(now) + super().receive(versions, now)

    def advance(self, now: int) -> list[AlertRevision]:
        return self._ticked(now) + super().advance(now)

    def _ticked(self, now: int) -> list[AlertRevision]:
        start, self._seen = now if self._seen is None else self._seen, now
        days = range(start + US_PER_DAY, now, US_PER_DAY)
        return [revision for day in days for revision in super(_Ticking, self).advance(day)]


class _Restarted(Monitor):
    """Loses all memory after every message, and gets back what was stored."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._all_rules = rules

    def receive(self, versions: Iterable[Fact], now: int) -> list[AlertRevision]:
        return super().receive(versions, now) + self._restart(now)

    def _restart(self, now: int) -> list[AlertRevision]:
        """Says nothing, unless what was stored isn't all that there was to know."""
        patients = self.patients()
        charts = {one: list(self.chart(one).versions()) for one in patients}
        journals = {one: json.loads(json.dumps(self.dump(one))) for one in patients}
        super().__init__(self._all_rules)
        return self.restore(dict(charts), journals, now)
