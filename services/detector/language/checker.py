"""A rule that reads well may still make no sense. This proves what can be proved of it alone.

    errors = check(read_rule(text, "prost-bcr-rp.yaml"))

Every mistake has file, line and column and says what was expected; none of them needs a patient.
"""

from __future__ import annotations

from pathlib import PurePath
from string import Formatter
from typing import TYPE_CHECKING, Final

from services.detector.language.ast import Duration, Name, Selection
from services.detector.language.errors import RuleError, in_order, joined, unknown
from services.detector.language.inference import Inference
from services.detector.language.intervals import expressions, impossible
from services.detector.language.names import Scope
from services.detector.language.outcomes import STANDING, outcomes, words_of
from services.detector.language.shapes import check_criteria
from services.detector.language.spec import Grading
from services.detector.language.vocabulary import PLACEHOLDERS, READINESS, Published
from services.detector.language.walk import walk
from services.detector.language.words import KEYWORDS, PATIENT, PHASES, SUSPICION, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.detector.language.ast import Place
    from services.detector.language.spec import Rule, Series
    from services.detector.language.vocabulary import Terminology

NEW_LINE: Final = "new-line"
NEXT_LINE: Final = "next-line"
_FUNCTION: Final = "function"


def check(rule: Rule, terminology: Terminology | None = None) -> list[RuleError]:
    """Find what is wrong with a rule.

    Args:
        rule: as read from its file.
        terminology: what is measured in what; the published tables if not given.

    Returns:
        All mistakes in the order of the text; none for a sound rule.
    """
    known = terminology or Published()
    inference = Inference(rule, known)
    _check_series(rule, inference, known)
    check_criteria(rule, inference)
    if rule.closer_watch is not None:
        inference.condition(rule.closer_watch, Scope(dated=False))
    inference.used.update(_given(rule))
    found = [*_identity(rule), *_names(rule), *_course(rule), *_promises(rule), *_sentences(rule)]
    found += [*_fitness(rule, known), *_ends(rule, inference), *_clock(rule, inference)]
    found += [*impossible(rule), *_unused(rule, inference), *_choices(rule), *inference.errors]
    return list(in_order(found))


def _given(rule: Rule) -> Iterator[str]:
    """Parameters that stand where the frame wants a duration."""
    for node in expressions(rule):
        if isinstance(node, Duration) and node.param is not None:
            yield f"param:{node.param}"


def _identity(rule: Rule) -> Iterator[RuleError]:
    name = PurePath(rule.place.file).name
    if name.endswith(".yaml") and name != f"{rule.id.lower()}.yaml":
        message = f"rule {rule.id} in a file called {name}"
        yield RuleError(rule.place_of("rule"), message, f"{rule.id.lower()}.yaml")


def _names(rule: Rule) -> Iterator[RuleError]:
    """A series and a `let` share one name space, with the words of the language."""
    words = (*VARIABLES, "course", PATIENT, SUSPICION)
    taken: dict[str, str] = dict.fromkeys(words, "the language")
    taken |= dict.fromkeys(KEYWORDS, "the language")
    named = [(s.name, s.place, "a series") for s in rule.series]
    named += [(name, rule.place_of(f"let.{name}"), "a 'let'") for name, _ in rule.lets]
    for name, place, owner in named:
        if name in taken:
            yield RuleError(place, f"the name {name!r} belongs to {taken[name]}", "another name")
        taken.setdefault(name, owner)


def _check_series(rule: Rule, inference: Inference, known: Terminology) -> None:
    for series in rule.series:
        if series.apart and series.kind not in ("observation", "adverse_event"):
            place = rule.place_of(f"reads.{series.name}.apart")
            message = "only results and adverse events are kept apart"
            inference.wrong(place, message, "a series of one of these")
        _check_analytes(rule, series, inference, known)
        if series.since is not None:
            inference.time(series.since, Scope(dated=False))
        for condition in (series.unless, series.only):
            if condition is None:
                continue
            used = set(inference.used)
            inference.condition(condition, Scope((series.name,)))
            if f"series:{series.name}" not in used:  # looking at itself is not yet a use
                inference.used.discard(f"series:{series.name}")
        _check_only(series, inference)


def _check_only(series: Series, inference: Inference) -> None:
    """It is asked of earlier facts again, when they are cited: a register has moved on by then."""
    for node in () if series.only is None else walk(series.only):
        if isinstance(node, Selection) and node.within is None:
            inference.wrong(node.place, "'only' asks of all the past", "'within': how far back")


def _check_analytes(rule: Rule, series: Series, inference: Inference, known: Terminology) -> None:
    path = f"reads.{series.name}.analyte"
    for index, name in enumerate(series.analytes):
        for error in _analyte(name, rule.place_of(f"{path}.{index}"), known):
            inference.errors.append(error)
    units = {known.unit(name) for name in series.analytes}
    if len(units) > 1 and None not in units and not series.apart:
        inference.wrong(rule.place_of(path), "analytes in different units", "a series for each")


def _analyte(name: str, place: Place, known: Terminology, *others: str) -> Iterator[RuleError]:
    """One name per thing: results are kept under the analyte's key, not under its aliases."""
    key = known.key(name)
    if key is None:
        yield RuleError(place, *unknown("analyte", name, (*others, *known.analytes())))
    elif key != name:
        yield RuleError(place, f"{name!r} is another name of an analyte", repr(key))


