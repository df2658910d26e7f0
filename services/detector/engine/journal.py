"""The life of one alert: what was said, compared with what the facts say now.

Laws of this file (catalogue C7, C9, C10):
- what is published is the *difference* between two derivations, so evaluating again says nothing;
- an episode that no longer derives is withdrawn once per arrival, however many steps fall away;
- a step that stands again, since what had closed it was an error, is said again;
- steps that newly derive follow in clinical order, stamped with the arrival;
- the last revision is the alert as it stands, whichever of its criteria spoke last.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.alerts import OPEN_STATES, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detector.engine.finding import Finding
    from services.detector.engine.seats import Place

    Said = tuple[Place | None, Finding]
    Since = Place | tuple[()] | None


class Change(Enum):
    """Why there is a new revision."""

    RAISED = "raised"
    REVISED = "revised"
    WITHDRAWN = "withdrawn"


@dataclass(slots=True, unsafe_hash=True)
class Step:
    """A published step: its identity, its evidence, and the episode it belongs to.

    Immutable by custom. Episode 0 was never announced: it was closed before anybody could be
    told. `place` is where the lane says it; None for what the calendar says, and for what came
    from storage.
    """

    criterion: str
    state: State
    identity: str
    evidence: str
    episode: int
    place: Place | None = field(default=None, compare=False)

    @property
    def stands(self) -> bool:
        """Whether the alert is open after this step."""
        return self.state in OPEN_STATES


class Revision(NamedTuple):
    """What is to be published. `finding` is None for a retraction.

    `told` is the instant at which it was first said, if this is not the first time: deadlines are
    counted from there. `overdue`: the test that would confirm it was due by now.
    """

    change: Change
    state: State
    episode: int
    finding: Finding | None
    withdrawn: tuple[Step, ...] = ()
    told: int | None = None
    overdue: bool = False


class Standing(NamedTuple):
    """What a criterion said last and still says: since when, and whether it was reminded of."""

    identity: str
    told: int
    reminded: bool = False


@dataclass(slots=True)
class Journal:
    """What was published of one alert. `revisions` counts its entries.

    `steps` are the last ones of each criterion, which the next comparison may touch; what was said
    before them rests in `past`, so that a long journal costs no more than a short one.
    """

    revisions: int = 0
    episodes: int = 0
    steps: dict[str, list[Step]] = field(default_factory=dict)
    past: dict[str, list[Step]] = field(default_factory=dict)
    setting: str = ""
    standing: dict[str, Standing] = field(default_factory=dict)
    _places: dict[int, Place | None] = field(default_factory=dict)

    def update(
        self, said: Sequence[Said], *, since: Since = (), setting: str = ""
    ) -> list[Revision]:
        """Compare what the facts say now with what was published, and publish the difference.

        Args:
            said: findings with their places, in clinical order.
            since: what a criterion said before this place, and before its first one here, is as
                it was published (see `Lane.news`).
            setting: what else changes how the alert reads; another one revises what stands.
        """
        self.setting = setting
        findings = [finding for _, finding in said]
        self._places = {id(finding): place for place, finding in said}
        derived: dict[str, list[Finding]] = {}
        for finding in findings:
            derived.setdefault(finding.criterion, []).append(finding)
        difference = _Difference()
        for criterion in sorted({*self.steps, *derived}):  # in one order, also after a restart
            now = derived.get(criterion, [])
            self._recall(criterion, _earlier(since, self._places[id(now[0])] if now else ()))
            self._compare(criterion, now, difference)
        revisions = [
            *_retractions(difference.fallen),
            *difference.answered,
            *difference.restored,
            *self._news(difference.fresh, findings),
            *difference.revised,
        ]
        revisions += self._still_stands(revisions, derived)
        self.revisions += len(revisions)
        for criterion in self.steps:
            self._settle(criterion)
        self._places = {}
        return revisions

    def append(self, place: Place, finding: Finding, now: int) -> Revision:
        """What `update` and `dated` come to where only this is new, later than all, and stands."""
        criterion = finding.criterion
        episode = self._episode_of(finding, heard=True)
        identity, evidence = finding.identity, self._evidence(finding)
        step = Step(criterion, finding.state, identity, evidence, episode, place)
        self.steps.setdefault(criterion, []).append(step)
        self._settle(criterion)
        self.revisions += 1
        known = self.standing.get(criterion)
        if known is None or known.identity != identity:
            known = self.standing[criterion] = Standing(identity, now)
        return Revision(
            Change.RAISED, finding.state, episode, finding, told=known.told, overdue=known.reminded
        )

    def dated(self, revisions: Sequence[Revision], now: int) -> list[Revision]:
        """The revisions of this moment, each with the moment at which it was first said.

        What is said again, with other evidence or in other words, keeps its deadlines.
        """
        dated = []
        for revision in revisions:
            finding = revision.finding
            if finding is None or revision.state not in OPEN_STATES:
                dated.append(revision)
                continue
            known = self.standing.get(finding.criterion)
            if known is None or known.identity != finding.identity:
                known = self.standing[finding.criterion] = Standing(finding.identity, now)
            dated.append(revision._replace(told=known.told, overdue=known.reminded))
        for criterion in list(self.standing):
            steps = self.steps.get(criterion)
            if not steps or not steps[-1].stands or not steps[-1].episode:
                del self.standing[criterion]
        return dated

    def remind(self, finding: Finding) -> Revision:
        """Say again what is suspected: the test that would settle it is overdue."""
        known = self.standing[finding.criterion]
        self.standing[finding.criterion] = known._replace(reminded=True)
        self.revisions += 1
        episode = self.steps[finding.criterion][-1].episode
        return Revision(
            Change.REVISED, finding.state, episode, finding, told=known.told, overdue=True
        )

    def _still_stands(
        self, revisions: list[Revision], derived: dict[str, list[Finding]]
    ) -> list[Revision]:
        """The last revision is the alert as it stands: say again what one criterion left open.

        When one criterion is answered or withdrawn while another still holds, the last entry
        would read as if nothing were left.
        """
        if not revisions or revisions[-1].state in OPEN_STATES:
            return []
        open_now = [
            (now[-1].day, criterion)
            for criterion, now in derived.items()
            if (steps := self.steps.get(criterion)) and steps[-1].stands and steps[-1].episode
        ]
        if not open_now:
            return []
        _, criterion = max(open_now)
        finding, step = derived[criterion][-1], self.steps[criterion][-1]
        return [Revision(Change.REVISED, finding.state, step.episode, finding)]

    def _recall(self, criterion: str, start: Place | tuple[()]) -> None:
        """Bring back from the past what is told anew, from `start` on."""
        past: list[Step] = self.past.get(criterion, [])
        back: list[Step] = []
        while past and (past[-1].place is None or past[-1].place >= start):
            back.append(past.pop())
        if back:
            self.steps[criterion] = back[::-1] + self.steps.get(criterion, [])

    def _settle(self, criterion: str) -> None:
        """Let what lies before the last place rest."""
        steps = self.steps[criterion]
        keep = len(steps) - 1
        while keep > 0 and (
            steps[keep].place is None
            or steps[keep - 1].place is None
            or steps[keep - 1].place == steps[keep].place
        ):
            keep -= 1
        if keep > 0:
            self.past.setdefault(criterion, []).extend(steps[:keep])
            self.steps[criterion] = steps[keep:]

    def _compare(self, criterion: str, now: list[Finding], difference: _Difference) -> None:
        """One criterion: what fell, what stands again, what is new, whose evidence is another."""
        old = self.steps.get(criterion, [])
        identities = [finding.identity for finding in now]
        common = _common(old, identities)
        old[:common] = [
            _moved(step, self._places[id(finding)])
            for step, finding in zip(old[:common], now[:common], strict=True)
        ]
        place = _place_of_last(old, identities, common)
        if place is not None:
            self._rewrite(criterion, now[: place + 1], difference)
            difference.fresh += now[place + 1 :]
            if place + 1 == len(now):
                difference.revised += self._revise(criterion, old, now[-1])
        elif old and _disproved(old[-1], now, common):
            self._disprove(criterion, common, now[common], difference)
            difference.fresh += now[common + 1 :]
        else:
            self.steps[criterion] = old[:common]
            difference.fallen += _open_and_gone(old, identities[:common])
            difference.fresh += now[common:]
            if 0 < common == len(now):
                again = self._stands_again(criterion, old[common:], now[-1])
                difference.restored += again
                if not again:
                    difference.revised += self._revise(criterion, self.steps[criterion], now[-1])

    def _disprove(
        self, criterion: str, common: int, refuted: Finding, difference: _Difference
    ) -> None:
        """The suspicion that was published is not withdrawn but answered: say so, in its place."""
        old = self.steps[criterion]
        answer = self._step(refuted, old[-1].episode)
        fallen = _open_and_gone(old, [step.identity for step in old[:common]])
        difference.fallen += [step for step in fallen if step.episode != answer.episode]
        difference.answered.append(
            Revision(Change.WITHDRAWN, answer.state, answer.episode, refuted)
        )
        self.steps[criterion] = [*old[:common], answer]

    def _rewrite(self, criterion: str, past: list[Finding], difference: _Difference) -> None:
        """The last step is the same, and the past may read differently: only old episodes fall."""
        old = self.steps[criterion]
        last = old[-1]
        told: dict[str, list[Step]] = {}
        for step in old:
            told.setdefault(step.identity, []).append(step)
        steps: list[Step] = []
        for episode in _episodes_of(past):
            found = [next(iter(told.get(f.identity, [])), None) for f in episode]
            for step in filter(None, found):
                told[step.identity].remove(step)
            number = next((step.episode for step in reversed(found) if step is not None), 0)
            steps += [self._retold(*pair, number) for pair in zip(found, episode, strict=True)]
            if found[-1] is None and number != last.episode:
                difference.answered += _answer(old, number, episode[-1])
        difference.fallen += _open_and_gone(old, [step.identity for step in steps])
        self.steps[criterion] = [*steps[:-1], _moved(last, steps[-1].place)]

    def _retold(self, step: Step | None, finding: Finding, episode: int) -> Step:
        """A step of the past: as it was told, or one that nobody was told of."""
        if step is None:
            return self._step(finding, episode)
        return _moved(step, self._places[id(finding)])

    def _revise(self, criterion: str, old: list[Step], now: Finding) -> list[Revision]:
        """What stands rests on other evidence, or reads otherwise, than was published."""
        last = old[-1]
        if not last.stands or last.evidence == self._evidence(now):
            return []
        self.steps[criterion][-1] = self._step(now, last.episode)
        return [Revision(Change.REVISED, now.state, last.episode, now)]

    def _stands_again(self, criterion: str, gone: list[Step], finding: Finding) -> list[Revision]:
        """What came after a step fell away: if that had closed or replaced it, say it again.

        A refuted suspicion, or a test that was overdue and then done, is open again when the
        result that closed it was an error. Silence would leave it closed for its readers.
        """
        steps = self.steps[criterion]
        last = steps[-1]
        closed = not last.episode or any(step.episode == last.episode for step in gone)
        if not last.stands or not closed:
            return []
        if not last.episode:
            self.episodes += 1
        steps[-1] = self._step(finding, last.episode or self.episodes)
        return [Revision(Change.RAISED, finding.state, steps[-1].episode, finding)]

    def _news(self, fresh: list[Finding], order: Sequence[Finding]) -> list[Revision]:
        """New findings in clinical order; what was born closed is kept but not announced."""
        wanted = set(map(id, fresh))
        news = [finding for finding in order if id(finding) in wanted]
        silent = _born_closed(news)
        revisions = []
        for finding in news:
            heard = id(finding) not in silent and self._is_news(finding)
            step = self._step(finding, self._episode_of(finding, heard=heard))
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
        begun = steps[-1].episode if steps and not finding.opens else 0
        if begun or not heard:
            return begun
        self.episodes += 1
        return self.episodes

    def _evidence(self, finding: Finding) -> str:
        evidence = finding.evidence
        return f"({evidence}, {self.setting!r})" if self.setting else evidence

    def _step(self, finding: Finding, episode: int) -> Step:
        return Step(
            finding.criterion,
            finding.state,
            finding.identity,
            self._evidence(finding),
            episode,
            self._places.get(id(finding)),
        )

    # -- to and from storage

    def dump(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "revisions": self.revisions,
            "episodes": self.episodes,
            "steps": [
                [s.criterion, s.state.value, s.identity, s.evidence, s.episode]
                for criterion in sorted({*self.past, *self.steps})
                for s in (*self.past.get(criterion, ()), *self.steps.get(criterion, ()))
            ],
            "standing": [[criterion, *known] for criterion, known in self.standing.items()],
        }

    @classmethod
    def load(cls, stored: dict[str, Any]) -> Journal:
        """From what `dump` gave."""
        journal = cls(stored["revisions"], stored["episodes"])
        for criterion, state, identity, evidence, episode in stored["steps"]:
            step = Step(criterion, State(state), identity, evidence, episode)
            journal.steps.setdefault(criterion, []).append(step)
        for criterion, identity, told, reminded in stored.get("standing", ()):
            journal.standing[criterion] = Standing(identity, told, reminded)
        return journal


@dataclass(slots=True)
class _Difference:
    """Between what was published and what the facts say now."""

    fallen: list[Step] = field(default_factory=list)
    answered: list[Revision] = field(default_factory=list)
    restored: list[Revision] = field(default_factory=list)
    fresh: list[Finding] = field(default_factory=list)
    revised: list[Revision] = field(default_factory=list)


def _moved(step: Step, place: Place | None) -> Step:
    """The same step at the place where the lane says it now: nearly always the one it had."""
    return step if step.place == place else replace(step, place=place)


def _earlier(since: Since, first: Place | tuple[()] | None) -> Place | tuple[()]:
    """The place from which on a criterion is told anew; the empty place is before all others."""
    if first is None:
        return ()  # only the calendar speaks: there is no place left
    return first if since is None else min(since, first)


def _episodes_of(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Cut before every finding that opens an episode."""
    episodes: list[list[Finding]] = []
    for finding in findings:
        if finding.opens or not episodes:
            episodes.append([])
        episodes[-1].append(finding)
    return episodes


