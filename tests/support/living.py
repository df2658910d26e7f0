"""Live through messages with the engine, and see what it says at the end.

What must be equal whatever way the messages took, and what depends on it by nature:

- *What the facts say* (`derived`): every step of every criterion, and every doubt. Always equal.
- *What was said last* (`said`): of each criterion of each alert, the last step of its journal:
  state, tag, grade, onset, episodeless; and its evidence, while it stands. Always equal.
- *What the reader last read* (`Reader`): of each criterion's current episode the last revision.
  It must tell what was said last.
- The number of revisions and episodes, and entries that came and went, tell of the way itself.
"""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.alerts import OPEN_STATES, State
from services.detector.engine.fact import Fact
from services.detector.engine.instants import US_PER_DAY
from services.detector.engine.monitor import Monitor
from services.detector.engine.writing import alert_id
from services.detector.language.compiler import compile_rule
from support import packs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schemas.alerts import AlertRevision
    from schemas.events import ClinicalEvent
    from services.detector.engine.rule import CompiledRule

Batch = tuple[int, list[Fact]]
"""An instant, and what is received at it."""


@cache
def all_rules() -> tuple[CompiledRule, ...]:
    """Every rule that comes with the software, compiled."""
    return tuple(compile_rule(rule) for rule in packs.rules())


@cache
def rule_named(name: str) -> CompiledRule:
    """One of them."""
    return next(rule for rule in all_rules() if rule.id == name)


def facts_of(versions: Iterable[ClinicalEvent]) -> list[Fact]:
    """The messages as the engine takes them; all say when they were released."""
    return [Fact(version, 0) for version in versions]


def the_end(facts: Sequence[Fact]) -> int:
    """An instant by which every deadline has passed."""
    return max((max(f.issued, f.at) for f in facts), default=0) + 1200 * US_PER_DAY


def as_released(facts: Iterable[Fact]) -> list[Batch]:
    """Each message at its release."""
    instants: dict[int, list[Fact]] = {}
    for fact in sorted(facts, key=lambda fact: fact.issued):
        instants.setdefault(fact.issued, []).append(fact)
    return list(instants.items())


def in_batches(facts: Sequence[Fact], cuts: Iterable[int] = ()) -> list[Batch]:
    """In the order given, cut before some places; no message comes before its release."""
    places = sorted({0, len(facts), *(cut % (len(facts) + 1) for cut in cuts)})
    batches: list[Batch] = []
    now = 0
    for start, stop in itertools.pairwise(places):
        batch = list(facts[start:stop])
        now = max(now, *(fact.issued for fact in batch))
        batches.append((now, batch))
    return batches


@dataclass(slots=True)
class Life:
    """A monitor that has lived through something, and all that it published."""

    monitor: Monitor
    revisions: list[AlertRevision] = field(default_factory=list)

    def receive(self, batches: Iterable[Batch]) -> Life:
        """Take messages in."""
        for now, batch in batches:
            self.revisions += self.monitor.receive(batch, now)
        return self

    def advance(self, now: int) -> Life:
        """Let time pass."""
        self.revisions += self.monitor.advance(now)
        return self


def live(
    batches: Iterable[Batch],
    end: int,
    rules: Sequence[CompiledRule] | None = None,
    *,
    incremental: bool = True,
) -> Life:
    """From an empty monitor to the end."""
    monitor = Monitor(all_rules() if rules is None else rules, incremental=incremental)
    return Life(monitor).receive(batches).advance(end)


class Spoken(NamedTuple):
    """A step of a journal."""

    patient: str
    rule: str
    course: str | None
    criterion: str
    state: State
    identity: str
    evidence: str
    episode: int

    @property
    def stands(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def roles(self) -> dict[tuple[str, str], str]:
        """The facts cited, each with its role."""
        written = ast.literal_eval(self.evidence)
        facts = written[0] if isinstance(written, tuple) else written
        return {(source, key): role for source, key, _, role in facts}

    @property
    def cited(self) -> tuple[tuple[str, str], ...]:
        """Keys of the facts cited."""
        return tuple(self.roles)

    @property
    def tag(self) -> str | None:
        tag: str | None = self._parts()[2]
        return tag

    @property
    def onset(self) -> tuple[tuple[str, str], int] | None:
        onset: tuple[tuple[str, str], int] | None = self._parts()[4]
        return onset

    @property
    def due(self) -> int:
        """The day that was missed, of what is overdue."""
        day: int = self._parts()[5]
        return day

    def _parts(self) -> tuple[Any, ...]:
        text = self.identity.replace(repr(self.state), repr(self.state.value))
        parts: tuple[Any, ...] = ast.literal_eval(text)
        return parts


def spoken(monitor: Monitor) -> Iterator[Spoken]:
    """Every step of every journal."""
    for patient in monitor.patients():
        for journal in monitor.dump(patient):
            for criterion, state, identity, evidence, episode in journal["steps"]:
                yield Spoken(
                    patient,
                    journal["rule"],
                    journal["course"],
                    criterion,
                    State(state),
                    identity,
                    evidence,
                    episode,
                )


def said(monitor: Monitor) -> dict[tuple[str, str, str | None, str], Spoken]:
    """Of each criterion the last step."""
    return {(s.patient, s.rule, s.course, s.criterion): s for s in spoken(monitor)}


def verdicts(monitor: Monitor) -> dict[tuple[str, str, str | None, str], tuple[str, ...]]:
    """Of each criterion the last step as it must be, by whatever way it came there."""
    return {
        where: (step.identity, step.evidence) if step.stands else (step.identity,)
        for where, step in said(monitor).items()
    }


def doubts(monitor: Monitor) -> list[tuple[object, ...]]:
    """Everything undecided, in a fixed order."""
    found = (
        (
            one.patient_id,
            one.rule,
            one.course_id or "",
            one.doubt.criterion,
            one.doubt.day,
            one.doubt.fact.key,
            one.doubt.reason,
        )
        for one in monitor.undecided()
    )
    return sorted(found)


def derived(
    facts: Sequence[Fact], now: int, rules: Sequence[CompiledRule] | None = None
) -> Monitor:
    """A monitor that was told everything at once and evaluated it once: what the facts say."""
    return live([(now, list(facts))], now, rules, incremental=False).monitor


@dataclass(slots=True)
class Reader:
    """Someone who keeps the last revision of every episode, as the notifier does."""

    latest: dict[tuple[str, int], AlertRevision]

    @classmethod
    def of(cls, revisions: Iterable[AlertRevision]) -> Reader:
        return cls({(one.alert_id, one.episode): one for one in revisions})

    def read_of(self, step: Spoken) -> AlertRevision | None:
        """What was last read of the episode that a step belongs to."""
        return self.latest.get((alert_id(step.patient, step.course, step.rule), step.episode))

    def open_of(self, patient: str, course: str | None, rule: str) -> list[AlertRevision]:
        """The episodes of an alert that the reader takes to be open."""
        identity = alert_id(patient, course, rule)
        return [
            one
            for (alert, _), one in self.latest.items()
            if alert == identity and one.state in OPEN_STATES
        ]
