"""On which sides of every comparison of a rule its cases have been.

A comparison that no case ever made true, or ever made false, could stand for anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.detector.engine.terms import Term
from services.detector.language.compiler import compile_rule
from services.detector.language.unparse import unparse
from services.detector.rulebook.facts import events_of
from services.detector.rulebook.runner import asked_by, until_of
from services.detector.rulebook.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.detector.engine.terms import Context, Proof
    from services.detector.engine.truth import Truth
    from services.detector.language.ast import Compare, Place
    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case


@dataclass(frozen=True, slots=True)
class OneSided:
    """A comparison that came out only one way, or was never made (`seen` is None)."""

    rule: str
    place: Place
    text: str
    seen: bool | None

    @property
    def told(self) -> str:
        """Which side is missing."""
        return {None: "never asked", True: "never false", False: "never true"}[self.seen]

    def __str__(self) -> str:
        return f"{self.place}: {self.text}: {self.told}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the cases of a rule show of it."""

    rule: str
    cases: int
    fires: bool
    is_silent: bool
    one_sided: tuple[OneSided, ...]

    @property
    def gaps(self) -> list[str]:
        """What they leave open, in words."""
        told = [] if self.fires else ["no case in which it fires"]
        told += [] if self.is_silent else ["no case in which it is silent"]
        return told + [f"not on both sides: {each}" for each in self.one_sided]


def shown(rule: Rule, cases: Sequence[Case]) -> Shown:
    """What the cases of a rule show of it.

    Args:
        rule: the rule.
        cases: its own, which all pass.
    """
    told = {_tells(case) for case in cases}
    return Shown(
        rule.id, len(cases), "fires" in told, "is silent" in told, tuple(one_sided(rule, cases))
    )


def _tells(case: Case) -> str:
    """That the rule speaks, that it keeps silent, or something between."""
    expect = case.expect
    if isinstance(expect, list):
        states = {entry["state"] for entry in expect if isinstance(entry, dict)}
        return "fires" if states & _LOUD else "between" if states else "is silent"
    if "grade" in expect and "state" not in expect:
        return {"0": "is silent", None: "between"}.get(str(expect["grade"]), "fires")
    if "value" in expect and "state" not in expect:
        return "fires" if str(expect["value"]).casefold() == "true" else "is silent"
    if expect["state"] == "none":
        return "is silent"
    return "fires" if expect["state"] in _LOUD else "between"


_LOUD = frozenset({"confirmed", "overdue", "window", "info"})


@dataclass(slots=True)
class _Watch:
    """Notes how every comparison turns out; places tell them apart, whatever their parameters."""

    seen: dict[Place, set[bool]] = field(default_factory=dict)
    texts: dict[Place, str] = field(default_factory=dict)

    def __call__(self, node: Compare, term: Term) -> Term:
        seen = self.seen.setdefault(node.place, set())
        self.texts.setdefault(node.place, unparse(node))

        def evaluate(context: Context) -> Truth:
            truth: Truth = term.evaluate(context)
            if isinstance(truth, bool):
                seen.add(truth)
            return truth

        def prove(context: Context) -> Proof:
            return term.prove(context)

        return Term("truth", term.text, evaluate, prove)


def one_sided(rule: Rule, cases: Iterable[Case]) -> list[OneSided]:
    """The comparisons of a rule that its cases leave on one side, in the order of the text.

    Args:
        rule: the rule.
        cases: those of this rule.
    """
    watch = _Watch()
    if not rule.criteria:
        return []  # a function: its cases are questions, not stories
    compile_rule(rule, watch)
    for case in cases:
        asked = asked_by(case, rule)
        events = [event for _, event in events_of(case, asked)]
        WAYS["straight"](events, (compile_rule(asked, watch),), until_of(case))
    return [
        OneSided(rule.id, place, watch.texts[place], next(iter(seen), None))
        for place, seen in sorted(watch.seen.items(), key=lambda item: item[0].line)
        if len(seen) < 2  # noqa: PLR2004  # both sides
    ]
