"""The functions of the rule language: what each takes and gives, in one table.

The parser, the checker and the reference in `docs/rule-language.md` all go by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Takes = Literal[
    "series",
    "fact",
    "moment",
    "observation",
    "value",
    "level",
    "number",
    "duration",
    "condition",
    "worked",
    "scale",
    "result",
    "event",
]
"""What an argument is: facts of a series before the one in question, one fact, one fact or the
clock where the hour counts, an observation with its reference limits, a value in the observation's
unit as it is written, the same worked out in any way, a pure whole number, a duration in days, a
condition, a number that is worked out at each fact of the series, a word for a grading table, an
observation that a series' lowest or highest may stand for, or an adverse event."""

Gives = Literal[
    "fact", "value", "truth", "number", "time", "limit", "word", "hours", "worked", "clearance"
]
"""What comes back. `value`: a number in the unit of the series; `limit`: of the observation;
`worked`: what was worked out at its facts; `clearance`: in mL/min."""


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
        remembered: whether it remembers all that was, and so takes no `within`.
        conditioned: whether it needs a `where`: what its facts have in common.
        of_suspicion: whether it speaks of the suspicion that stands, which has no period.
        of_treatment: whether only steps of treatment have what it asks for.
    """

    name: str
    takes: tuple[Takes, ...]
    gives: Gives
    optional: int = 0
    only_numeric: bool = False
    bounded: bool = False
    remembered: bool = False
    conditioned: bool = False
    of_suspicion: bool = False
    of_treatment: bool = False

    @property
    def scale_first(self) -> bool:
        """Whether it asks a grading table."""
        return "scale" in self.takes

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
        Function("nadir_with_baseline", ("series",), "value", only_numeric=True, remembered=True),
        Function("median", ("series",), "value", only_numeric=True, bounded=True),
        Function("first", ("series",), "fact"),
        Function("last", ("series",), "fact"),
        Function("previous", ("series", "number"), "fact", optional=1),
        Function("baseline", ("series", "duration"), "fact", optional=1),
        Function("run", ("series",), "fact", conditioned=True),
        Function("runs", ("series",), "number", bounded=True, conditioned=True),
        Function("suspected", ("series",), "fact", of_suspicion=True),
        Function("count", ("series",), "number"),
        Function("exists", ("series",), "truth"),
        Function(
            "rises",
            ("series", "number", "value", "duration"),
            "truth",
            optional=2,
            only_numeric=True,
        ),
        Function("steady", ("series", "number", "value"), "truth", only_numeric=True),
        Function(
            "plateau",
            ("series", "number", "value", "duration"),
            "truth",
            optional=1,
            only_numeric=True,
        ),
        Function("time_to_reach", ("observation", "observation", "level"), "number"),
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
        Function("lesions_shared", ("fact", "fact"), "number", optional=1),
        Function("below_limit", ("observation", "value"), "truth"),
        Function("uln", ("observation", "value"), "limit", optional=1),
        Function("lln", ("observation", "value"), "limit", optional=1),
        Function("log_rise", ("result",), "number"),
        Function("log_drop", ("result",), "number"),
        Function("quantified", ("observation",), "truth"),
        Function("unquantified", ("observation",), "truth"),
        Function("differs", ("observation", "observation"), "truth"),
        Function("of_regimen", ("observation",), "truth"),
        Function("attributed", ("event",), "truth"),
        Function("suspects_other", ("event",), "truth"),
        Function("of_same_cycle", ("series",), "fact", bounded=True, of_treatment=True),
        Function(
            "levels_down",
            ("series",),
            "number",
            remembered=True,
            conditioned=True,
            of_treatment=True,
        ),
        Function(
            "dose_intensity",
            ("series", "series", "number"),
            "number",
            optional=1,
            remembered=True,
            of_treatment=True,
        ),
        Function("performance", ("observation",), "number"),
        Function("possibly", ("condition",), "truth"),
        Function("surely", ("condition",), "truth"),
        Function("settled", ("series", "duration"), "truth", remembered=True, conditioned=True),
        Function("first_alike", ("series",), "fact", bounded=True),
        Function("days_while", ("series",), "number", remembered=True, conditioned=True),
        Function("finding", ("observation",), "word"),
        Function("organism", ("observation",), "word"),
        Function("genus", ("observation",), "word"),
        Function("hours_since", ("moment",), "hours"),
        Function("hours_held", ("series",), "hours", bounded=True, conditioned=True),
        Function("mean", ("series", "worked"), "worked", bounded=True),
        Function("at_baseline", ("series", "worked"), "worked", remembered=True),
        Function("fridericia", ("observation",) * 3, "value", optional=1),
        Function("cockcroft_gault", ("observation", "observation"), "clearance"),
        Function("magnitude", ("observation",), "value"),
        Function("grade", ("observation", "scale", "number", "duration"), "number"),
        Function("new_grade", ("observation", "scale", "number", "duration"), "number"),
        Function("date", ("fact",), "time"),
        Function("date_known", ("fact",), "time"),
        Function("days_since", ("fact",), "number"),
    )
}

EXTREMES: Final = frozenset({"nadir", "peak", "confirmed_nadir"})
"""Functions whose value is that of one fact, which can be asked for more than its value."""

SERIES_FUNCTIONS: Final = frozenset(n for n, f in FUNCTIONS.items() if f.takes[0] == "series")
"""Functions whose first argument is a series even when it is a bare name: `exists(psa)`."""
