"""What is said of one criterion when a patient is explained: the values, without the looking."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision, State
    from services.detector.engine.conditions import Condition
    from services.detector.engine.fact import Fact
    from services.detector.engine.margin import Limit

HORIZON = 3 * 366
"""Days that are looked ahead."""


class Status(Enum):
    """Whether something was said; the first of several criteria counts for the rule."""

    FIRED = "fired"
    UNDECIDED = "undecided"
    NOT_FIRED = "not fired"


@dataclass(frozen=True, slots=True)
class Look:
    """How far off the last fact of a kind is.

    Attributes:
        last: that fact.
        conditions: as they would be, were it to come once more on the earliest day.
        limits: at which values such a result would do it, by itself.
    """

    last: Fact
    conditions: tuple[Condition, ...]
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Prospect:
    """What one more fact could make of a criterion.

    Attributes:
        state, tag: what would be said.
        series: names of the series of which the fact must be one.
        earliest: the first day (ordinal) of a fact that could do it; None: not within `HORIZON`,
            counted from the clock as it stands, or `unclocked`: nobody can tell without a clock.
        because: what makes an earlier one too early, or any one too late.
        looks: at each kind of fact that has come so far; none if it `follows`, or nothing can.
        follows: whether another finding has to come first.
    """

    state: State
    tag: str | None
    series: tuple[str, ...]
    earliest: int | None
    because: tuple[str, ...]
    looks: tuple[Look, ...]
    unclocked: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """What the calendar alone will say at the end of a day (ordinal), unless facts come."""

    day: int
    state: State
    tag: str | None
    series: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CriterionView:
    """A criterion as of a moment. `missing` says what keeps it from being decided, and why."""

    name: str
    status: Status
    alert: AlertRevision | None
    over: str | None
    prospects: tuple[Prospect, ...]
    due: Due | None
    missing: tuple[str, ...]
    serves: str | None = None
