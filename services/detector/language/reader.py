"""A rule file becomes a `Rule`: every key known, every expression parsed, every mistake told.

Reading proves the form; whether what is said makes sense is the checker's question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.detector.language.ast import Duration, Place
from services.detector.language.criteria import read_criterion
from services.detector.language.document import Items, Yaml, read_document
from services.detector.language.errors import RuleError, RuleErrors
from services.detector.language.fields import Form, Reading
from services.detector.language.frame import (
    read_act_within,
    read_all_series,
    read_clock,
    read_course,
    read_id,
    read_lets,
    read_line,
    read_parameter,
    read_retired,
    read_sentences,
    read_severity,
    read_sources,
)
from services.detector.language.spec import (
    Criterion,
    Rule,
)
from services.detector.language.words import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


_KEYS: Final = (
    *("rule", "title", "kind", "plain", "course", "clock", "ends", "params", "reads", "let"),
    *("criteria", "severity", "act_within", "sentence", "misses", "false_alarms", "options"),
    *("readiness", "source", "version", "retired", "closer_watch"),
)


def read_rule(text: str, file: str) -> Rule:
    """Read one rule.

    Args:
        text: the YAML text of the rule.
        file: name of its file, for the places of mistakes.

    Raises:
        RuleErrors: everything that is wrong with its form, in the order of the text.
    """
    try:
        document = read_document(text, file)
    except RuleError as error:
        raise RuleErrors([error]) from None
    reading = Reading()
    rule = _rule(reading, document)
    if reading.errors:
        raise RuleErrors(reading.errors)
    return rule


def read_rules(paths: Iterable[Path]) -> tuple[Rule, ...]:
    """Read many rules from their files, in the order given.

    Raises:
        RuleErrors: everything that is wrong with any of them.
        OSError: a file can't be opened.
    """
    rules: list[Rule] = []
    errors: list[RuleError] = []
    for path in paths:
        try:
            rules.append(_from_file(path))
        except RuleErrors as found:
            errors.extend(found.errors)
    first: dict[str, Place] = {}
    for rule in rules:
        if rule.id in first:
            errors.append(_second(rule, first[rule.id]))
        first.setdefault(rule.id, rule.place)
    if errors:
        raise RuleErrors(errors)
    return tuple(rules)


def _from_file(path: Path) -> Rule:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        place = Place(str(path), 1, 1)
        raise RuleErrors([RuleError(place, "not text", "UTF-8")]) from None
    return read_rule(text, str(path))


def _second(rule: Rule, first: Place) -> RuleError:
    return RuleError(
        rule.place_of("rule"), f"a second rule {rule.id}, the first is in {first.file}"
    )


def _rule(reading: Reading, node: Yaml) -> Rule:
    form = Form(reading, node, _KEYS, "")
    params = tuple(read_parameter(reading, *entry) for entry in form.entries("params"))
    reading.durations = {p.name: p.value for p in params if isinstance(p.value, Duration)}
    course = read_course(form)
    sentences = read_sentences(form)
    return Rule(
        id=form.need("rule", lambda n: read_id(reading, n)) or "",
        title=form.need("title", reading.text) or "",
        kind=form.need("kind", lambda n: reading.one_of(n, KINDS)) or "",
        plain=form.need("plain", reading.text) or "",
        criteria=_criteria(form),
        series=read_all_series(form),
        conditions=course[0],
        modalities=course[1],
        regimens=course[2],
        drug_classes=course[3],
        line=read_line(form),
        clock=form.get("clock", lambda n: read_clock(reading, n)),
        ends=form.listed("ends", reading.word),
        lets=read_lets(form),
        params=params,
        severity=read_severity(form),
        act_within=read_act_within(form),
        sentence=sentences.pop("default", ""),
        misses=form.listed("misses", reading.text),
        false_alarms=form.listed("false_alarms", reading.text),
        options=form.listed("options", reading.text),
        readiness=form.listed("readiness", reading.word),
        source=read_sources(form),
        place=node.place,
        sentences=tuple(sentences.items()),
        version=version if (version := form.get("version", reading.integer)) is not None else 1,
        retired=read_retired(form),
        closer_watch=form.get("closer_watch", reading.expression),
        places=tuple(reading.places.items()),
    )


def _criteria(form: Form) -> tuple[Criterion, ...]:
    node = form.need("criteria", lambda n: n)
    if node is None:
        return ()
    if not isinstance(node, Items):
        form.reading.wrong(node.place, "not a list", "a list of criteria")
        return ()
    read = [read_criterion(form.reading, n, f"criteria.{i}") for i, n in enumerate(node.items)]
    return tuple(criterion for criterion in read if criterion is not None)
