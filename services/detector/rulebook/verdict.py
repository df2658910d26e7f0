"""What a case expects, beside what the engine said.

A list is the complete journal of the rule, in order; a mapping is the final state only.
Only what is written is compared; `null` means that there must be nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from schemas.alerts import AlertRevision, State
from schemas.base import as_utc
from services.detector.language.errors import RuleError, unknown

if TYPE_CHECKING:
    from schemas.partial import PartialDate
    from services.detector.adapters.replay import GradedEvent, ReplayResult
    from services.detector.language.ast import Place
    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Plain

Lines = tuple[str, ...]
Said = Mapping[str, str | None]
"""What was said, in the words of a case."""

ENTRY_KEYS = ("at", "state", "onset", "tag", "grade", "value", "action", "severity")
FINAL_KEYS = ("state", "at", "clear", "retract", *ENTRY_KEYS[3:])
GRADE_KEYS = ("grade", "term")
_ONLY_IF_ASKED = frozenset({"severity"})  # every entry has one, and few cases are about it

_FINAL_STATES: Mapping[State, str] = {
    State.OVERDUE: "confirmed",  # the catalogue's "fired" covers both
    State.REFUTED: "cleared",
}
_ALL_CLEAR = "cured"
_TOLD = frozenset({State.CONFIRMED, State.OVERDUE, State.WINDOW})
_RAISED = frozenset({State.CONFIRMED, State.OVERDUE})
_ENDED = frozenset({State.REFUTED, State.CLEARED})
_TO_THE_MINUTE = len("2023-02-01T08:00")


def compare(
    expect: list[Plain] | dict[str, Plain], rule: Rule, result: ReplayResult, place: Place
) -> tuple[Lines, Lines] | None:
    """None when the verdict is as expected; else both, as lines to be read side by side.

    Raises:
        RuleError: the expectation uses a key or a state that doesn't exist.
    """
    journal = [r for r in result.revisions if r.rule == rule.id]
    if isinstance(expect, list):
        return _differing(
            [_checked(entry, ENTRY_KEYS, place) for entry in expect],
            [_entry(r) for r in journal if r.change != "revised"],
        )
    if rule.kind == "function":
        wanted = _checked(expect, GRADE_KEYS, place)
        grades = [g for g in result.grades if g.rule == rule.id]
        return _differing([wanted], [_graded(grades, wanted.get("term"))])
    wanted = _checked(expect, FINAL_KEYS, place)
    doubts = [u.at for u in result.unknowns if u.rule == rule.id]
    if wanted.get("clear") is not None:
        journal = _without_reopening(journal)
    return _differing([wanted], [_final(journal, doubts, _figure(rule, result))])


def compare_answer(
    expect: list[Plain] | dict[str, Plain], got: Said, place: Place
) -> tuple[Lines, Lines] | None:
    """The same for a case that asks no rule: the fields of an answer."""
    if isinstance(expect, list):
        raise RuleError(place, "a journal is expected of what is no rule", "a mapping")
    return _differing([_checked(expect, tuple(got), place)], [got])


def _checked(expect: Plain, keys: tuple[str, ...], place: Place) -> Said:
    if not isinstance(expect, dict):
        raise RuleError(place, "an expectation that is no mapping", "a mapping")
    said: dict[str, str | None] = {}
    for key, value in expect.items():
        if key not in keys:
            raise RuleError(place, *unknown("key of `expect`", key, keys))
        if isinstance(value, list | dict):
            raise RuleError(place, f"expect: `{key}` is not a single value")
        said[key] = value
    _check_state(said, keys, place)
    return said


def _check_state(said: Said, keys: tuple[str, ...], place: Place) -> None:
    if "state" not in keys:
        return
    known = {*map(str, State)} | (set() if keys is ENTRY_KEYS else {"none", "not_evaluable"})
    state = said.get("state")
    if state not in known:
        raise RuleError(place, *unknown("state", state or "", known))


# ---------------------------------------------------------------- what the engine said


def _entry(revision: AlertRevision) -> Said:
    return {
        "at": _time(revision.at),
        "state": str(revision.state),
        "onset": _time(revision.onset),
        "tag": revision.tag,
        "grade": _text(revision.grade),
        "value": _text(revision.value),
        "action": revision.action,
        "severity": _text(revision.severity),
    }


def _final(journal: list[AlertRevision], doubts: list[datetime], figure: str | None) -> Said:
    """Where the alert stands: the last revision, unless a doubt came after it.

    `figure` is the number that the rule worked out last, told also where there is no alert.
    """
    if not journal:
        nothing: dict[str, str | None] = dict.fromkeys(FINAL_KEYS)
        return nothing | {"state": "not_evaluable" if doubts else "none", "value": figure}
    last = journal[-1]
    return {
        "state": "not_evaluable" if any(d > last.at for d in doubts) else _state_of(journal),
        "at": _raised(journal),
        "clear": _last(journal, _ENDED),
        "retract": _last(journal, frozenset({State.RETRACTED})),
        "tag": last.tag,
        "grade": _text(last.grade),
        "value": _text(last.value),
        "action": last.action,
        "severity": _text(last.severity),
    }


def _state_of(journal: list[AlertRevision]) -> str:
    """In the words of a case, in which the all-clear of a test that was awaited is `cleared`.

    Withdrawn is what had gone out as an alert; a suspicion alone leaves nothing behind.
    """
    last = journal[-1]
    if last.state is State.RETRACTED and not any(r.state in _TOLD for r in journal):
        return "none"
    if last.state is State.INFO and last.tag == _ALL_CLEAR:
        return str(State.CLEARED)
    return _FINAL_STATES.get(last.state, str(last.state))


def _raised(journal: list[AlertRevision]) -> str | None:
    """When what was raised last was first raised: a higher level is no new date (catalogue, P9)."""
    told = [r for r in journal if r.change != "revised"]
    while told and told[-1].state not in _RAISED:
        told.pop()
    if not told:
        return None
    same = [r for r in told if r.episode == told[-1].episode]
    began = len(same)
    while began and same[began - 1].state is not State.RETRACTED:
        began -= 1
    return _time(next(r.at for r in same[began:] if r.state in _RAISED))


def _figure(rule: Rule, result: ReplayResult) -> str | None:
    """The number that the rule worked out last."""
    worked_out = [one.value for one in result.figures if one.rule == rule.id]
    return _text(worked_out[-1]) if worked_out else None


def _without_reopening(journal: list[AlertRevision]) -> list[AlertRevision]:
    """The journal of an alert that was ended, without the suspicion that its end left over.

    A case that says when an alert was cleared asks about that alert. Where a result that arrives
    late ends it, the samples after that result may begin a new run, and so a new alert: catalogue
    of infectious diseases, E3, points 10 and 24, and vector S-8.
    """
    if len(journal) < 2 or journal[-1].state is not State.SUSPECTED:  # noqa: PLR2004  # a pair
        return journal
    *before, ended, reopened = journal
    same_arrival = ended.state in _ENDED and ended.at == reopened.at
    return [*before, ended] if same_arrival else journal


def _last(journal: list[AlertRevision], states: frozenset[State]) -> str | None:
    """When the alert last came into one of the states; a revision within it is no new date."""
    entered = [r for r in journal if r.state in states and r.change != "revised"]
    return _time(entered[-1].at) if entered else None


def _graded(grades: Iterable[GradedEvent], term: str | None) -> Said:
    """The worst grade of the last fact of the case; None when no term could be graded.

    Facts of the case's context (a baseline) are graded too, but not asked for.
    """
    asked = [g for g in grades if g.event_id.startswith("fact-")]
    if term is not None:
        asked = [g for g in asked if _same("term", term, g.term)]
    given = [g.grade for g in asked if g.grade is not None]
    return {"grade": _text(max(given, default=None)), "term": asked[0].term if asked else None}


def _time(value: date | datetime | PartialDate | None) -> str | None:
    if isinstance(value, datetime):
        return as_utc(value).isoformat()[:_TO_THE_MINUTE]
    return None if value is None else value.isoformat()


def _text(value: object) -> str | None:
    return None if value is None else str(value)


# ---------------------------------------------------------------- side by side


def _differing(expected: list[Said], got: list[Said]) -> tuple[Lines, Lines] | None:
    alike = len(expected) == len(got) and all(map(_fulfilled, expected, got))
    if alike:
        return None
    keys = [key for said in expected for key in said] or list(ENTRY_KEYS)
    told = [key for said in got for key in said if said[key] and key not in _ONLY_IF_ASKED]
    shown = list(dict.fromkeys([*keys, *told]))
    return tuple(_line(s, shown) for s in expected), tuple(_line(s, shown) for s in got)


def _fulfilled(expected: Said, got: Said) -> bool:
    return all(_same(key, value, got.get(key)) for key, value in expected.items())


def _same(key: str, expected: str | None, got: str | None) -> bool:
    if expected is None or got is None:
        return expected is got
    if key in {"at", "onset", "clear", "retract"}:
        return got.startswith(expected[:_TO_THE_MINUTE])
    if key in {"value", "n"}:
        return expected == got or _same_number(expected, got)
    if key == "term":
        return _bare_term(expected) == _bare_term(got)
    return expected == got


def _bare_term(term: str) -> str:
    """Without what a table adds in parentheses (`(Ionized)`): the analyte already says that."""
    return term.partition("(")[0].strip().lower()


def _same_number(expected: str, got: str) -> bool:
    """Equal to as many digits as the case gives."""
    try:
        wanted, found = Decimal(expected), Decimal(got)
        return found.quantize(wanted, rounding=ROUND_HALF_EVEN) == wanted
    except InvalidOperation:
        return False


def _line(said: Said, keys: list[str]) -> str:
    words = (f"{key}: {said[key]}" for key in keys if said.get(key) is not None)
    return ", ".join(words) or "nothing"
