"""What a review prints: tables for people, the same as JSON for programs.

Patients are printed only where that was asked for: an alert is named by its id, which is a digest.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from schemas.base import as_utc
from services.detector.adapters.estimates import quantile
from services.detector.adapters.review import Aspect, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.detector.adapters.review import Difference, Episode, Said
    from services.detector.adapters.review_run import Criterion, Review, Sides

_HEAD: Final = (
    *("RULE", "CRITERION", "OLD", "NEW", "SAME"),
    *(kind.value.upper() for kind in Kind),
)
_LEGEND: Final = (
    "Counted are episodes: all that one criterion of an alert says of one finding.",
    "Moved: a state is reached at another moment; changed: something else about it differs.",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """How much to print.

    examples: of each kind of difference of each criterion.
    patients: whether to name them.
    """

    examples: int
    patients: bool


def print_review(found: Review, sides: Sides, shown: Shown, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        print(json.dumps(_fields(found, sides, shown), indent=2, default=str))
        return
    print(*_rules(sides), sep="\n")
    if sides.old or sides.new:
        print("\n".join([*_table(found), *_LEGEND, *_summary(found), *_examples(found, shown)]))


def touched(differences: Sequence[Difference]) -> dict[Kind, int]:
    """How many patients have a difference of each kind."""
    pairs = {(one.kind, one.either.patient_id) for one in differences}
    counts = Counter(kind for kind, _ in pairs)
    return {kind: counts[kind] for kind in Kind}


# ---------------------------------------------------------------- for people


def _rules(sides: Sides) -> Iterator[str]:
    gone, come, differing = sides.told_apart()
    yield f"rules: {len(sides.same)} say the same and were not run"
    for names, what in (
        (differing, "differ"),
        (gone, "only in OLD"),
        (come, "only in NEW"),
    ):
        if names:
            yield f"rules: {len(names)} {what}: {', '.join(names)}"


def _table(found: Review) -> list[str]:
    rows = [_HEAD, *(_row(found, key) for key in sorted({*found.old, *found.new}))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _row(found: Review, key: Criterion) -> tuple[str, ...]:
    kinds = _kinds(found, key)
    counts = (found.old[key], found.new[key], found.same[key], *kinds.values())
    return (*key, *map(str, counts))


def _kinds(found: Review, key: Criterion) -> dict[Kind, int]:
    counts = Counter(one.kind for one in found.differences if _criterion(one) == key)
    return {kind: counts[kind] for kind in Kind}


def _criterion(one: Difference) -> Criterion:
    return one.either.rule, one.either.criterion


def _summary(found: Review) -> Iterator[str]:
    whose = {one.either.patient_id for one in found.differences}
    parts = ", ".join(f"{count} {kind}" for kind, count in touched(found.differences).items())
    yield f"patients: {found.patients} in the archive, {len(whose)} with a difference ({parts})"
    shifts = _shifts(found.differences)
    for word, days in (
        ("later", sorted(d for d in shifts if d > 0)),
        ("earlier", sorted(-d for d in shifts if d < 0)),
    ):
        if days:
            median = quantile(days, Fraction(1, 2))
            yield f"{word}: {len(days)}, by {days[0]} to {days[-1]} days (median {median})"
    if aspects := _aspects(found.differences):
        told = ", ".join(f"{aspect} {count}" for aspect, count in aspects.items() if count)
        yield f"of what both tell, differing in: {told}"


def _shifts(differences: Sequence[Difference]) -> list[int]:
    return [days for one in differences if (days := one.shift_days) is not None]


def _aspects(differences: Sequence[Difference]) -> dict[Aspect, int]:
    counts = Counter(aspect for one in differences for aspect in one.aspects)
    return {aspect: counts[aspect] for aspect in Aspect} if counts else {}


def _examples(found: Review, shown: Shown) -> Iterator[str]:
    ordered = sorted(
        found.differences, key=lambda one: (_criterion(one), list(Kind).index(one.kind))
    )
    for (key, kind), group in groupby(ordered, lambda one: (_criterion(one), one.kind)):
        several = list(group)
        if shown.examples:
            yield f"{' '.join(key)}: {len(several)} {kind}, for example"
        for one in several[: shown.examples]:
            yield f"  {one.either.alert_id}{_whose(one, shown)}  {_story(one)}"


def _whose(one: Difference, shown: Shown) -> str:
    return f"  {one.either.patient_id}" if shown.patients else ""


def _story(one: Difference) -> str:
    if one.old is None or one.new is None:
        return _course(one.either)
    courses = dict.fromkeys((_course(one.old), _course(one.new)))
    return f"{' -> '.join(courses)}{_later(one)} [{', '.join(one.aspects)}]"


def _course(episode: Episode) -> str:
    return ", ".join(f"{state} {as_utc(at).date()}" for state, at in episode.reached().items())


def _later(one: Difference) -> str:
    days = one.shift_days
    if days is None:
        return ""
    return f" ({abs(days)} days {'earlier' if days < 0 else 'later'})"


# ---------------------------------------------------------------- for programs


def _fields(found: Review, sides: Sides, shown: Shown) -> dict[str, Any]:
    gone, come, differing = sides.told_apart()
    return {
        "rules": {
            "same": list(sides.same),
            "differ": differing,
            "only_old": gone,
            "only_new": come,
        },
        "patients": _patients(found),
        "criteria": [_counts(found, key) for key in sorted({*found.old, *found.new})],
        "differences": [_difference(one, shown) for one in found.differences],
    }


def _patients(found: Review) -> dict[str, int]:
    whose = {one.either.patient_id for one in found.differences}
    kinds = {kind.value: count for kind, count in touched(found.differences).items()}
    return {"archive": found.patients, "touched": len(whose)} | kinds


def _counts(found: Review, key: Criterion) -> dict[str, Any]:
    rule, criterion = key
    sums = {"old": found.old[key], "new": found.new[key], "same": found.same[key]}
    kinds = {kind.value: count for kind, count in _kinds(found, key).items()}
    return {"rule": rule, "criterion": criterion} | sums | kinds


def _difference(one: Difference, shown: Shown) -> dict[str, Any]:
    whose = {"patient_id": one.either.patient_id} if shown.patients else {}
    return {
        "kind": one.kind,
        "rule": one.either.rule,
        "criterion": one.either.criterion,
        "alert_id": one.either.alert_id,
        **whose,
        "aspects": list(one.aspects),
        "shift_days": one.shift_days,
        "old": None if one.old is None else _episode(one.old, shown),
        "new": None if one.new is None else _episode(one.new, shown),
    }


def _episode(one: Episode, shown: Shown) -> dict[str, Any]:
    return {"episode": one.number, "entries": [_said(said, shown) for said in one.entries]}


def _said(said: Said, shown: Shown) -> dict[str, Any]:
    """One entry. An event id may hold a patient's number, as senders like."""
    fields = said._asdict()
    evidence = [{"event_id": event_id, "role": role} for event_id, role in sorted(said.evidence)]
    fields |= {"evidence": evidence if shown.patients else len(evidence)}
    times = ("at", "onset", "confirm_by", "act_by")
    fields |= {name: fields[name].isoformat() for name in times if fields[name] is not None}
    return fields
