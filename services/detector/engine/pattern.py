"""A criterion judged at each fact: suspected, confirmed by a later fact, refuted.

The episode of catalogue C6: a qualifying fact opens a suspicion; a later one, far enough from the
*first*, confirms it; one that comes too early does nothing; one that doesn't qualify refutes. A
fact for which the condition is unknown does nothing either, but is noted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from schemas.alerts import Role, State
from services.detector.engine.finding import Arm, Finding, Note, cite, doubts, first_true, worth
from services.detector.engine.instants import end_of, latest
from services.detector.engine.suspicion import following
from services.detector.engine.terms import Cited, Context, Proof, Term
from services.detector.engine.truth import Truth, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.fact import Fact


class Phase(Enum):
    """Where the episode stands."""

    SILENT = 0
    SUSPECTED = 1
    CONFIRMED = 2
    INFORMED = 3


_SILENT = Phase.SILENT  # by a name of our own: on the class, each look-up is a call


class Memory(NamedTuple):
    """What the episode remembers.

    `cited` is the evidence for what it is called, `grounds` the evidence that it is at all;
    `seat` the series of `first`; `due` the day by which the milestone's sample is awaited,
    `unusable` the first sample that could not answer, `missed` what a later one may yet clear;
    `formers` the first and the last suspicion before, each with the fact that refuted it.
    """

    phase: Phase = Phase.SILENT
    first: Fact | None = None
    tag: str | None = None
    cited: tuple[Cited, ...] = ()
    grounds: tuple[Cited, ...] = ()
    run: tuple[Fact, ...] = ()
    opening: int = 0
    judged: bool = False
    due: int | None = None
    unusable: Fact | None = None
    missed: Finding | None = None
    seat: tuple[int, ...] = ()
    formers: tuple[tuple[Memory, Fact], ...] = ()


_BLANK = Memory()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a suspicion is confirmed; days unless said otherwise. See `language.spec.Confirm`."""

    after: int = 0
    strictly: bool = False
    within: int | None = None
    gap: int | None = None
    not_before: Term | None = None
    when: Term | None = None
    tag: str | None = None
    across_lines: bool = False


