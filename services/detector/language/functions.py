"""The functions of the rule language: what each takes and gives, in one table.

The parser, the checker and the reference in `docs/rule-language.md` all go by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Takes = Literal["series", "fact", "observation", "value", "number", "duration"]
"""What an argument is: facts of a series before the one in question, one fact, an observation
with its reference limits, a value in the observation's unit, a pure whole number, or a duration in
days."""

Gives = Literal["fact", "value", "truth", "number", "time", "limit"]
"""What comes back. `value`: a number in the unit of the series; `limit`: of the observation."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes:
        name: as written in a rule.
        takes: its arguments, in order.
        gives: the kind of its result.
        optional: how many arguments at the end may be left out.
        only_numeric: whether a series of coded facts without a number makes no sense.
        bounded: whether it needs a `within`: it looks at all facts of the period.
    """

    name: str
    takes: tuple[Takes, ...]
    gives: Gives
    optional: int = 0
    only_numeric: bool = False
    bounded: bool = False

    @property
    def needs(self) -> int:
        """The least number of arguments."""
        return len(self.takes) - self.optional

    @property
    def usage(self) -> str:
        """`rises(series, number)`; what may be left out in brackets."""
        shown = list(self.takes[: self.needs]) + [f"[{t}]" for t in self.takes[self.needs :]]
        return f"{self.name}({', '.join(shown)})"


FUNCTIONS: Final[dict[str, Function]] = {
    f.name: f
    for f in (
        Function("nadir", ("series",), "value", only_numeric=True),
        Function("peak", ("series",), "value", only_numeric=True),
        Function("confirmed_nadir", ("series",), "value", only_numeric=True),
        Function("median", ("series",), "value", only_numeric=True, bounded=True),
        Function("first", ("series",), "fact"),
        Function("last", ("series",), "fact"),
        Function("previous", ("series",), "fact"),
        Function("baseline", ("series",), "fact"),
        Function("count", ("series",), "number"),
        Function("exists", ("series",), "truth"),
        Function("rises", ("series", "number"), "truth", only_numeric=True),
        Function("plateau", ("series", "number", "value"), "truth", only_numeric=True),
        Function(
            "doubling_time",
            ("series", "number", "duration", "duration"),
            "number",
            only_numeric=True,
            bounded=True,
        ),
        Function(
            "halving_time",
            ("series", "number", "duration", "duration"),
            "number",
            only_numeric=True,
            bounded=True,
        ),
        Function("lesions", ("fact",), "number"),
        Function("lesions_beyond", ("fact",), "number"),
        Function("lesions_shared", ("fact",), "number"),
        Function("below_limit", ("observation", "value"), "truth"),
        Function("uln", ("observation", "value"), "limit", optional=1),
        Function("date", ("fact",), "time"),
        Function("days_since", ("fact",), "number"),
    )
}

SERIES_FUNCTIONS: Final = frozenset(n for n, f in FUNCTIONS.items() if f.takes[0] == "series")
"""Functions whose first argument is a series even when it is a bare name: `exists(psa)`."""
