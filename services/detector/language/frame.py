"""The frame around the criteria: course, clock, parameters, series, severities, citations."""

from __future__ import annotations

import re
from typing import Final

from services.detector.language.ast import Duration, Name, Node, Quantity
from services.detector.language.document import Mapping, Scalar, Yaml
from services.detector.language.fields import Form, Reading
from services.detector.language.spec import ActWithin, Citation, Parameter, Retired, Series
from services.detector.language.words import (
    CONFIDENCE,
    PHASES,
    RESPONSE_CRITERIA,
    RULE_ID,
    SEVERITIES,
)

_SERIES_KINDS: Final = {
    "analyte": ("observation", ()),
    "imaging": ("imaging", ("criteria",)),
    "treatment": ("treatment", ("phase", "regimen", "own", "class", "condition")),
    "adverse_event": ("adverse_event", ("except",)),
}
"""Key that makes a series -> its kind, and the further keys that narrow it."""
_FURTHER: Final = ("since", "only", "unless", "apart", "preliminary")
"""Keys of a series of any kind."""
_ANY: Final = "any"
_DATE: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_CLOCK: Final = re.compile(r"(first|last) (\w+(?: or \w+)*)")


def read_id(reading: Reading, node: Yaml) -> str:
    """The id of a rule, in capitals."""
    word = reading.word(node)
    if word and not RULE_ID.fullmatch(word):
        reading.wrong(
            node.place, f"{word!r} is not a rule's id", "capitals, for example PROST-BCR-RP"
        )
    return word


def read_course(form: Form) -> tuple[tuple[str, ...], ...]:
    """Conditions, modalities, regimens and drug classes of the courses that get an instance."""
    node = form.node("course")
    if node is None:
        return (), (), (), ()
    word = form.reading.word
    known = ("condition", "modality", "regimen", "class", "line")
    course = Form(form.reading, node, known, "course")
    return (
        course.listed("condition", word),
        course.listed("modality", word),
        course.listed("regimen", word),
        course.listed("class", word),
    )


def read_line(form: Form) -> int | None:
    """The line of the courses that get an instance."""
    node = form.node("course")
    if not isinstance(node, Mapping) or (line := node.get("line")) is None:
        return None
    return form.reading.integer(line)


def read_retired(form: Form) -> Retired | None:
    """When and why the rule was retired, if it was."""
    node = form.node("retired")
    if node is None:
        return None
    told = Form(form.reading, node, ("on", "reason"), "retired")
    on = told.need("on", form.reading.text) or ""
    if not _DATE.fullmatch(on):
        form.reading.wrong(node.place, "not a date", "a day as YYYY-MM-DD")
    return Retired(on, told.need("reason", form.reading.text) or "")


def read_clock(reading: Reading, node: Yaml) -> tuple[str, ...]:
    """`last completed`, `last completed or stopped`."""
    text = node.text if isinstance(node, Scalar) else ""
    match = _CLOCK.fullmatch(text)
    phases = match[2].split(" or ") if match else []
    if match is None or not set(phases) <= set(PHASES):
        reading.wrong(node.place, "not a clock", "first or last, and a phase: 'last completed'")
        return ("first", "started")
    return (match[1], *phases)


def read_parameter(reading: Reading, key: Scalar, node: Yaml) -> Parameter:
    """One parameter: its value alone, or with what is to be said about it."""
    name = reading.name(key)
    path = f"params.{name}"
    reading.places[path] = key.place
    if isinstance(node, Scalar):
        return Parameter(name, read_setting(reading, node), place=key.place)
    form = Form(reading, node, ("value", "choices", "about", "confidence"), path)
    return Parameter(
        name,
        form.need("value", lambda n: read_setting(reading, n)) or Name("?"),
        form.get("about", reading.text) or "",
        form.get("confidence", lambda n: reading.one_of(n, CONFIDENCE)),
        place=key.place,
        choices=form.listed("choices", reading.word),
    )


def read_setting(reading: Reading, node: Yaml) -> Node:
    """The value of a parameter: a number, a duration or a word, nothing to be worked out."""
    value = reading.expression(node)
    if not isinstance(value, Quantity | Duration | Name):
        reading.wrong(node.place, "not a plain value", "a number, a duration or a word")
    return value