def _course(rule: Rule) -> Iterator[RuleError]:
    if rule.per_course:
        return
    own = [("clock", rule.clock is not None), ("course.line", rule.line is not None)]
    own += [("ends", bool({NEW_LINE, NEXT_LINE, *PHASES} & set(rule.ends)))]
    own += [(f"reads.{series.name}.own", series.own) for series in rule.series]
    for path, is_asked in own:
        if is_asked:
            yield RuleError(rule.place_of(path), "a rule for the whole patient", "the key 'course'")


def _promises(rule: Rule) -> Iterator[RuleError]:
    """What no rule may leave out, because people decide by it."""
    if not rule.source:
        yield RuleError(rule.place, "no citation", "the key 'source'")
    grades = [isinstance(criterion, Grading) for criterion in rule.criteria]
    if (rule.kind == _FUNCTION) != all(grades) or (any(grades) and not all(grades)):
        yield RuleError(rule.place_of("kind"), "kind and criteria disagree", "grades in a function")
    if rule.kind == _FUNCTION:
        return
    if not rule.misses:
        yield RuleError(rule.place, "not said what the rule can't see", "the key 'misses'")
    if not rule.false_alarms:
        yield RuleError(rule.place, "not said what it will raise wrongly", "the key 'false_alarms'")
    yield from _keyed(rule, "severity", [key for key, _ in rule.severity])
    yield from _keyed(rule, "act_within", [key for key, _ in rule.act_within], all_needed=False)
    said = [key for key, _ in rule.sentences]
    yield from _keyed(rule, "sentence", [*said, "default"] if rule.sentence else said)


def _keyed(
    rule: Rule, part: str, keys: list[str], *, all_needed: bool = True
) -> Iterator[RuleError]:
    """A mapping by state or tag: only what can be given, and all that someone has to look at."""
    known = words_of(rule)
    for key in keys:
        if key not in known:
            yield RuleError(rule.place_of(f"{part}.{key}"), *unknown("state or tag", key, known))
    if not all_needed:
        return
    read = STANDING | {"info"} if part == "sentence" else STANDING
    for outcome in outcomes(rule):
        said = outcome.covered_by(set(keys)) or (part == "severity" and outcome.severity)
        if outcome.state in read and not said:
            about = f"{outcome.state} ({outcome.tag})" if outcome.tag else outcome.state
            yield RuleError(rule.place_of(part), f"no {part} for {about}", "its state or 'default'")
            return


def _sentences(rule: Rule) -> Iterator[RuleError]:
    said = [(f"sentence.{key}", text) for key, text in rule.sentences]
    for path, text in [*said, ("sentence.default", rule.sentence)]:
        yield from _placeholders(text, rule.place_of(path), clock=rule.clock is not None)


def _placeholders(text: str, place: Place, *, clock: bool) -> Iterator[RuleError]:
    try:
        fields = [(name, spec or kind) for _, name, spec, kind in Formatter().parse(text)]
    except ValueError:
        yield RuleError(place, "a brace that doesn't belong", "placeholders such as {value}")
        return
    for name, extra in fields:
        if name is not None and (name not in PLACEHOLDERS or extra):
            yield RuleError(place, *unknown("placeholder", name, PLACEHOLDERS))
        elif name == "clock" and not clock:
            yield RuleError(place, "no clock", "the key 'clock'")


def _fitness(rule: Rule, known: Terminology) -> Iterator[RuleError]:
    for index, item in enumerate(rule.readiness):
        if item not in READINESS:
            yield from _analyte(item, rule.place_of(f"readiness.{index}"), known, *READINESS)


def _ends(rule: Rule, inference: Inference) -> Iterator[RuleError]:
    series = {one.name for one in rule.series}
    for index, word in enumerate(rule.ends):
        inference.used.add(f"series:{word}")
        known = {NEW_LINE, NEXT_LINE, *PHASES, *series}
        if word not in known:
            yield RuleError(rule.place_of(f"ends.{index}"), *unknown("end", word, known))


def _clock(rule: Rule, inference: Inference) -> Iterator[RuleError]:
    if rule.clock is None:
        for place in inference.clock_needed:
            yield RuleError(place, "no clock", "the key 'clock'")


def _choices(rule: Rule) -> Iterator[RuleError]:
    """A word that is none of a parameter's choices would silently choose none of them."""
    for one in rule.params:
        if one.choices and not (isinstance(one.value, Name) and one.value.name in one.choices):
            yield RuleError(one.value.place, f"no choice of ${one.name}", joined(one.choices))


def _unused(rule: Rule, inference: Inference) -> Iterator[RuleError]:
    """What is never used is a mistake more often than a reserve."""
    grades = any(isinstance(criterion, Grading) for criterion in rule.criteria)
    named: Iterable[tuple[str, str, Place]] = [
        *(("param", p.name, p.place) for p in rule.params),
        *(("let", name, rule.place_of(f"let.{name}")) for name, _ in rule.lets),
        *(("series", s.name, s.place) for s in rule.series if not grades),
    ]
    for what, name, place in named:
        if f"{what}:{name}" not in inference.used:
            shown = {"param": "parameter", "let": "'let'"}.get(what, what)
            yield RuleError(place, f"{shown} {name!r} is never used", "a use, or no such name")
