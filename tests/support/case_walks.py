"""Long lives of a case, by a seeded die: Hypothesis keeps its own stories short and simple."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from schemas.actions import Disposition
from schemas.alerts import Severity, State
from support.case_stories import NAMES, STORIES, Alarm, Event, Kin
from support.cases import ANNE, BEN, DAY, DESK, HOUR, LEA

if TYPE_CHECKING:
    from support.case_stories import Deed

PARTIES: Final = (ANNE, BEN, LEA, DESK)
PEOPLE: Final = (ANNE.id, BEN.id, LEA.id)
UP: Final = (State.SUSPECTED, State.CONFIRMED, State.CONFIRMED, State.WINDOW, State.INFO)
DOWN: Final = (State.RETRACTED, State.REFUTED)
LEFT: Final = (None, -HOUR, 6 * HOUR, 2 * DAY, 5 * DAY, 12 * DAY, 12 * DAY + HOUR, 40 * DAY)
PAUSES: Final = (*(timedelta(0),) * 4, HOUR / 4, HOUR, 9 * HOUR, DAY, 4 * DAY, 15 * DAY)


def walk(seed: int) -> list[tuple[timedelta, Deed]]:
    """A life of a few dozen deeds; the same of the same seed."""
    die = Random(seed)  # noqa: S311 - it makes stories, not secrets
    deeds: list[Deed] = [_alarm(die, UP)]
    for _ in range(die.randrange(4, 30)):
        deeds += _scene(die)
    return [(die.choice(PAUSES), deed) for deed in deeds]


def _scene(die: Random) -> list[Deed]:
    """One thing that happens, or two that belong together."""
    by, to = die.choice(PEOPLE), die.choice(PARTIES)
    match die.randrange(15):
        case 0 | 1 | 2:
            return [_alarm(die, UP)]
        case 3:
            return [_alarm(die, DOWN)]
        case 4:
            code = die.choice(list(Disposition))
            back: list[Deed] = [("reopen", by, None)] if code is Disposition.WRONG_PATIENT else []
            return [("dispose", by, code), *back] * die.randrange(2)
        case 5:
            return [Event(die.choice(["line", "no-line", "death", "no-death"]))] * die.randrange(2)
        case 6 | 7:
            heard = to.id if to.is_person else by
            answer = die.choice(["accept", "decline", "start"])
            pause: Deed = die.choice([("start", by, None), ("wake", by, None), ("snooze", by, 2)])
            return [pause, ("offer", by, to), (answer, heard, None)]
        case 12 | 13 | 14:
            rule, one = die.choice(["RULE-a1", "RULE-k"]), die.choice([None, by])
            kin: Deed = Kin(rule, die.choice(list(Severity)), die.choice(LEFT), one)
            return [die.choice([Event("merge"), Event("no-merge"), kin, kin, Event("leave")])]
        case 8:
            return [("digest", to, None), ("assign", by, to)]
        case _:
            snooze: Deed = ("snooze", by, die.choice([1, 3, 9]))
            return [die.choice([("acknowledge", by, None), ("start", by, None), snooze, snooze])]


def _alarm(die: Random, states: tuple[State, ...]) -> Alarm:
    severity = die.choice(list(Severity))
    return Alarm(
        die.choice(NAMES), die.choice(states), severity, die.choice(LEFT), die.choice([1, 2])
    )


LIVES = st.one_of(STORIES, st.integers(0, 2**40).map(walk), st.integers(0, 2**40).map(walk))
"""Any life: short ones that shrink well, and long ones that get far."""
