"""The shapes of a criterion, read from their mappings."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from services.detector.language.ast import Duration, Name
from services.detector.language.document import Items, Mapping, Scalar, Yaml
from services.detector.language.fields import Form, Reading
from services.detector.language.spec import (
    Anchor,
    Answer,
    Arm,
    Confirm,
    Criterion,
    DueAnswer,
    Grading,
    Leg,
    Milestone,
    Missing,
    Nearest,
    Pattern,
    Refute,
    Sequence,
    Stay,
    Tiers,
    Unanswered,
    Undecided,
    Unreported,
)
from services.detector.language.words import GRADING_TABLES, SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.language.ast import Node

NEVER: Final = "never"
_NO_TIME: Final = Duration(0, "d")
_NO_NODE: Final = Name("?")
_NO_LEG: Final = Leg((), _NO_NODE)

_ARM: Final = ("when", "tag", "grade", "severity", "value")
_CONFIRM: Final = (
    *("after", "more_than", "within", "gap", "not_before", "when", "tag"),
    "across_lines",
)
_PATTERN: Final = (
    *("name", "each", "if", "suspect", "confirmed", "confirm", "refute", "reset", "milestone"),
    *("tags", "info", "renames", "graver", "value", "action", "together", "undecided"),
    *("stays", "untold"),
)

_TIERS: Final = (
    *("name", "each", "if", "tiers", "state", "rearm", "value"),
    *("suspect", "refute", "escalates", "resumes", "undecided"),
)


def read_criterion(reading: Reading, node: Yaml, path: str) -> Criterion | None:
    """Read one criterion; the key that it has decides its shape.

    Returns:
        None, with a mistake noted, if it has none of the five.
    """
    keys = [k.text for k, _ in node.entries] if isinstance(node, Mapping) else []
    shape = next((s for s in _SHAPES if s in keys), None)
    if shape is None:
        reading.wrong(
            node.place, "not a criterion", "one of 'each', 'missing', 'sequence', 'grade'"
        )
        return None
    return _SHAPES[shape](reading, node, path)


def _pattern(reading: Reading, node: Yaml, path: str) -> Pattern:
    form = Form(reading, node, _PATTERN, path)
    refute = form.node("refute")
    never = _is_never(refute)
    return Pattern(
        name=form.need("name", reading.word) or "",
        each=form.listed("each", reading.word),
        given=form.get("if", reading.expression),
        suspect=_arms(form, "suspect"),
        confirmed=_arms(form, "confirmed"),
        confirm=form.get("confirm", lambda n: _confirm(reading, n, form.path("confirm"))),
        refute=() if never else form.listed("refute", lambda n: _refute(reading, n)),
        reset=form.get("reset", reading.expression),
        milestone=form.get("milestone", lambda n: _milestone(reading, n, form.path("milestone"))),
        tags=_arms(form, "tags"),
        action=_arms(form, "action"),
        together=bool(form.get("together", reading.truth)),
        info=_arms(form, "info"),
        graver=_arms(form, "graver"),
        renames=form.get("renames", reading.truth) is not False,
        value=form.get("value", reading.expression),
        undecided=form.listed("undecided", lambda n: _undecided(reading, n)),
        stays=form.listed("stays", lambda n: _stay(reading, n, form.path("stays"))),
        untold=bool(form.get("untold", reading.truth)),
        place=node.place,
        never_refuted=never,
    )


def _is_never(node: Yaml | None) -> bool:
    """`never`, or a list of no conditions at all."""
    if isinstance(node, Items):
        return not node.items
    return isinstance(node, Scalar) and node.text == NEVER


def _arms(form: Form, key: str) -> tuple[Arm, ...]:
    """One condition, or a list of conditions and of `{when, tag, grade, severity}`."""
    reading = form.reading
    node = form.node(key)
    count = itertools.count()
    path = form.path(key)
    if not isinstance(node, Items):
        return form.listed(key, lambda n: _arm(reading, n, path))
    return form.listed(key, lambda n: _arm(reading, n, f"{path}.{next(count)}"))


def _arm(reading: Reading, node: Yaml, path: str) -> Arm:
    if isinstance(node, Scalar):
        return Arm(reading.expression(node), place=node.place)
    form = Form(reading, node, _ARM, path)
    return Arm(
        when=form.need("when", reading.expression) or _NO_NODE,
        tag=form.get("tag", reading.word),
        grade=form.get("grade", reading.integer),
        severity=form.get("severity", lambda n: reading.one_of(n, SEVERITIES)),
        value=form.get("value", reading.expression),
        place=node.place,
    )


def _confirm(reading: Reading, node: Yaml, path: str) -> Confirm:
    form = Form(reading, node, _CONFIRM, path)
    return Confirm(
        after=form.get("after", reading.duration),
        more_than=form.get("more_than", reading.duration),
        within=form.get("within", reading.duration),
        gap=form.get("gap", reading.duration),
        not_before=form.get("not_before", reading.expression),
        when=form.get("when", reading.expression),
        tag=form.get("tag", reading.word),
        across_lines=bool(form.get("across_lines", reading.truth)),
    )


def _refute(reading: Reading, node: Yaml) -> Refute:
    if isinstance(node, Scalar):
        return Refute(reading.expression(node))
    form = Form(reading, node, ("when", "after", "confirmed", "tag", "info", "anew"), "")
    return Refute(
        when=form.need("when", reading.expression) or _NO_NODE,
        after=form.get("after", reading.duration),
        confirmed_tag=form.get("confirmed", reading.word),
        tag=form.get("tag", reading.word),
        info=form.get("info", reading.word),
        anew=bool(form.get("anew", reading.truth)),
    )


def _stay(reading: Reading, node: Yaml, path: str) -> Stay:
    form = Form(reading, node, ("for", "since", "when", "tag", "severity"), path)
    return Stay(
        duration=form.need("for", reading.duration) or _NO_TIME,
        since=form.get("since", reading.expression),
        when=form.get("when", reading.expression),
        tag=form.get("tag", reading.word),
        severity=form.get("severity", lambda n: reading.one_of(n, SEVERITIES)),
        place=node.place,
    )


def _undecided(reading: Reading, node: Yaml) -> Undecided:
    form = Form(reading, node, ("when", "because"), "")
    return Undecided(
        when=form.need("when", reading.expression) or _NO_NODE,
        because=form.need("because", reading.text) or "",
    )


def _milestone(reading: Reading, node: Yaml, path: str) -> Milestone:
    form = Form(reading, node, ("from", "to", "due", "missing", "unusable", "late"), path)
    return Milestone(
        start=form.need("from", reading.expression) or _NO_NODE,
        end=form.need("to", reading.expression) or _NO_NODE,
        missing=form.get("missing", reading.word),
        due=form.get("due", reading.expression),
        unusable=form.get("unusable", reading.word),
        late=bool(form.get("late", reading.truth)),
    )


def _tiers(reading: Reading, node: Yaml, path: str) -> Tiers:
    form = Form(reading, node, _TIERS, path)
    return Tiers(
        name=form.need("name", reading.word) or "",
        each=form.listed("each", reading.word),
        arms=_arms(form, "tiers"),
        state=form.get("state", lambda n: reading.one_of(n, ("window", "confirmed"))) or "window",
        given=form.get("if", reading.expression),
        rearm=form.get("rearm", reading.duration),
        place=node.place,
        value=form.get("value", reading.expression),
        suspect=_arms(form, "suspect"),
        refute=form.get("refute", reading.expression),
        escalates=bool(form.get("escalates", reading.truth)),
        resumes=bool(form.get("resumes", reading.truth)),
        undecided=form.listed("undecided", lambda n: _undecided(reading, n)),
    )


def _missing(reading: Reading, node: Yaml, path: str) -> Missing:
    form = Form(reading, node, ("name", "missing", "if", "after", "preliminary"), path)
    form.need("after", lambda _: None)
    count = itertools.count()
    return Missing(
        name=form.need("name", reading.word) or "",
        evidence=form.listed("missing", reading.word),
        anchors=form.listed("after", lambda n: _anchor(reading, n, f"{path}.after.{next(count)}")),
        given=form.get("if", reading.expression),
        place=node.place,
        preliminary=bool(form.get("preliminary", reading.truth)),
    )


def _unreported(reading: Reading, node: Yaml, path: str) -> Unreported:
    form = Form(reading, node, ("name", "unreported", "due", "tag"), path)
    return Unreported(
        name=form.need("name", reading.word) or "",
        each=form.listed("unreported", reading.word),
        due=form.need("due", reading.expression) or _NO_NODE,
        tag=form.get("tag", reading.word),
        place=node.place,
    )


def _unanswered(reading: Reading, node: Yaml, path: str) -> Unanswered:
    form = Form(reading, node, ("name", "unanswered", "answer", "due"), path)
    for key in ("answer", "due"):
        form.need(key, lambda _: None)
    at, due = itertools.count(), itertools.count()
    return Unanswered(
        name=form.need("name", reading.word) or "",
        findings=form.listed("unanswered", reading.word),
        answers=form.listed("answer", lambda n: _answer(reading, n, f"{path}.answer.{next(at)}")),
        due=form.listed("due", lambda n: _due(reading, n, f"{path}.due.{next(due)}")),
        place=node.place,
    )


def _answer(reading: Reading, node: Yaml, path: str) -> Answer:
    form = Form(reading, node, ("each", "when"), path)
    return Answer(_series_of(form, "each"), form.get("when", reading.expression), node.place)


def _due(reading: Reading, node: Yaml, path: str) -> DueAnswer:
    form = Form(reading, node, ("after", "tag", "severity"), path)
    return DueAnswer(
        after=form.need("after", reading.duration) or _NO_TIME,
        tag=form.get("tag", reading.word),
        severity=form.get("severity", lambda n: reading.one_of(n, SEVERITIES)),
        place=node.place,
    )


def _anchor(reading: Reading, node: Yaml, path: str) -> Anchor:
    known = ("series", "clock", "if", "valid_from", "due", "tag", "severity")
    form = Form(reading, node, known, path)
    if ("series" in form) == ("clock" in form):
        reading.wrong(node.place, "not one anchor", "either 'series' or 'clock: true'")
    form.get("clock", lambda n: reading.one_of(n, ("true",)))
    return Anchor(
        series=form.get("series", reading.word),
        due=form.need("due", reading.expression) or _NO_NODE,
        valid_from=form.get("valid_from", reading.expression),
        when=form.get("if", reading.expression),
        tag=form.get("tag", reading.word),
        severity=form.get("severity", lambda n: reading.one_of(n, SEVERITIES)),
        place=node.place,
    )


def _sequence(reading: Reading, node: Yaml, path: str) -> Sequence:
    frame = Form(reading, node, ("name", "sequence"), path)
    inner = frame.node("sequence")
    known = ("first", "then", "within", "unless", "unless_missing")
    inside = frame.path("sequence")
    form = Form(reading, inner or node, known, inside)
    return Sequence(
        name=frame.need("name", reading.word) or "",
        first=form.need("first", lambda n: _leg(reading, n, f"{inside}.first")) or _NO_LEG,
        then=form.need("then", lambda n: _leg(reading, n, f"{inside}.then")) or _NO_LEG,
        within=form.need("within", reading.duration) or _NO_TIME,
        unless=form.get("unless", lambda n: _nearest(reading, n, f"{inside}.unless")),
        unless_missing=form.get("unless_missing", reading.word),
        place=node.place,
    )


def _leg(reading: Reading, node: Yaml, path: str) -> Leg:
    form = Form(reading, node, ("each", "when"), path)
    return Leg(_series_of(form, "each"), form.need("when", reading.expression) or _NO_NODE)


def _nearest(reading: Reading, node: Yaml, path: str) -> Nearest:
    form = Form(reading, node, ("nearest", "within", "when"), path)
    within = form.need("within", reading.duration) or _NO_TIME
    when: Node = form.need("when", reading.expression) or _NO_NODE
    return Nearest(_series_of(form, "nearest"), within, when)


def _series_of(form: Form, key: str) -> tuple[str, ...]:
    form.need(key, lambda _: None)
    return form.listed(key, form.reading.word)


def _grading(reading: Reading, node: Yaml, path: str) -> Grading:
    form = Form(reading, node, ("name", "grade", "version", "baseline_within"), path)
    return Grading(
        name=form.need("name", reading.word) or "",
        table=form.need("grade", lambda n: reading.one_of(n, GRADING_TABLES)) or "",
        version=form.get("version", reading.expression),
        baseline_within=form.need("baseline_within", reading.duration) or _NO_TIME,
        place=node.place,
    )


_SHAPES: Final[dict[str, Callable[[Reading, Yaml, str], Criterion]]] = {
    "tiers": _tiers,
    "missing": _missing,
    "unreported": _unreported,
    "unanswered": _unanswered,
    "sequence": _sequence,
    "grade": _grading,
    "each": _pattern,
}
"""The first of these keys that a criterion has is its shape; `tiers` has an `each` as well."""