def _common(old: list[Step], identities: list[str]) -> int:
    """How many steps from the first on are the same."""
    for place, (step, identity) in enumerate(zip(old, identities, strict=False)):
        if step.identity != identity:
            return place
    return min(len(old), len(identities))


def _place_of_last(old: list[Step], identities: list[str], common: int) -> int | None:
    """Where the last step that was published stands among those that derive now."""
    if not old:
        return None
    if common == len(old):
        return common - 1
    places = [at for at, identity in enumerate(identities) if identity == old[-1].identity]
    return places[-1] if places else None


def _open_and_gone(old: list[Step], kept: list[str]) -> list[Step]:
    """The steps that fell, of episodes that were open with a step that fell."""
    last = {step.episode: step for step in old}
    return [
        step
        for step in old
        if step.identity not in kept
        and step.episode
        and last[step.episode].stands
        and last[step.episode].identity not in kept
    ]


def _answer(old: list[Step], episode: int, finding: Finding) -> list[Revision]:
    """An old episode that readers still hold open turns out to have been closed: tell them."""
    told = [step for step in old if step.episode == episode]
    if not episode or not told or not told[-1].stands or finding.state in OPEN_STATES:
        return []
    return [Revision(Change.WITHDRAWN, finding.state, episode, finding)]


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


def _born_closed(news: list[Finding]) -> set[int]:
    """Overdue entries that are cleared in the same breath: they would inform no one."""
    silent: set[int] = set()
    waiting: dict[str, list[Finding]] = {}
    for finding in news:
        if finding.state is State.OVERDUE:
            earlier = [] if finding.opens else waiting.get(finding.criterion, [])
            waiting[finding.criterion] = [*earlier, finding]
        elif finding.state is State.CLEARED and finding.criterion in waiting:
            missed = waiting.pop(finding.criterion)
            # What goes on with an episode that is known must still hear that it is over.
            silent |= set(map(id, (*missed, finding) if missed[0].opens else missed))
    return silent
