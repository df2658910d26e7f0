"""How a later fact confirms a suspicion: what it must fulfil, and how far it must lie away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.detector.engine.finding import Arm, first_true
from services.detector.engine.truth import Truth, Unknown

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact
    from services.detector.engine.terms import Context, Proof, Term


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

    def qualifies(self, suspect: tuple[Arm, ...], context: Context) -> Truth:
        """Whether a fact is of the kind that confirms: by default, one that would suspect."""
        if self.when is not None:
            truth: Truth = self.when.evaluate(context)
            return truth
        arm = first_true(suspect, context)
        return arm if isinstance(arm, Unknown) else arm is not None

    def proof(self, suspect: tuple[Arm, ...], context: Context) -> Proof:
        """Why a fact qualifies, once it does."""
        if self.when is not None:
            return self.when.prove(context)
        arm = first_true(suspect, context)
        assert isinstance(arm, Arm)  # noqa: S101
        return arm.when.prove(context)

    def far_enough(self, elapsed: int, first: Fact, context: Context) -> bool:
        """Whether a fact lies so many days after the first, and not too early by the calendar."""
        enough = elapsed > self.after if self.strictly else elapsed >= self.after
        return enough and context.fact.at > first.at and self._late_enough(context)

    def _late_enough(self, context: Context) -> bool:
        if self.not_before is None:
            return True
        day = self.not_before.evaluate(context)
        return day is not None and context.fact.day >= day

    def lapsed(self, elapsed: int) -> bool:
        """Whether a suspicion is too old to be confirmed."""
        return self.within is not None and elapsed > self.within

    def breaks(self, run: tuple[Fact, ...], fact: Fact) -> bool:
        """Whether a fact is too far from the last of the run to prove that it lasted."""
        return self.gap is not None and fact.day - run[-1].day > self.gap

    def links(self, run: tuple[Fact, ...]) -> tuple[Fact, ...]:
        """The fewest samples that prove a run: the furthest next one within the gap, each time."""
        if self.gap is None or not run:
            return ()
        chain = [run[0]]
        while chain[-1] is not run[-1]:
            reachable = [f for f in run if 0 < f.day - chain[-1].day <= self.gap]
            chain.append(reachable[-1] if reachable else run[-1])
        return tuple(chain)
