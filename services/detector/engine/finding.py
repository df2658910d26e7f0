"""What a criterion says at one place of a lane: a finding, or a doubt."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from schemas.alerts import Role, State
from services.detector.engine.truth import Unknown

KEPT_APART = " / "
"""Stands between a criterion's name and what it was kept apart by (see `comparable`)."""

if TYPE_CHECKING:
    from services.detector.engine.dormancy import Denial
    from services.detector.engine.fact import Fact
    from services.detector.engine.terms import Cited, Context, Proof, Term


@dataclass(slots=True, unsafe_hash=True)
class Finding:
    """A step in the life of an alert, derived from facts alone. Immutable by custom.

    Attributes:
        criterion: name of the criterion.
        opens: whether it begins an episode; else it goes on with one.
        onset: the first qualifying fact; None for evidence that is missing.
        day: clinical day of the step (the day due, for missing evidence).
        trigger: the fact at which it became true; None for a deadline.
        cited: the evidence, each fact with its role.
        due: whether the step is taken by the calendar, at the end of `day`.
        awaited: the day by which was due what has now arrived.
        value: a number that the rule has worked out for its entry.
        action: which of its source's options the rule names for such a finding.
        closer: whether the rule watches more closely here: it counts one severity higher.
    """

    criterion: str
    state: State
    opens: bool
    day: int
    tag: str | None = None
    grade: int | None = None
    severity: str | None = None
    onset: Fact | None = None
    trigger: Fact | None = None
    cited: tuple[Cited, ...] = ()
    proof: Proof | None = None
    due: bool = False
    awaited: int | None = None
    value: Decimal | None = None
    action: str | None = None
    closer: bool = False
    _identity: str = field(default="", init=False, compare=False, repr=False)
    _evidence: str = field(default="", init=False, compare=False, repr=False)

    @property
    def declared(self) -> str:
        """The criterion as its rule names it, without what it was kept apart by."""
        return self.criterion.partition(KEPT_APART)[0]

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same step when the facts are evaluated again."""
        onset = None if self.onset is None else (self.onset.key, self.onset.day)
        due = self.day if self.due else self.awaited
        return (self.criterion, self.state, self.tag, self.grade, onset, due)

    @property
    def identity(self) -> str:
        """`key` as text, made once: a journal asks for it at every comparison."""
        if not self._identity:
            criterion, state, *rest = self.key
            self._identity = repr((criterion, str(state), *rest))
        return self._identity

    @property
    def evidence(self) -> str:
        """Which versions of which facts are cited in which roles, as text that is made once."""
        if not self._evidence:
            facts = sorted([(*fact.key, fact.issued, str(role)) for fact, role in self.cited])
            self._evidence = repr(facts)
        return self._evidence


@dataclass(frozen=True, slots=True)
class Doubt:
    """A condition that could not be evaluated at a fact, and why."""

    criterion: str
    day: int
    fact: Fact
    reason: str


Note = Finding | Doubt


@dataclass(frozen=True, slots=True)
class Arm:
    """One way in which a criterion can hold, and what it is then called."""

    when: Term
    tag: str | None = None
    grade: int | None = None
    severity: str | None = None
    value: Term | None = None


def first_true(arms: tuple[Arm, ...], context: Context) -> Arm | Unknown | None:
    """The first arm that holds; unknown if none does but one might."""
    doubt: Unknown | None = None
    for arm in arms:
        truth = arm.when.evaluate(context)
        if truth is True:
            return arm
        if truth is not False and doubt is None:
            doubt = truth
    return doubt


def worth(value: Term | None, context: Context) -> Decimal | None:
    """The number that an entry carries, if the rule asks for one and it can be worked out."""
    found = None if value is None else value.evaluate(context)
    return found if isinstance(found, Decimal) else None


def cite(*groups: tuple[Cited, ...]) -> tuple[Cited, ...]:
    """Join evidence; a fact is named once, in the first role it was given."""
    roles: dict[Fact, Role] = {}
    for group in groups:
        for fact, role in group:
            roles.setdefault(fact, role)
    return tuple(roles.items())


def doubts(criterion: str, truth: object, context: Context) -> tuple[Note, ...]:
    """A note of what could not be evaluated at the fact in question; nothing if it could."""
    if isinstance(truth, Unknown):
        return (Doubt(criterion, context.fact.day, context.fact, truth.reason),)
    return ()


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


class Machine(Protocol):
    """A criterion at work: a fold over the facts of a lane with an immutable memory."""

    @property
    def name(self) -> str:
        """The criterion's name."""
        ...

    @property
    def listens(self) -> frozenset[int]:
        """The series whose facts it is given."""
        ...

    @property
    def timed(self) -> bool:
        """Whether it ever has a deadline."""
        ...

    @property
    def reach_days(self) -> int:
        """How far back it looks for itself."""
        ...

    @property
    def initial(self) -> Any:
        """The memory before the first fact."""
        ...

    @property
    def rests(self) -> bool:
        """Whether only a fact that it is shown can make it say something, or wait for it."""
        ...

    def denial(self, series: tuple[int, ...], *, dated: bool = False) -> Denial | None:
        """What tells at a glance that a fact of these series leaves it as it began.

        Args:
            series: of the rule, to which the facts belong.
            dated: whether the days of all facts are known.
        """
        ...

    def start(self, memory: Any, context: Context) -> Any:
        """The clock was set, or has moved: `context.fact` is the clock's fact."""
        ...

    def step(self, memory: Any, context: Context) -> tuple[Any, tuple[Note, ...]]:
        """One more fact."""
        ...

    def deadline(self, memory: Any) -> int | None:
        """The day at whose end something will be overdue."""
        ...

    def expire(self, memory: Any, context: Context | None) -> tuple[Any, tuple[Note, ...]]:
        """That day has ended."""
        ...


class Untimed:
    """A machine on which the calendar has no claim: a new clock begins it afresh, that is all."""

    timed = False
    rests = True
    initial: Any

    def start(self, memory: Any, context: Context) -> Any:
        """Begin afresh from the new clock."""
        del memory, context
        return self.initial

    def deadline(self, memory: Any) -> int | None:
        """Never."""
        del memory
        return None

    def expire(self, memory: Any, context: Context | None) -> tuple[Any, tuple[Note, ...]]:
        """Never called: there is no deadline."""
        del context
        return memory, ()
