"""The life of one alert: what was said, compared with what the facts say now.

Laws of this file (catalogue C7, C9, C10):
- what is published is the *difference* between two derivations, so evaluating again says nothing;
- an episode that no longer derives is withdrawn once per arrival, however many steps fall away;
- a step that stands again, since what had closed it was an error, is said again;
- steps that newly derive follow in clinical order, stamped with the arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
    """A published step: its identity, its evidence, and the episode it belongs to.

    Episode 0 was never announced: it was closed before anybody could be told.
    """

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

    def update(self, findings: Sequence[Finding]) -> list[Revision]:
        """Compare what the facts say now with what was published, and publish the difference."""
        derived: dict[str, list[Finding]] = {}
        for finding in findings:
            derived.setdefault(finding.criterion, []).append(finding)
        difference = _Difference()
        for criterion in dict.fromkeys((*self.steps, *derived)):
            self._compare(criterion, derived.get(criterion, []), difference)
        revisions = [
            *_retractions(difference.fallen),
            *difference.restored,
            *self._news(difference.fresh, findings),
            *difference.revised,
        ]
        self.revisions += len(revisions)
        return revisions

    def _compare(self, criterion: str, now: list[Finding], difference: _Difference) -> None:
        """One criterion: what fell, what stands again, what is new, whose evidence is another."""
        old = self.steps.get(criterion, [])
        identities = [_identity(finding) for finding in now]
        common = _common(old, identities)
        if common == len(old):
            difference.fresh += now[common:]
            if common == len(now):
                difference.revised += self._revise(criterion, old, now)
        elif now and old[-1].identity == identities[-1]:
            self._rewrite(criterion, now, difference)
        elif _disproved(old[-1], now, common):
            # The suspicion is not withdrawn but answered: say so.
            difference.fresh += now[common:]
        else:
            self.steps[criterion] = old[:common]
            difference.fallen += _open_and_gone(old, identities)
            difference.fresh += now[common:]
            if 0 < common == len(now):
                difference.restored += self._stands_again(criterion, old[common:], now[-1])

    def _rewrite(self, criterion: str, now: list[Finding], difference: _Difference) -> None:
        """The past reads differently, the present is the same: only old episodes may fall."""
        old = self.steps[criterion]
        episode = old[-1].episode
        episodes = {step.identity: step.episode for step in old}
        steps = [_step(finding, episode) for finding in now]
        self.steps[criterion] = [
            replace(step, episode=episodes.get(step.identity, episode)) for step in steps
        ]
        difference.fallen += _open_and_gone(old, [step.identity for step in steps])
        difference.revised += self._evidence_of(old[-1], now[-1])

    def _stands_again(
        self, criterion: str, gone: list[Step], finding: Finding
    ) -> list[Revision]:
        """What came after a step fell away: if that had closed or replaced it, say it again.

        A refuted suspicion, or a test that was overdue and then done, is open again when the
        result that closed it was an error. Silence would leave it closed for its readers.
        """
        steps = self.steps[criterion]
        last = steps[-1]
        if not last.stands or all(step.episode != last.episode for step in gone):
            return []
        if not last.episode:
            self.episodes += 1
        steps[-1] = _step(finding, last.episode or self.episodes)
        return [Revision(Change.RAISED, finding.state, steps[-1].episode, finding)]

    def _revise(
        self, criterion: str, old: list[Step], now: list[Finding]
    ) -> list[Revision]:
        if not old:
            return []
        revised = self._evidence_of(old[-1], now[-1])
        if revised:
            self.steps[criterion] = [*old[:-1], _step(now[-1], old[-1].episode)]
        return revised

    def _evidence_of(self, old: Step, now: Finding) -> list[Revision]:
        if not old.stands or old.evidence == self._evidence(now):
            return []
        return [Revision(Change.REVISED, now.state, old.episode, now)]

    def _news(self, fresh: list[Finding], order: Sequence[Finding]) -> list[Revision]:
        """New findings in clinical order; what was born closed is kept but not announced."""
        wanted = set(map(id, fresh))
        news = [finding for finding in order if id(finding) in wanted]
        silent = _born_closed(news)
        revisions = []
        for finding in news:
            heard = id(finding) not in silent and self._is_news(finding)
            step = _step(finding, self._episode_of(finding, heard=heard))
            self.steps.setdefault(finding.criterion, []).append(step)
            if heard:
                revisions.append(
                    Revision(_change_of(finding), finding.state, step.episode, finding)
                )
        return revisions

    def _is_news(self, finding: Finding) -> bool:
        """Something opens, or closes what was open."""
        steps = self.steps.get(finding.criterion)
        return finding.state in OPEN_STATES or bool(steps and steps[-1].stands)

    def _episode_of(self, finding: Finding, *, heard: bool) -> int:
        """The episode that a finding begins or goes on with; 0 if nobody is told of it."""
        steps = self.steps.get(finding.criterion)
        if steps and not finding.opens:
            return steps[-1].episode
        if not heard:
            return 0
        self.episodes += 1
        return self.episodes

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


@dataclass(slots=True)
class _Difference:
    """Between what was published and what the facts say now."""

    fallen: list[Step] = field(default_factory=list)
    restored: list[Revision] = field(default_factory=list)
    fresh: list[Finding] = field(default_factory=list)
    revised: list[Revision] = field(default_factory=list)


def _common(old: list[Step], identities: list[str]) -> int:
    """How many steps from the first on are the same."""
    for place, (step, identity) in enumerate(zip(old, identities, strict=False)):
        if step.identity != identity:
            return place
    return min(len(old), len(identities))


def _open_and_gone(old: list[Step], identities: list[str]) -> list[Step]:
    """The steps that fell, of episodes that were open with a step that fell."""
    standing = set(identities)
    last = {step.episode: step for step in old}
    closed = {
        episode for episode, step in last.items() if step.identity in standing or not step.stands
    }
    return [s for s in old if s.identity not in standing and s.episode not in closed]


def _retractions(fallen: list[Step]) -> list[Revision]:
    """One for each episode that fell, however many steps it had."""
    episodes: dict[int, list[Step]] = {}
    for step in fallen:
        episodes.setdefault(step.episode, []).append(step)
    return [
        Revision(Change.WITHDRAWN, State.RETRACTED, episode, None, tuple(steps))
        for episode, steps in sorted(episodes.items())
    ]


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