@dataclass(frozen=True, slots=True)
class Refutation:
    """What takes a suspicion, or a finding confirmed as `confirmed_tag`, back.

    With `info` the suspicion is not taken back but settled, as information with that tag. With
    `anew` the fact that refutes is judged once more.
    """

    when: Term
    after: int = 0
    confirmed_tag: str | None = None
    tag: str | None = None
    info: str | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Milestone:
    """Only the first usable fact between two days is judged. See `language.spec.Milestone`."""

    start: Term
    end: Term
    missing: str | None = None
    due: Term | None = None
    unusable: str | None = None
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """The machine. The fields are those of `language.spec.Pattern`.

    `refute_by_default`: a fact that does not fulfil the condition of `confirm` refutes.
    """

    name: str
    listens: frozenset[int]
    given: Term | None = None
    suspect: tuple[Arm, ...] = ()
    confirmed: tuple[Arm, ...] = ()
    info: tuple[Arm, ...] = ()
    renames: bool = True
    graver: tuple[Arm, ...] = ()
    confirm: Confirmation | None = None
    refute: tuple[Refutation, ...] = ()
    refute_by_default: bool = True
    reset: Term | None = None
    milestone: Milestone | None = None
    tags: tuple[Arm, ...] = ()
    actions: tuple[Arm, ...] = ()
    value: Term | None = None
    reach_days: int = 0
    initial: Memory = _BLANK
    _signs: tuple[Callable[[Context], Truth], ...] | None = field(
        init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        """Gather the conditions that all must be false for a silent criterion to stay as it is."""
        watched = self.given is None and self.milestone is None
        arms = (*self.confirmed, *self.suspect, *self.info)
        signs = tuple(arm.when.evaluate for arm in arms) if watched else None
        object.__setattr__(self, "_signs", signs)

    @property
    def timed(self) -> bool:
        """Whether a milestone's absence is reported."""
        return self.milestone is not None and self.milestone.missing is not None

    @property
    def _refutes_by_default(self) -> bool:
        return self.refute_by_default and self.confirm is not None and not self.refute

    @property
    def crosses_lines(self) -> bool:
        """Whether a suspicion may be confirmed after the next line has begun."""
        return self.confirm is not None and self.confirm.across_lines

    # -- the calendar

    def start(self, memory: Memory, context: Context) -> Memory:
        """Begin afresh from the new clock."""
        del memory
        if not self.timed or self.milestone is None:
            return self.initial
        return Memory(due=(self.milestone.due or self.milestone.end).evaluate(context))

    def deadline(self, memory: Memory) -> int | None:
        """The last day of the milestone, while its sample is awaited."""
        return memory.due

    def expire(self, memory: Memory, context: Context | None) -> tuple[Memory, tuple[Note, ...]]:
        """Nobody sampled in the period."""
        assert memory.due is not None, "only called with a deadline"  # noqa: S101
        assert self.milestone is not None  # noqa: S101
        overdue = self._overdue(memory, context)
        missed = overdue if self.milestone.late else None
        return memory._replace(due=None, judged=True, missed=missed), (overdue,)

    def _overdue(self, memory: Memory, context: Context | None) -> Finding:
        assert self.milestone is not None  # noqa: S101
        assert memory.due is not None  # noqa: S101
        clock = context.clock if context is not None else None
        tried = memory.unusable if self.milestone.unusable is not None else None
        in_time = tried is not None and tried.known <= end_of(memory.due)
        return Finding(
            self.name,
            State.OVERDUE,
            opens=True,
            day=memory.due,
            tag=self.milestone.unusable if in_time else self.milestone.missing,
            cited=cite(
                ((clock, Role.CLOCK),) if clock is not None else (),
                ((tried, Role.SUPPORT),) if tried is not None and in_time else (),
            ),
            due=True,
        )

    # -- one fact

    def step(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """Judge one fact."""
        silent = memory.phase is _SILENT
        if silent and self._signs is not None:  # nearly always, and then nearly always in vain
            for sign in self._signs:
                if sign(context) is not False:
                    break
            else:
                return memory, ()
        if self.given is not None:
            given = self.given.evaluate(context)
            if given is not True:
                return memory, doubts(self.name, given, context)
        if silent:
            return self._open(memory, context)
        if memory.phase is Phase.SUSPECTED:
            return self._follow(memory, context)
        if memory.phase is Phase.INFORMED:
            return self._stay_informed(memory, context)
        return self._hold(memory, following(context, memory))

    def _stay_informed(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """What was worth knowing hinders nothing; it may also be taken back."""
        after, notes = self._open(memory, context)
        if after is not memory:
            return after, notes
        held, more = self._hold(memory, following(context, memory))
        return held, notes + more

    def _open(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """Silent so far: does this fact open an episode?"""
        before: tuple[Note, ...] = ()
        if memory.missed is not None:
            return self._made_up_for(memory, memory.missed, context)
        if self.milestone is not None and (memory.judged or not self._in_period(context)):
            return memory, ()
        arm, state = self._judge(context)
        if arm is None and self.milestone is None:
            return memory, ()
        if isinstance(arm, Unknown):
            return self._tried(memory, context.fact), doubts(self.name, arm, context)
        if self.milestone is not None and not context.fact.provisional:
            before = self._arrived_late(memory, context)
            memory = memory._replace(judged=True, due=None)
        if arm is None:
            return memory, before
        if state is State.INFO:
            memory, notes = self._inform_with(memory, arm, context)
        elif state is State.CONFIRMED and not context.fact.provisional:
            memory, notes = self._confirm_with(memory, arm, arm.when.prove(context), context)
        else:
            memory, notes = self._suspect_with(memory, arm, context)
        return memory, before + notes

    def _judge(self, context: Context) -> tuple[Arm | Unknown | None, State]:
        """The arm that holds, and what it makes of the fact; unknown if none does but one might."""
        doubt: Unknown | None = None
        for arms, state in (
            (self.confirmed, State.CONFIRMED),
            (self.suspect, State.SUSPECTED),
            (self.info, State.INFO),
        ):
            arm = first_true(arms, context) if arms else None
            if isinstance(arm, Arm):
                return arm, state
            doubt = arm if doubt is None else doubt
        return doubt, State.SUSPECTED

    def _in_period(self, context: Context) -> bool:
        assert self.milestone is not None  # noqa: S101
        start = self.milestone.start.evaluate(context)
        end = self.milestone.end.evaluate(context)
        if start is None or end is None:
            return False
        fact = context.fact
        return bool(start <= fact.day and latest(fact.when) <= end)

    def _arrived_late(self, memory: Memory, context: Context) -> tuple[Note, ...]:
        """The sample was taken in time, but its result became known only after the deadline."""
        if memory.due is None or context.fact.known <= end_of(memory.due):
            return ()
        overdue = self._overdue(memory, context)
        return (overdue, cleared(overdue, context.fact))

    def _tried(self, memory: Memory, fact: Fact) -> Memory:
        """Remember a sample in the period that can't answer: the one that was known first."""
        asked = self.milestone is not None and self.milestone.unusable is not None
        known_before = memory.unusable is not None and memory.unusable.known <= fact.known
        return memory._replace(unusable=fact) if asked and not known_before else memory

    def _made_up_for(
        self, memory: Memory, missed: Finding, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        """The period has passed; a usable fact clears what was missing in it."""
        arm, _ = self._judge(context)
        if isinstance(arm, Unknown):
            return memory, doubts(self.name, arm, context)
        if context.fact.provisional:
            return memory, ()
        return memory._replace(missed=None), (cleared(missed, context.fact),)

    def _follow(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """A suspicion stands: does this fact confirm, refute or renew it?"""
        context = following(context, memory)
        first = memory.first
        assert first is not None  # noqa: S101
        confirm = self.confirm
        elapsed = context.fact.day - latest(first.when)  # at least, where only a month is known
        if confirm is not None and confirm.within is not None and elapsed > confirm.within:
            lapsed = Memory(judged=memory.judged)
            return self._open(lapsed, context)
        if context.fact.provisional:
            return memory, ()
        if confirm is not None:
            qualifies = self._qualifies(confirm, context)
            if qualifies is True:
                return self._count(memory, confirm, elapsed, context)
            if isinstance(qualifies, Unknown):
                return memory, doubts(self.name, qualifies, context)
        return self._at_once(memory, context) or self._waver(memory, elapsed, context)

    def _at_once(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]] | None:
        """Confirmed without a second fact; of a milestone only its own sample is so judged."""
        arm = None if self.milestone is not None else first_true(self.confirmed, context)
        if isinstance(arm, Arm):
            return self._confirm_with(memory, arm, arm.when.prove(context), context)
        return None

    def _waver(
        self, memory: Memory, elapsed: int, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        """Not confirmed: refuted, silently over, renamed, or still suspected."""
        if self._refutes_by_default:
            return self._refuted(memory, None, None, context)
        for refutation in self.refute:
            if refutation.confirmed_tag is None and elapsed >= refutation.after:
                truth = refutation.when.evaluate(context)
                if truth is True:
                    proof = refutation.when.prove(context)
                    if refutation.info is not None:
                        return self._settled(memory, refutation.info, proof, context)
                    refuted = self._refuted(memory, refutation.tag, proof, context)
                    return self._once_more(*refuted, context) if refutation.anew else refuted
        if self.reset is not None and self.reset.holds(context):
            return Memory(judged=memory.judged), ()
        if not self.renames:
            return memory, ()
        suspicion = None if self.milestone is not None else first_true(self.suspect, context)
        if isinstance(suspicion, Arm) and suspicion.tag != memory.tag:
            return self._suspect_with(memory, suspicion, context)
        return memory, ()

    def _once_more(
        self, memory: Memory, notes: tuple[Note, ...], context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        """The fact that refuted may open the next suspicion."""
        after, more = self._open(memory, context)
        return after, notes + more

    def _qualifies(self, confirm: Confirmation, context: Context) -> Truth:
        if confirm.when is not None:
            truth: Truth = confirm.when.evaluate(context)
            return truth
        arm = first_true(self.suspect, context)
        return arm if isinstance(arm, Unknown) else arm is not None

    def _count(
        self, memory: Memory, confirm: Confirmation, elapsed: int, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        """The fact qualifies: is it far enough from the first, and the run unbroken?"""
        fact, first = context.fact, memory.first
        assert first is not None  # noqa: S101
        run = memory.run
        if confirm.gap is not None:
            if fact.day - run[-1].day > confirm.gap:
                # Nothing proves that it lasted in between: the run starts anew.
                return self._begun(memory, memory.tag, self._grounds(context), context), ()
            run = (*run, fact)
        enough = elapsed > confirm.after if confirm.strictly else elapsed >= confirm.after
        if not enough or fact.at <= first.at or not self._late_enough(confirm, context):
            waiting = memory if run is memory.run else memory._replace(run=run)
            return self._at_once(waiting, context) or (waiting, ())
        proof = self._proof_of_confirmation(confirm, context)
        chain = _shortest_chain(run, confirm.gap)[:-1]
        renamed = confirm.tag is not None or self._extra_tag(context) is not None
        cited = cite(
            memory.grounds if renamed else memory.cited,
            tuple((link, Role.SUPPORT) for link in chain),
            ((fact, Role.CONFIRMATION),),
            proof.cited,
        )
        tagged = Arm(proof_term(proof), confirm.tag or memory.tag)
        return self._confirm_with(
            memory, tagged, Proof(proof.text, proof.result, cited, proof.because), context
        )

    def _late_enough(self, confirm: Confirmation, context: Context) -> bool:
        if confirm.not_before is None:
            return True
        day = confirm.not_before.evaluate(context)
        return day is not None and context.fact.day >= day

    def _proof_of_confirmation(self, confirm: Confirmation, context: Context) -> Proof:
        if confirm.when is not None:
            return confirm.when.prove(context)
        arm = first_true(self.suspect, context)
        assert isinstance(arm, Arm)  # noqa: S101
        return arm.when.prove(context)

    def _hold(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """Confirmed: silent, unless it is refuted or reset."""
        for refutation in self.refute:
            answers = refutation.confirmed_tag is not None and refutation.confirmed_tag in (
                memory.tag,
                "any",
            )
            if answers and refutation.when.holds(context):
                proof = refutation.when.prove(context)
                return self._refuted(memory, refutation.tag, proof, context)
        if self.reset is not None and self.reset.holds(context):
            return Memory(judged=memory.judged), ()
        return memory, ()

    # -- what is said

    def _suspect_with(
        self, memory: Memory, arm: Arm, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        proof = arm.when.prove(context)
        cited = cite(self._setting(context), ((context.fact, Role.TRIGGER),), proof.cited)
        cited = cite(cited, self._settlement(memory, cited, context))
        opens = memory.phase is Phase.SILENT
        fact = context.fact
        standing = self._begun(memory, arm.tag, cited, context)
        return standing, (
            Finding(
                self.name,
                State.SUSPECTED,
                opens=opens,
                day=fact.day,
                tag=arm.tag,
                grade=arm.grade,
                severity=self._severity(arm, context),
                onset=fact,
                trigger=fact,
                cited=cited,
                proof=proof,
                value=worth(arm.value or self.value, context),
            ),
        )

    def _begun(
        self, memory: Memory, tag: str | None, cited: tuple[Cited, ...], context: Context
    ) -> Memory:
        """A suspicion begins, or begins anew, with this fact."""
        return memory._replace(
            phase=Phase.SUSPECTED,
            first=context.fact,
            tag=tag,
            cited=cited,
            grounds=self._grounds(context),
            run=(context.fact,),
            seat=_seat(context),
        )

    def _settlement(
        self, memory: Memory, cited: tuple[Cited, ...], context: Context
    ) -> tuple[Cited, ...]:
        """What settled a suspicion before, where this one would not be told without it.

        If this evidence holds all of that one's, that one would still stand in the light of it
        alone, and this fact be judged as its answer.
        """
        known = {fact for fact, _ in cited}
        return tuple(
            (settled, Role.SUPPORT)
            for former, settled in memory.formers
            if settled is not context.fact
            and all(fact in known for fact, _ in former.cited)
            and not self._is_free_of(former, context)
        )

    def _is_free_of(self, former: Memory, context: Context) -> bool:
        """Whether this fact would refute a former suspicion and begin anew, did that one stand."""
        there = following(context, former)
        if self.confirm is not None and self._qualifies(self.confirm, there) is True:
            return False
        return any(one.anew and one.when.holds(there) for one in self.refute)

    def _grounds(self, context: Context) -> tuple[Cited, ...]:
        """The least evidence for a suspicion under whatever name, once it is called otherwise."""
        # Of a preliminary result, what would confirm at once only suspects.
        arms = (*self.confirmed, *self.suspect)
        proofs = [arm.when.prove(context) for arm in arms if arm.when.holds(context)]
        least = min((proof.cited for proof in proofs), key=len, default=())
        return cite(self._setting(context), ((context.fact, Role.TRIGGER),), least)

    def _severity(self, arm: Arm, context: Context) -> str | None:
        """That of the arm, unless the patient's state asks for another."""
        graver = first_true(self.graver, context) if self.graver else None
        return graver.severity if isinstance(graver, Arm) else arm.severity

    def _extra_tag(self, context: Context) -> Arm | None:
        """The further name that a confirmed finding gets, if any."""
        extra = first_true(self.tags, context)
        return extra if isinstance(extra, Arm) else None

    def _confirm_with(
        self, memory: Memory, arm: Arm, proof: Proof, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        fact = context.fact
        extra = first_true(self.tags, context)
        named = extra if isinstance(extra, Arm) else None
        tag = (named.tag if named is not None else None) or arm.tag
        by_confirmation = any(role is Role.CONFIRMATION for _, role in proof.cited)
        onset = memory.first if by_confirmation and memory.first is not None else fact
        cited = cite(
            self._setting(context),
            proof.cited,
            ((fact, Role.TRIGGER),),
            named.when.prove(context).cited if named is not None else (),
        )
        opens = memory.phase is Phase.SILENT
        seat = _seat(context) if onset is fact else memory.seat
        standing = memory._replace(
            phase=Phase.CONFIRMED, first=onset, tag=tag, cited=cited, run=(), seat=seat
        )
        return standing, (
            Finding(
                self.name,
                State.CONFIRMED,
                opens=opens,
                day=fact.day,
                tag=tag,
                grade=arm.grade,
                severity=self._severity(named if named and named.severity else arm, context),
                onset=onset,
                trigger=fact,
                cited=cited,
                proof=proof,
                value=worth(arm.value or self.value, context),
                action=self._action(context),
            ),
        )

    def _action(self, context: Context) -> str | None:
        """Which of the source's options the rule names for such a finding."""
        arm = first_true(self.actions, context)
        return arm.tag if isinstance(arm, Arm) else None

    def _inform_with(
        self, memory: Memory, arm: Arm, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        """Say once what is worth knowing; a preliminary report is not."""
        opens = memory.phase is Phase.SILENT
        if context.fact.provisional or not (opens or arm.tag != memory.tag):
            return memory, ()
        fact, proof = context.fact, arm.when.prove(context)
        cited = cite(self._setting(context), ((fact, Role.TRIGGER),), proof.cited)
        standing = self._begun(memory, arm.tag, cited, context)._replace(phase=Phase.INFORMED)
        return standing, (
            Finding(
                self.name,
                State.INFO,
                opens=opens,
                day=fact.day,
                tag=arm.tag,
                grade=arm.grade,
                onset=fact,
                trigger=fact,
                cited=cited,
                proof=proof,
                value=worth(arm.value or self.value, context),
            ),
        )

    def _settled(
        self, memory: Memory, tag: str, proof: Proof, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        """A suspicion turns out to be no more than worth knowing; it keeps its date."""
        fact = context.fact
        cited = cite(memory.grounds, ((fact, Role.CONFIRMATION),), proof.cited)
        standing = memory._replace(phase=Phase.INFORMED, tag=tag, cited=cited, run=())
        return standing, (
            Finding(
                self.name,
                State.INFO,
                opens=False,
                day=fact.day,
                tag=tag,
                onset=memory.first,
                trigger=fact,
                cited=cited,
                proof=proof,
                value=worth(self.value, context),
            ),
        )

    def _refuted(
        self, memory: Memory, tag: str | None, proof: Proof | None, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        finding = Finding(
            self.name,
            State.REFUTED,
            opens=False,
            day=context.fact.day,
            tag=tag,
            onset=memory.first,
            trigger=context.fact,
            cited=cite(
                ((context.fact, Role.TRIGGER),),
                proof.cited if proof else (),
                ((context.clock, Role.CLOCK),) if context.clock is not None else (),
            ),
            proof=proof,
            value=worth(self.value, context),
        )
        if memory.phase is not Phase.SUSPECTED:
            return Memory(judged=memory.judged), (finding,)
        former = memory._replace(formers=(), run=())
        formers = (*memory.formers[:1], (former, context.fact))
        return Memory(judged=memory.judged, formers=formers), (finding,)

    def _setting(self, context: Context) -> tuple[Cited, ...]:
        """The clock, and what the `if` condition rests on."""
        clock = ((context.clock, Role.CLOCK),) if context.clock is not None else ()
        given = self.given.prove(context).cited if self.given is not None else ()
        return clock + tuple((fact, role) for fact, role in given if fact is not context.fact)


def _seat(context: Context) -> tuple[int, ...]:
    """The series of the fact in question."""
    return context.history[context.before].series


def proof_term(proof: Proof) -> Term:
    """A proof that is already made, as a term."""
    return Term("truth", proof.text, lambda _: proof.result, lambda _: proof)


def cleared(overdue: Finding, fact: Fact) -> Finding:
    """The missing evidence arrived."""
    return Finding(
        overdue.criterion,
        State.CLEARED,
        opens=False,
        day=fact.day,
        tag=overdue.tag,
        trigger=fact,
        cited=((fact, Role.TRIGGER),),
        awaited=overdue.day,
    )


def _shortest_chain(run: tuple[Fact, ...], gap: int | None) -> tuple[Fact, ...]:
    """The fewest samples that prove the run: the furthest next one within the gap, each time."""
    if gap is None or not run:
        return ()
    chain = [run[0]]
    while chain[-1] is not run[-1]:
        reachable = [f for f in run if 0 < f.day - chain[-1].day <= gap]
        chain.append(reachable[-1] if reachable else run[-1])
    return tuple(chain)
