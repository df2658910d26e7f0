"""`salvage sources`: what the profiles make of real messages, before anybody relies on them."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas.deadletter import Reason
from schemas.events import Observation
from schemas.partial import PartialDate
from services.commands.intake import clear_progress, show_progress
from services.ingest.archive import printable, read_archive
from services.ingest.content import format_of_file
from services.ingest.profiles.checking import (
    NOT_A_MESSAGE,
    Checked,
    Fate,
    Judged,
    Totals,
    check,
    unit_problem,
)
from services.ingest.profiles.model import SourceProfile
from services.ingest.profiles.options import add_source_options, sources_of
from services.runtime.errors import OperatorError, place_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from schemas.events import Event
    from services.commands.chosen import Subparsers
    from services.ingest.profiles.sources import Sources

DONE, DEFECT, UNUSABLE = 0, 1, 2
NAME: Final = "salvage sources"
_EVERY: Final = 1_000
"""Messages between two lines of progress."""
_COMMON: Final = frozenset(
    {"schema_version", "type", "event_id", "patient_id", "source", "effective_at", "issued_at"}
)


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser("sources", help="source profiles: check, schema")
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    checker = commands.add_parser(
        "check",
        help="what becomes of each message under the profiles",
        description="Reads messages of HL7 v2 and FHIR, told apart by their content, and says what "
        "became of each: codes, units, names of fields and counts, never a patient's values. Exit "
        "code 0 when every message got a verdict, whichever it is; 2 for a profile that can't be "
        "used or a path that isn't there.",
    )
    add_source_options(checker)
    add = checker.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="a file, or a folder with all below it")
    add("--json", action="store_true", help="one JSON object with the sums")
    add("--quiet", action="store_true", help="only the sums")
    checker.set_defaults(run=run_check)
    schema = commands.add_parser("schema", help="print the JSON Schema of a profile, for editors")
    schema.set_defaults(run=run_schema)


def run_schema(_: argparse.Namespace) -> int:
    """Print the JSON Schema of a profile."""
    print(schema_text(), end="")
    return DONE


def schema_text() -> str:
    """The JSON Schema of a profile, as it is published in deploy/sources."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema |= SourceProfile.model_json_schema()
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def run_check(args: argparse.Namespace) -> int:
    """Check messages.

    Returns:
        0 every message got a verdict; 1 our own code failed at one (said on stderr); 2 unusable
        profiles or paths.
    """
    try:
        sources = sources_of(args)
        files = list(_files(args.paths))
    except OperatorError as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        return UNUSABLE
    totals, talk, defects = Totals(), not (args.json or args.quiet), 0
    for one in _checked(files, sources):
        totals.add(one)
        defects += any(message.reason == Reason.DEFECT for message in one.messages)
        if totals.messages % _EVERY == 0 and not talk:
            show_progress(f"{totals.messages:,} messages")
        for line in _told(one) if talk else ():
            print(line)
    clear_progress()
    print(json.dumps(_fields(totals)) if args.json else "\n".join(_sums(totals)))
    return DEFECT if defects else DONE


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file, of a folder all below it in the order of their names.

    Raises:
        OperatorError: a path isn't there.
    """
    for path in paths:
        if path.is_dir():
            yield from (one for one in sorted(path.rglob("*")) if one.is_file())
        elif path.exists():
            yield path
        else:
            raise OperatorError(f"{printable(path)}: there is no such file")


def _checked(files: Iterable[Path], sources: Sources) -> Iterator[Checked]:
    for file in files:
        try:
            form = format_of_file(file)
        except OSError:
            yield _whole(file, Judged("", Fate.REFUSED, Reason.UNREADABLE_FILE))
            continue
        if form is None:
            yield _whole(file, Judged("", Fate.IGNORED, NOT_A_MESSAGE))
            continue
        for record in read_archive(file, form):
            try:
                yield check(record, form, sources)
            except Exception as error:  # noqa: BLE001 - the others are to be checked too
                print(f"{NAME}: {record.where}: defect: {place_of(error)}", file=sys.stderr)
                yield Checked(str(record.where), (Judged("", Fate.REFUSED, Reason.DEFECT),))


def _whole(file: Path, judged: Judged) -> Checked:
    return Checked(printable(file), (judged,))


# -- for people


def _told(one: Checked) -> Iterator[str]:
    """What became of a record: a line for each kind of verdict, and below what it is made of."""
    verdicts = Counter((each.kind, each.fate, each.reason) for each in one.messages)
    yield from (_headline(one, *verdict, count) for verdict, count in verdicts.items())
    yield from (f"    patient by authority {name}" for name in sorted(_authorities(one.events)))
    for line, count in Counter(map(_became, one.events)).items():
        yield f"    {_times(count)}{line}"
    for refused in one.rejected:
        place = f"{refused.part}: " if refused.part and refused.part not in refused.detail else ""
        yield f"    refused {refused.reason}: {place}{refused.detail}"
    for (reason, detail), count in Counter((n.reason, n.detail) for n in one.notices).items():
        yield f"    {_times(count)}noticed {reason}: {detail}"


def _authorities(events: Iterable[Event]) -> set[str]:
    """Whose numbers name the patients; never the numbers."""
    names = (event.patient_id.partition("|") for event in events)
    return {authority for authority, bar, _ in names if bar}


def _headline(one: Checked, kind: str, fate: Fate, reason: str | None, count: int) -> str:
    words = (
        f"{one.where}:",
        f"{_times(count)}{kind}".strip(),
        f"from {one.sender}" if one.sender else "",
        f"by profile {one.profile}" if one.profile else "",
        f"{fate}: {reason}" if reason else str(fate),
    )
    return " ".join(filter(None, words))


def _times(count: int) -> str:
    return f"{count} x " if count > 1 else ""


def _became(event: Event) -> str:
    """What a fact is made of, without its values."""
    status = f"{event.status}, {_precision(event)}"
    if isinstance(event, Observation):
        return f"observation {_measured(event)}, {status}"
    stated = sorted(event.model_dump(exclude_none=True, exclude_defaults=True).keys() - _COMMON)
    return f"{event.type} with {', '.join(stated) or 'no more than its time'}, {status}"


def _measured(event: Observation) -> str:
    code = f"{event.code.system}|{event.code.code}" if event.code is not None else "no code"
    meaning = event.analyte or "NOT MAPPED"
    if event.value is None:
        return f"{code} = {meaning}, {'a finding' if event.value_code else 'no value'}"
    problem = unit_problem(event)
    unit = f"in {event.unit}" if event.unit else "without unit"
    limits = event.reference_low is not None or event.reference_high is not None
    kind = "a limit" if event.comparator else "a number"
    return "".join(
        (
            f"{code} = {meaning}, {kind} {unit}",
            f" ({problem})" if problem else "",
            " with reference range" if limits else "",
        )
    )


def _precision(event: Event) -> str:
    at = event.effective_at
    if isinstance(at, PartialDate):
        return "month or year known"
    return "hour known" if hasattr(at, "hour") else "day known"


def _sums(totals: Totals) -> Iterator[str]:
    """The sums; the last line has always this form (docs/sources.md)."""
    for title, counts in (
        ("refused", totals.refused),
        ("ignored", totals.ignored),
        ("parts refused", totals.parts_refused),
        ("codes not mapped", totals.unmapped_codes),
        ("codes refused", totals.refused_codes),
        ("units not usable", totals.unmapped_units),
    ):
        yield from (f"{title}: {name}: {count}" for name, count in sorted(counts.items()))
    refused, ignored = totals.refused.total(), totals.ignored.total()
    yield (
        f"{totals.messages} messages: {totals.accepted} accepted, {refused} refused, "
        f"{ignored} ignored; {totals.facts} facts; {len(totals.unmapped_codes)} codes not mapped"
    )


# -- for programs


def _fields(totals: Totals) -> dict[str, Any]:
    return {
        "messages": totals.messages,
        "accepted": totals.accepted,
        "refused": _sorted(totals.refused),
        "ignored": _sorted(totals.ignored),
        "facts": totals.facts,
        "parts_refused": _sorted(totals.parts_refused),
        "unmapped_codes": _sorted(totals.unmapped_codes),
        "refused_codes": _sorted(totals.refused_codes),
        "unmapped_units": _sorted(totals.unmapped_units),
    }


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