def read_all_series(form: Form) -> tuple[Series, ...]:
    """The series, in the order in which facts of one day are taken."""
    form.need("reads", lambda _: None)
    return tuple(_series(form.reading, *entry) for entry in form.entries("reads"))


def _series(reading: Reading, key: Scalar, node: Yaml) -> Series:
    kinds = [k for k in _SERIES_KINDS if isinstance(node, Mapping) and node.get(k) is not None]
    if len(kinds) != 1:
        reading.wrong(node.place, "not a series", f"one of the keys {', '.join(_SERIES_KINDS)}")
        return Series(reading.name(key), "observation", place=key.place)
    source = kinds[0]
    kind, narrowing = _SERIES_KINDS[source]
    path = f"reads.{key.text}"
    form = Form(reading, node, (source, *narrowing, *_FURTHER), path)
    words = tuple(w for w in form.listed(source, reading.text) if w != _ANY)
    return Series(
        name=reading.name(key),
        kind=kind,
        analytes=words if source == "analyte" else (),
        modalities=words if source in ("imaging", "treatment") else (),
        criteria=form.listed("criteria", lambda n: reading.one_of(n, RESPONSE_CRITERIA)),
        phases=form.listed("phase", lambda n: reading.one_of(n, PHASES)),
        regimens=form.listed("regimen", reading.word),
        terms=words if source == "adverse_event" else (),
        other_than=form.listed("except", reading.text),
        own=bool(form.get("own", reading.truth)),
        since=form.get("since", reading.expression),
        only=form.get("only", reading.expression),
        unless=form.get("unless", reading.expression),
        apart=bool(form.get("apart", reading.truth)),
        place=key.place,
        classes=form.listed("class", reading.word),
        preliminary=bool(form.get("preliminary", reading.truth)),
        any_condition=form.get("condition", lambda n: reading.one_of(n, (_ANY,))) is not None,
    )


def read_lets(form: Form) -> tuple[tuple[str, Node], ...]:
    """Names for expressions, in the order of the text."""
    reading = form.reading
    found = []
    for key, node in form.entries("let"):
        reading.places[f"let.{key.text}"] = key.place
        found.append((reading.name(key), reading.expression(node)))
    return tuple(found)


def read_severity(form: Form) -> tuple[tuple[str, str], ...]:
    """State, tag or `default` -> severity."""
    reading = form.reading
    for key, _ in form.entries("severity"):
        reading.places[f"severity.{key.text}"] = key.place
    return tuple(
        (key.text, reading.one_of(node, SEVERITIES)) for key, node in form.entries("severity")
    )


def read_act_within(form: Form) -> tuple[tuple[str, ActWithin], ...]:
    """State, tag or `default` -> time left."""
    found = []
    for key, node in form.entries("act_within"):
        path = f"act_within.{key.text}"
        form.reading.places[path] = key.place
        found.append((key.text, _time_left(form.reading, node, path)))
    return tuple(found)


def _time_left(reading: Reading, node: Yaml, path: str) -> ActWithin:
    form = Form(reading, node, ("time", "from", "tier", "evidence"), path)
    return ActWithin(
        form.need("time", reading.duration) or Duration(0, "d"),
        form.get("from", lambda n: reading.one_of(n, ("at", "onset"))) or "at",
        form.get("tier", reading.word) or "act",
        form.get("evidence", reading.text),
    )


def read_sentences(form: Form) -> dict[str, str]:
    """By state or tag; a single sentence is the `default`."""
    reading = form.reading
    node = form.node("sentence")
    if isinstance(node, Scalar):
        return {"default": reading.text(node)}
    found = {}
    for key, text in form.entries("sentence"):
        reading.places[f"sentence.{key.text}"] = text.place
        found[key.text] = reading.text(text)
    return found


def read_sources(form: Form) -> tuple[Citation, ...]:
    """The citations."""
    return form.listed("source", lambda n: _citation(form.reading, n))


def _citation(reading: Reading, node: Yaml) -> Citation:
    if isinstance(node, Scalar):
        return Citation(reading.text(node))
    form = Form(reading, node, ("cite", "confidence", "note"), "")
    return Citation(
        form.need("cite", reading.text) or "",
        form.get("confidence", lambda n: reading.one_of(n, CONFIDENCE)),
        form.get("note", reading.text),
    )
