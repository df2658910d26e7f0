"""The life of one alert: what was said, compared with what the facts say now.

Laws of this file (catalogue C7, C9, C10):
- what is published is the *difference* between two derivations, so evaluating again says nothing;
- a step that no longer derives is withdrawn once per arrival, however many fall away;
- steps that newly derive follow in clinical order, stamped with the arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from schemas.alerts import OPEN_STATES, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detector.engine.finding import Finding


class Change(Enum):
    """Why there is a new revision."""

    RAISED = "raised"
    REVISED = "revised"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Step:
    """A published step: its identity, its evidence, and the episode it belongs to."""

    criterion: str
    state: State
    identity: str
    evidence: str
    episode: int

    @property
    def stands(self) -> bool:
        """Whether the alert is open after this step."""
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class Revision:
    """What is to be published. `finding` is None for a retraction."""

    change: Change
    state: State
    episode: int
    finding: Finding | None
    withdrawn: tuple[Step, ...] = ()


@dataclass(slots=True)
class Journal:
    """What was published of one alert. `revisions` counts its entries."""

    revisions: int = 0
    episodes: int = 0
    steps: dict[str, list[Step]] = field(default_factory=dict)
    setting: str = ""

    def update(self, findings: Sequence[Finding], setting: str = "") -> list[Revision]:
        """Compare what the facts say now with what was published, and publish the difference.

        `setting` is what else changes how the alert reads; another one revises what stands.
        """
        self.setting = setting
        derived: dict[str, list[Finding]] = {}
        for finding in findings:
            derived.setdefault(finding.criterion, []).append(finding)
        fallen: list[Step] = []
        fresh: list[Finding] = []
        revised: list[Revision] = []
        for criterion in dict.fromkeys((*self.steps, *derived)):
            gone, new, same = self._compare(criterion, derived.get(criterion, []))
            fallen += gone
            fresh += new
            revised += same
        revisions = self._retraction(fallen) + self._news(fresh, findings) + revised
        self.revisions += len(revisions)
        return revisions

    def _compare(
        self, criterion: str, now: list[Finding]
    ) -> tuple[list[Step], list[Finding], list[Revision]]:
        """One criterion: the steps that fell, the findings that are new, the evidence revised."""
        old = self.steps.get(criterion, [])
        identities = [_identity(finding) for finding in now]
        common = 0
        while (
            common < len(old) and common < len(now) and old[common].identity == identities[common]
        ):
            common += 1
        if common == len(old):
            same = self._revise(criterion, old, now, common) if common == len(now) else []
            return [], now[common:], same
        if now and old[-1].identity == identities[-1]:
            # The past reads differently, the present is the same: nothing to announce.
            episode = old[-1].episode
            self.steps[criterion] = [self._step(finding, episode) for finding in now]
            return [], [], self._evidence_of(old[-1], now[-1])
        if _disproved(old[-1], now, common):
            # The suspicion is not withdrawn but answered: say so.
            return [], now[common:], []
        self.steps[criterion] = old[:common]
        return [step for step in old[common:] if old[-1].stands], now[common:], []

    def _revise(
        self, criterion: str, old: list[Step], now: list[Finding], common: int
    ) -> list[Revision]:
        if not common:
            return []
        revised = self._evidence_of(old[-1], now[-1])
        if revised:
            self.steps[criterion] = [*old[:-1], self._step(now[-1], old[-1].episode)]
        return revised

    def _evidence_of(self, old: Step, now: Finding) -> list[Revision]:
        if not old.stands or old.evidence == self._evidence(now):
            return []
        return [Revision(Change.REVISED, now.state, old.episode, now)]

    def _retraction(self, fallen: list[Step]) -> list[Revision]:
        if not fallen:
            return []
        return [
            Revision(Change.WITHDRAWN, State.RETRACTED, fallen[-1].episode, None, tuple(fallen))
        ]

    def _news(self, fresh: list[Finding], order: Sequence[Finding]) -> list[Revision]:
        """New findings in clinical order; what was born closed is kept but not announced."""
        wanted = set(map(id, fresh))
        news = [finding for finding in order if id(finding) in wanted]
        silent = _born_closed(news)
        revisions = []
        for finding in news:
            steps = self.steps.setdefault(finding.criterion, [])
            if finding.opens or not steps:
                announced = id(finding) not in silent and finding.state in OPEN_STATES
                episode = self.episodes + 1
                if announced:
                    self.episodes = episode
            else:
                episode = steps[-1].episode
            unheard = finding.state not in OPEN_STATES and not (steps and steps[-1].stands)
            steps.append(self._step(finding, episode))
            if id(finding) in silent or unheard:
                continue
            revisions.append(Revision(_change_of(finding), finding.state, episode, finding))
        return revisions

    def _evidence(self, finding: Finding) -> str:
        facts = sorted((*fact.key, fact.issued, role.value) for fact, role in finding.cited)
        return repr((facts, self.setting) if self.setting else facts)

    def _step(self, finding: Finding, episode: int) -> Step:
        return Step(
            finding.criterion,
            finding.state,
            _identity(finding),
            self._evidence(finding),
            episode,
        )

    # -- to and from storage

    def dump(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "revisions": self.revisions,
            "episodes": self.episodes,
            "steps": [
                [s.criterion, s.state.value, s.identity, s.evidence, s.episode]
                for steps in self.steps.values()
                for s in steps
            ],
        }

    @classmethod
    def load(cls, stored: dict[str, Any]) -> Journal:
        """From what `dump` gave."""
        journal = cls(stored["revisions"], stored["episodes"])
        for criterion, state, identity, evidence, episode in stored["steps"]:
            step = Step(criterion, State(state), identity, evidence, episode)
            journal.steps.setdefault(criterion, []).append(step)
        return journal


def _disproved(old: Step, now: Sequence[Finding], common: int) -> bool:
    """Whether the facts now refute, from the start, the suspicion that was published."""
    return (
        old.state is State.SUSPECTED
        and common < len(now)
        and now[common].state is State.REFUTED
        and not now[common].opens
        and repr(_onset_of(now[common])) in old.identity
    )


def _onset_of(finding: Finding) -> object:
    return finding.key[4]


def _change_of(finding: Finding) -> Change:
    return Change.RAISED if finding.state in OPEN_STATES else Change.WITHDRAWN


def _identity(finding: Finding) -> str:
    return repr(finding.key)


def _born_closed(news: list[Finding]) -> set[int]:
    """Overdue entries that are cleared in the same breath: they would inform no one."""
    silent: set[int] = set()
    waiting: dict[str, Finding] = {}
    for finding in news:
        if finding.state is State.OVERDUE:
            waiting[finding.criterion] = finding
        elif finding.state is State.CLEARED and finding.criterion in waiting:
            silent |= {id(waiting.pop(finding.criterion)), id(finding)}
    return silent
