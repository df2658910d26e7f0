"""What a criterion of suspicion and confirmation asks: its conditions, in the engine's terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.detector.engine.episode import BLANK, Episode
from services.detector.engine.finding import Arm, first_true

if TYPE_CHECKING:
    from services.detector.engine.confirmation import Confirmation
    from services.detector.engine.milestone import Milestone
    from services.detector.engine.terms import Context, Term
    from services.detector.engine.truth import Truth


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

    def answers(self, tag: str | None) -> bool:
        """Whether it speaks of a finding that was confirmed under this tag."""
        return self.confirmed_tag is not None and self.confirmed_tag in (tag, "any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """The fields are those of `language.spec.Pattern`.

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
    initial: Episode = BLANK

    @property
    def timed(self) -> bool:
        """Whether a milestone's absence is reported."""
        return self.milestone is not None and self.milestone.missing is not None

    @property
    def crosses_lines(self) -> bool:
        """Whether a suspicion may be confirmed after the next line has begun."""
        return self.confirm is not None and self.confirm.across_lines

    @property
    def refutes_by_default(self) -> bool:
        """Whether any fact that doesn't confirm refutes."""
        return self.refute_by_default and self.confirm is not None and not self.refute

    def qualifies(self, context: Context) -> Truth:
        """Whether a fact is of the kind that confirms a suspicion."""
        return self.confirm is not None and self.confirm.qualifies(self.suspect, context)

    def further_name(self, context: Context) -> Arm | None:
        """The further name that a confirmed finding gets, if any."""
        return _one(self.tags, context)

    def named_action(self, context: Context) -> str | None:
        """Which of the source's options the rule names for such a finding."""
        arm = _one(self.actions, context)
        return None if arm is None else arm.tag

    def severity(self, arm: Arm, context: Context) -> str | None:
        """That of the arm, unless the patient's state asks for another."""
        graver = _one(self.graver, context)
        return arm.severity if graver is None else graver.severity


def _one(arms: tuple[Arm, ...], context: Context) -> Arm | None:
    """The first that holds for sure."""
    arm = first_true(arms, context) if arms else None
    return arm if isinstance(arm, Arm) else None
