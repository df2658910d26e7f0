"""Cases: small stories of one patient, with what a rule must say about them.

A case file is YAML, one document a rule; a Markdown page of the catalogue may hold several such
documents in its ```yaml blocks. Law of this file: every scalar stays the text that its author
wrote, because a loader that makes floats of numbers loses clinical boundaries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.detector.language.ast import Place
from services.detector.language.document import Items, Scalar, Yaml, read_document
from services.detector.language.document import Mapping as Entries
from services.detector.language.errors import RuleError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Plain = str | None | list["Plain"] | dict[str, "Plain"]
"""A YAML value with every scalar as text; an unquoted `null` is None."""

SUFFIX = ".cases.yaml"
GRADING, GRADING_DAIDS = "TOX-CTC-GRADE", "TOX-DAIDS-GRADE"
"""The rules that the rows of `grade_tables` are about."""

_DOCUMENT_KEYS = frozenset({"rule", "params", "cases"})
_CASE_KEYS = frozenset({"id", "note", "choice", "ctx", "obs", "until", "expect"})
_ROW_KEYS = frozenset({"k", "ver", "daids", "term", "u", "ctx", "pairs", "adm"})
_BLOCK = re.compile(r"^```yaml[ \t]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_DOCUMENT = re.compile(r"(?:\A|^---[ \t]*\n)(.*?)(?=^---[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_SAYS_SOMETHING = re.compile(r"^[^#\s]", re.MULTILINE)
_DIRECTION = re.compile(r"_(hi|lo)$")
_GRADED_AS = {"ca": "corrected_calcium"}
"""CTCAE grades calcium after correction for albumin, and so do the rows of the tables."""


@dataclass(frozen=True, slots=True)
class Written:
    """One line of a case's `obs`: keys and texts, as written."""

    says: Mapping[str, Plain]
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One story and its verdict.

    Attributes:
        rule: the rule that is asked.
        id: unique within the rule.
        expect: a list is the complete journal, a mapping the final state.
        place: where the case stands.
        note: what the case is about.
        choice: whether the verdict depends on a parameter that is our choice.
        params: parameters that replace the rule's.
        context: anchors and what is known of the patient.
        facts: what happened, in order of writing.
        until: how far timers run; None: to the last receipt.
    """

    rule: str
    id: str
    expect: list[Plain] | dict[str, Plain]
    place: Place = field(compare=False)
    note: str = ""
    choice: bool = False
    params: Mapping[str, Plain] = field(default_factory=dict)
    context: Mapping[str, Plain] = field(default_factory=dict)
    facts: tuple[Written, ...] = ()
    until: str | None = None


def read_cases(path: Path) -> tuple[Case, ...]:
    """All cases of a file; of a Markdown file, those of its ```yaml blocks.

    Raises:
        RuleError: not readable as cases; says where and why.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RuleError(Place(str(path), 1, 1), "not UTF-8 text") from None
    return parse_cases(text, str(path), markdown=path.suffix == ".md")


def parse_cases(text: str, file: str, *, markdown: bool = False) -> tuple[Case, ...]:
    """All cases of a text.

    Args:
        text: YAML documents separated by `---`, or Markdown with such blocks.
        file: its name, for places.
        markdown: which of the two.

    Raises:
        RuleError: as `read_cases`.
    """
    blocks = _parts(_BLOCK, text) if markdown else iter([text])
    documents = (document for block in blocks for document in _parts(_DOCUMENT, block))
    spoken = (document for document in documents if _SAYS_SOMETHING.search(document))
    return _unique(case for d in spoken for case in _cases(read_document(d, file)))


def _parts(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Parts of a text, each moved down by empty lines so that its line numbers stay right."""
    for found in pattern.finditer(text):
        yield "\n" * text.count("\n", 0, found.start(1)) + found[1]


def _unique(cases: Iterable[Case]) -> tuple[Case, ...]:
    seen: dict[tuple[str, str], Case] = {}
    for case in cases:
        if (case.rule, case.id) in seen:
            first = seen[case.rule, case.id].place
            raise RuleError(case.place, f"a second case of that id, the first is at {first}")
        seen[case.rule, case.id] = case
    return tuple(seen.values())


def _cases(document: Yaml) -> Iterator[Case]:
    """The cases of one document; none if it is about something else."""
    if not isinstance(document, Entries):
        return
    tables, rule, cases = (document.get(key) for key in ("grade_tables", "rule", "cases"))
    if tables is not None:
        for row in _items(tables):
            yield from _graded(_entries(row, _ROW_KEYS))
    elif rule is not None and cases is not None:
        _entries(document, _DOCUMENT_KEYS)
        params = _optional(document, "params")
        for item in _items(cases):
            yield _case(_entries(item, _CASE_KEYS), _text(rule), params)


def _case(entries: Entries, rule: str, params: Mapping[str, Plain]) -> Case:
    note, until, choice = (entries.get(key) for key in ("note", "until", "choice"))
    return Case(
        rule=rule,
        id=_text(_required(entries, "id")),
        expect=_expectation(_required(entries, "expect")),
        place=entries.place,
        note="" if note is None else _text(note),
        choice=choice is not None and _flag(choice),
        params=params,
        context=_optional(entries, "ctx"),
        facts=tuple(_written(item) for item in _items(_required(entries, "obs"))),
        until=None if until is None else _text(until),
    )


def _written(item: Yaml) -> Written:
    return Written(_plain_entries(_entries(item)), item.place)


def _expectation(value: Yaml) -> list[Plain] | dict[str, Plain]:
    plain = _plain(value)
    if isinstance(plain, list | dict):
        return plain
    raise RuleError(value.place, "what is expected is a single value", "a list or a mapping")


def _graded(row: Entries) -> Iterator[Case]:
    """One case for each `[value, grade]` of a row of a grade table.

    A row's analyte may name a direction (`k_hi`); it is graded both ways, and `term` says which
    of the grades counts.
    """
    says = {k.text: v.text for k, v in row.entries if isinstance(v, Scalar)}
    key = _text(_required(row, "k"))
    analyte = _DIRECTION.sub("", key)
    context = _optional(row, "ctx")
    if "ver" in says:
        context["ver"] = says["ver"]
    name = " ".join([key, says.get("u", ""), *(f"{k}={v}" for k, v in context.items())])
    for pair in _items(_required(row, "pairs")):
        value, grade = _pair(pair)
        told: dict[str, Plain] = {"t": "2023-01-01", _GRADED_AS.get(analyte, analyte): value}
        yield Case(
            rule=GRADING_DAIDS if "daids" in says else GRADING,
            id=f"{name}: {value}",
            expect={"grade": grade} | ({"term": says["term"]} if "term" in says else {}),
            place=pair.place,
            context=context,
            facts=(Written(told | {"unit": _text(_required(row, "u"))}, pair.place),),
        )


def _pair(pair: Yaml) -> tuple[str, Plain]:
    items = _items(pair)
    if len(items) != 2:  # noqa: PLR2004  # a pair is two
        raise RuleError(pair.place, f"{len(items)} values", "[value, grade]")
    return _text(items[0]), _plain(items[1])


# ---------------------------------------------------------------- YAML into plain values


def _plain(value: Yaml) -> Plain:
    if isinstance(value, Scalar):
        return None if value.bare and value.text in {"null", "~", ""} else value.text
    if isinstance(value, Items):
        return [_plain(item) for item in value.items]
    return _plain_entries(value)


def _plain_entries(entries: Entries) -> dict[str, Plain]:
    return {key.text: _plain(value) for key, value in entries.entries}


def _optional(entries: Entries, key: str) -> dict[str, Plain]:
    value = entries.get(key)
    return {} if value is None else _plain_entries(_entries(value))


def _required(entries: Entries, key: str) -> Yaml:
    value = entries.get(key)
    if value is None:
        raise RuleError(entries.place, f"`{key}` is missing")
    return value


def _entries(value: Yaml, known: frozenset[str] | None = None) -> Entries:
    if not isinstance(value, Entries):
        raise RuleError(value.place, "not a mapping", "a mapping")
    for key, _ in value.entries:
        if known is not None and key.text not in known:
            raise RuleError(key.place, *unknown("key", key.text, known))
    return value


def _items(value: Yaml) -> tuple[Yaml, ...]:
    if not isinstance(value, Items):
        raise RuleError(value.place, "not a list", "a list")
    return value.items


def _text(value: Yaml) -> str:
    if not isinstance(value, Scalar):
        raise RuleError(value.place, "not a single value", "a single value")
    return value.text


def _flag(value: Yaml) -> bool:
    if _text(value) not in {"true", "false"}:
        raise RuleError(value.place, "not a truth value", "true or false")
    return _text(value) == "true"
