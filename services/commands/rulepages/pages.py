"""The pages of the catalogue: their words from the packs, their examples from the cases. Pure."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from schemas.terminology.analytes import analyte
from services.commands.rulepages.example import worked_example
from services.detector.language.unparse import unparse
from services.detector.rulebook.library import PACKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.detector.language.spec import ActWithin, Rule, Series
    from services.detector.rulebook.cases import Case, Plain

INDEX: Final = "README.md"
MARKS: Final = {
    "H": "seen in the source",
    "C": "from a secondary source, **to be checked**",
    "CHOICE": "our choice, where sources disagree or are silent",
    "E": "our estimate",
}


def pages(rules: Sequence[Rule], cases: Iterable[Case]) -> dict[str, str]:
    """Every file of the folder: its name, and its text.

    Args:
        rules: all rules, retired ones included.
        cases: those beside the packs.
    """
    environment = _environment()
    by_rule: dict[str, list[Case]] = {}
    for case in cases:
        by_rule.setdefault(case.rule, []).append(case)
    files: dict[str, str] = {}
    for rule in rules:
        files |= _of_rule(rule, by_rule.get(rule.id, []), environment)
    index = environment.get_template("index.md.j2")
    return files | {INDEX: index.render(areas=_areas(rules, by_rule), marks=MARKS)}


def page_of(rule: Rule) -> str:
    """The name of a rule's page."""
    return f"{rule.id.lower()}.md"


def _confidences(rule: Rule) -> list[str]:
    said = [*(one.confidence for one in rule.params), *(one.confidence for one in rule.source)]
    return [mark for mark in said if mark]


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # Markdown from our own packs
    )
    environment.filters["cell"] = _cell
    return environment


def _cell(text: object) -> str:
    """Text that fits into a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _of_rule(rule: Rule, cases: Sequence[Case], environment: Environment) -> dict[str, str]:
    name = rule.id.lower()
    example = worked_example(rule, cases)
    charts = {
        f"{name}-{number}.svg": chart
        for number, chart in enumerate(example.charts if example else (), 1)
    }
    text = environment.get_template("page.md.j2").render(
        rule=rule,
        course=_course(rule),
        clock=" ".join((rule.clock[0], " or ".join(rule.clock[1:]))) if rule.clock else "",
        criteria=_source_of(rule, "criteria"),
        lets=_source_of(rule, "let"),
        parameters=[(each, unparse(each.value)) for each in rule.params],
        series=[_series(each) for each in rule.series],
        act_within=[(state, limit, _span(limit)) for state, limit in rule.act_within],
        sentences=[*rule.sentences, *([("default", rule.sentence)] if rule.sentence else [])],
        marks=MARKS,
        example=example,
        charts=list(charts),
        cases=[(case, _expected(case.expect)) for case in cases],
        pack=_pack(rule),
    )
    return {page_of(rule): text, **charts}


def _course(rule: Rule) -> str:
    parts = (rule.modalities, rule.conditions, rule.regimens)
    told = [" or ".join(words) for words in parts if words]
    return " of ".join(told[:2]) + (f" with {told[2]}" if len(told) > 2 else "")  # noqa: PLR2004


def _span(limit: ActWithin) -> str:
    start = "onset" if limit.counted_from == "onset" else "alert"
    return f"{unparse(limit.duration)} from the {start}"


def _pack(rule: Rule) -> str:
    return str(Path(rule.place.file).resolve().relative_to(PACKS.parents[2]))


def _source_of(rule: Rule, key: str) -> str:
    """A part of the pack as its author wrote it, comments included; empty if it isn't there."""
    lines = Path(rule.place.file).read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(f"{key}:")]
    if not starts:
        return ""
    start = starts[0]
    inner = (n for n in range(start + 1, len(lines)) if lines[n][:1] not in ("", " ", "#"))
    return "\n".join(lines[start : next(inner, len(lines))]).rstrip()


def _series(series: Series) -> tuple[str, str, str]:
    """Its name, what it reads, and the LOINC codes."""
    if series.kind != "observation":
        what = (*series.modalities, *series.terms, *series.phases, *series.regimens)
        return series.name, f"{series.kind.replace('_', ' ')}: {', '.join(what) or 'any'}", ""
    found = [known for key in series.analytes if (known := analyte(key)) is not None]
    titles = "; ".join(f"{one.title} ({one.unit or 'coded'})" for one in found)
    return series.name, titles, ", ".join(code for one in found for code in one.loinc)


def _expected(expect: Plain) -> str:
    """What a case expects, in one line."""
    if isinstance(expect, list):
        return "; ".join(map(_entry, expect)) or "silent"
    return _entry(expect)


_SHOWN: Final = ("at", "state", "grade", "value")


def _entry(entry: Plain) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    told = [str(entry[key]) for key in _SHOWN if entry.get(key) is not None]
    tag = f" ({entry['tag']})" if entry.get("tag") else ""
    return " ".join(told) + tag


def _areas(
    rules: Iterable[Rule], by_rule: Mapping[str, Sequence[Case]]
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The folders of the packs with the rows of their rules."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for rule in rules:
        row = {
            "rule": rule,
            "page": page_of(rule),
            "cases": len(by_rule.get(rule.id, ())),
            "marks": _marks(rule),
        }
        areas.setdefault(Path(rule.place.file).parent.name, []).append(row)
    return sorted(areas.items())


def _marks(rule: Rule) -> str:
    marks = Counter(_confidences(rule))
    return ", ".join(f"{count} {mark}" for mark, count in sorted(marks.items()))
