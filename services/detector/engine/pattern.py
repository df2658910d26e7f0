"""A criterion judged at each fact: suspected, confirmed by a later fact, refuted.

The episode of catalogue C6: a qualifying fact opens a suspicion; a later one, far enough from the
*first*, confirms it; one that comes too early does nothing; one that doesn't qualify refutes. A
fact for which the condition is unknown does nothing either, but is noted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.alerts import Role, State
from services.detector.engine import verdicts
from services.detector.engine.criterion import Criterion
from services.detector.engine.dormancy import guarded
from services.detector.engine.episode import Episode, Phase
from services.detector.engine.finding import Arm, cite, cleared, doubts, first_true
from services.detector.engine.instants import latest
from services.detector.engine.suspicion import following
from services.detector.engine.terms import Proof, Term
from services.detector.engine.truth import Truth, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.confirmation import Confirmation
    from services.detector.engine.criterion import Refutation
    from services.detector.engine.dormancy import Denial
    from services.detector.engine.finding import Finding, Note
    from services.detector.engine.milestone import Milestone
    from services.detector.engine.terms import Context
    from services.detector.engine.verdicts import Verdict

_SILENT = Phase.SILENT  # by names of our own: on the classes, each look-up is a call
_SUSPECTED = State.SUSPECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern(Criterion):
    """The machine."""

    _ways: tuple[tuple[Callable[[Context], Truth], Arm, State], ...] = field(
        init=False, compare=False, repr=False
    )
    _unguarded: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Put the arms in the order in which they are judged."""
        groups = (
            (self.confirmed, State.CONFIRMED),
            (self.suspect, State.SUSPECTED),
            (self.info, State.INFO),
        )
        ways = tuple((arm.when.evaluate, arm, state) for arms, state in groups for arm in arms)
        object.__setattr__(self, "_ways", ways)
        object.__setattr__(self, "_unguarded", self.given is None and self.milestone is None)

    @property
    def rests(self) -> bool:
        """Whether nothing is awaited of it as long as it is shown nothing."""
        return not self.timed

    def denial(self, series: tuple[int, ...], *, dated: bool = False) -> Denial | None:
        """What tells at a glance that a fact of these series leaves a silent criterion silent."""
        if self.milestone is not None:
            return None
        arms = [arm.when for _, arm, _ in self._ways]
        return guarded(self.given, arms, series, dated=dated)

    # -- the calendar

    def start(self, memory: Episode, context: Context) -> Episode:
        """Begin afresh from the new clock."""
        del memory
        if not self.timed or self.milestone is None:
            return self.initial
        return Episode(due=self.milestone.awaited(context))

    def deadline(self, memory: Episode) -> int | None:
        """The last day of the milestone, while its sample is awaited."""
        return memory.due

    def expire(self, memory: Episode, context: Context | None) -> Verdict:
        """Nobody sampled in the period."""
        assert self.milestone is not None, "nothing else has a deadline"  # noqa: S101
        overdue = self.milestone.overdue(self.name, memory, context)
        missed = overdue if self.milestone.late else None
        return memory._replace(due=None, judged=True, missed=missed), (overdue,)

    # -- one fact

    def step(self, memory: Episode, context: Context) -> Verdict:
        """Judge one fact."""
        phase = memory[0]
        if phase is _SILENT and self._unguarded:  # nearly always, and then nearly always in vain
            arm, state = self._judge(context)
            return (memory, ()) if arm is None else self._begin(memory, arm, state, context)
        if self.given is not None:
            given = self.given.evaluate(context)
            if given is not True:
                return memory, doubts(self.name, given, context)
        if phase is _SILENT:
            return self._open(memory, context)
        if phase is Phase.SUSPECTED:
            return self._follow(memory, following(context, memory))
        if phase is Phase.INFORMED:
            return self._stay_informed(memory, context)
        return self._hold(memory, following(context, memory))

    # -- silent so far, or informed

    def _open(self, memory: Episode, context: Context) -> Verdict:
        """Does this fact open an episode?"""
        if memory.missed is not None:
            return self._made_up_for(memory, memory.missed, context)
        if self.milestone is not None:
            return self._open_in_period(memory, self.milestone, context)
        return self._begin(memory, *self._judge(context), context)

    def _begin(
        self, memory: Episode, arm: Arm | Unknown | None, state: State, context: Context
    ) -> Verdict:
        """Open it if an arm holds, note the doubt if one might."""
        if isinstance(arm, Arm):
            return self._say(memory, arm, state, context)
        return memory, doubts(self.name, arm, context)

    def _open_in_period(self, memory: Episode, milestone: Milestone, context: Context) -> Verdict:
        """The first usable fact of the period is judged, whatever it says."""
        if memory.judged or not milestone.holds(context):
            return memory, ()
        arm, state = self._judge(context)
        if isinstance(arm, Unknown):
            return milestone.tried(memory, context.fact), doubts(self.name, arm, context)
        before: tuple[Note, ...] = ()
        if not context.fact.provisional:
            before = milestone.arrived_late(self.name, memory, context)
            memory = memory._replace(judged=True, due=None)
        if arm is None:
            return memory, before
        after, notes = self._say(memory, arm, state, context)
        return after, before + notes

    def _judge(self, context: Context) -> tuple[Arm | Unknown | None, State]:
        """The arm that holds, and what it makes of the fact; unknown if none does but one might."""
        doubt: Unknown | None = None
        for evaluate, arm, state in self._ways:
            truth = evaluate(context)
            if truth is True:
                return arm, state
            if truth is not False and doubt is None:
                doubt = truth
        return doubt, _SUSPECTED

    def _say(self, memory: Episode, arm: Arm, state: State, context: Context) -> Verdict:
        """What a preliminary result would confirm, it only suspects."""
        if state is State.INFO:
            return verdicts.informed(self, memory, arm, context)
        if state is State.CONFIRMED and not context.fact.provisional:
            return verdicts.confirmed(self, memory, arm, arm.when.prove(context), context)
        return verdicts.suspected(self, memory, arm, context)

    def _made_up_for(self, memory: Episode, missed: Finding, context: Context) -> Verdict:
        """The period has passed; a usable fact clears what was missing in it."""
        arm, _ = self._judge(context)
        if isinstance(arm, Unknown):
            return memory, doubts(self.name, arm, context)
        if context.fact.provisional:
            return memory, ()
        return memory._replace(missed=None), (cleared(missed, context.fact),)

    def _stay_informed(self, memory: Episode, context: Context) -> Verdict:
        """What was worth knowing hinders nothing; it may also be taken back."""
        after, notes = self._open(memory, context)
        if after is not memory:
            return after, notes
        held, more = self._hold(memory, following(context, memory))
        return held, notes + more

    # -- suspected

    def _follow(self, memory: Episode, context: Context) -> Verdict:
        """A suspicion stands: does this fact confirm, refute or renew it?"""
        first, confirm = memory.first, self.confirm
        assert first is not None, "it was opened by a fact"  # noqa: S101
        elapsed = context.fact.day - latest(first.when)  # at least, where only a month is known
        if confirm is not None and confirm.lapsed(elapsed):
            return self._open(memory.over(), context)
        if context.fact.provisional:
            return memory, ()
        if confirm is not None:
            qualifies = confirm.qualifies(self.suspect, context)
            if qualifies is True:
                return self._count(memory, confirm, elapsed, context)
            if isinstance(qualifies, Unknown):
                return memory, doubts(self.name, qualifies, context)
        return self._at_once(memory, context) or self._waver(memory, elapsed, context)

    def _count(
        self, memory: Episode, confirm: Confirmation, elapsed: int, context: Context
    ) -> Verdict:
        """The fact qualifies: is it far enough from the first, and the run unbroken?"""
        fact, first = context.fact, memory.first
        assert first is not None, "it was opened by a fact"  # noqa: S101
        if confirm.breaks(memory.run, fact):
            # Nothing proves that it lasted in between: the run starts anew.
            grounds = verdicts.grounds(self, context)
            return memory.begun(memory.tag, grounds, grounds, context), ()
        if confirm.gap is not None:
            memory = memory._replace(run=(*memory.run, fact))
        if not confirm.far_enough(elapsed, first, context):
            return self._at_once(memory, context) or (memory, ())
        return self._confirm(memory, confirm, context)

    def _confirm(self, memory: Episode, confirm: Confirmation, context: Context) -> Verdict:
        """By this fact; evidence of the name counts only where it keeps its name."""
        proof = confirm.proof(self.suspect, context)
        renamed = confirm.tag is not None or self.further_name(context) is not None
        cited = cite(
            memory.grounds if renamed else memory.cited,
            tuple((link, Role.SUPPORT) for link in confirm.links(memory.run)[:-1]),
            ((context.fact, Role.CONFIRMATION),),
            proof.cited,
        )
        whole = Proof(proof.text, proof.result, cited, proof.because)
        arm = Arm(_proved(proof), confirm.tag or memory.tag)
        return verdicts.confirmed(self, memory, arm, whole, context)

    def _at_once(self, memory: Episode, context: Context) -> Verdict | None:
        """Confirmed without a second fact; of a milestone only its own sample is so judged."""
        arm = None if self.milestone is not None else first_true(self.confirmed, context)
        if isinstance(arm, Arm):
            return verdicts.confirmed(self, memory, arm, arm.when.prove(context), context)
        return None

    def _waver(self, memory: Episode, elapsed: int, context: Context) -> Verdict:
        """Not confirmed: refuted, silently over, renamed, or still suspected."""
        if self.refutes_by_default:
            return verdicts.refuted(self, memory, None, None, context)
        for refutation in self.refute:
            due = refutation.confirmed_tag is None and elapsed >= refutation.after
            if due and refutation.when.holds(context):
                return self._answered(memory, refutation, context)
        if self.reset is not None and self.reset.holds(context):
            return memory.over(), ()
        return self._rename(memory, context)

    def _answered(self, memory: Episode, refutation: Refutation, context: Context) -> Verdict:
        """Settled or refuted; the fact that refuted may open the next suspicion."""
        proof = refutation.when.prove(context)
        if refutation.info is not None:
            return verdicts.settled(self, memory, refutation.info, proof, context)
        after, notes = verdicts.refuted(self, memory, refutation.tag, proof, context)
        if refutation.anew:
            after, more = self._open(after, context)
            notes += more
        return after, notes

    def _rename(self, memory: Episode, context: Context) -> Verdict:
        """The suspicion goes on; by another name, if another way of it holds now."""
        if not self.renames or self.milestone is not None:
            return memory, ()
        suspicion = first_true(self.suspect, context)
        if isinstance(suspicion, Arm) and suspicion.tag != memory.tag:
            return verdicts.suspected(self, memory, suspicion, context)
        return memory, ()

    # -- confirmed

    def _hold(self, memory: Episode, context: Context) -> Verdict:
        """Confirmed: silent, unless it is refuted or reset."""
        for refutation in self.refute:
            if refutation.answers(memory.tag) and refutation.when.holds(context):
                proof = refutation.when.prove(context)
                return verdicts.refuted(self, memory, refutation.tag, proof, context)
        if self.reset is not None and self.reset.holds(context):
            return memory.over(), ()
        return memory, ()


def _proved(proof: Proof) -> Term:
    """A proof that is already made, as a term."""
    return Term("truth", proof.text, lambda _: proof.result, lambda _: proof)
