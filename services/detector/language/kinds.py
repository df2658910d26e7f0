"""Kinds of values in an expression: enough to tell a PSA from a dose and a day from a duration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Sort = Literal[
    "truth",  # a condition
    "time",  # a day: clock, date
    "duration",  # 7 d
    "days",  # a count of whole days: day, days_since(f)
    "hours",  # a count of hours: hours_since(f)
    "number",  # with units and analytes, or pure
    "limit",  # 3 uln: a multiple of the limit that came with the other side
    "word",  # a code
    "words",  # several codes
    "fact",  # something that was reported
    "code",  # a bare word that names nothing of the rule: a code, or a mistake
    "any",  # after a mistake, so that one mistake is told once
]

SHOWN: Final[dict[Sort, str]] = {
    "truth": "a condition",
    "time": "a time",
    "duration": "a duration",
    "days": "a number of days",
    "hours": "a number of hours",
    "number": "a number",
    "limit": "a multiple of a reference limit",
    "word": "a word",
    "words": "a list of words",
    "fact": "a fact",
    "code": "a word",
    "any": "anything",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of a value.

    Attributes:
        sort: see above.
        units: of a number: the units in which it is written. Empty with no `analytes`: pure.
        analytes: of a number: it is a value of these.
        value: of a fact: the kind of its value; None if it has none (a treatment).
        source: of a fact: the kind of its series (`observation`, `imaging`, …), if all agree.
    """

    sort: Sort
    units: tuple[str, ...] = ()
    analytes: tuple[str, ...] = ()
    value: Kind | None = None
    source: str | None = None

    @property
    def pure(self) -> bool:
        """A number without any unit."""
        return self.sort == "number" and not self.units and not self.analytes

    @property
    def worth(self) -> Kind:
        """What stands in a comparison: of a fact its value, else itself."""
        return self.value if self.sort == "fact" and self.value is not None else self

    def __str__(self) -> str:
        if self.analytes:
            return f"a value of {', '.join(self.analytes)}"
        if self.units:
            return f"a number in {' or '.join(self.units)}"
        return SHOWN[self.sort]


TRUTH: Final = Kind("truth")
TIME: Final = Kind("time")
DURATION: Final = Kind("duration")
DAYS: Final = Kind("days")
HOURS: Final = Kind("hours")
NUMBER: Final = Kind("number")
LIMIT: Final = Kind("limit")
WORD: Final = Kind("word")
WORDS: Final = Kind("words")
CODE: Final = Kind("code")
ANY: Final = Kind("any")
