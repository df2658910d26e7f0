"""All there is to try a detector on: every data set beside the repository, and every case.

Each set's patients, and each case's, are nobody else's. A case's facts are received when the case
says; its own parameters and its `until` are those of one rule's verdict, and left aside: here all
rules judge, up to one instant.
"""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO
from itertools import chain
from typing import TYPE_CHECKING, Final

from faults.traffic import renamed
from schemas.base import as_utc
from services.commands.intake import Intake
from services.detector.rulebook.facts import events_of
from services.detector.rulebook.library import load_cases, load_rules
from services.detector.rulebook.questions import QUESTIONS
from services.detector.rulebook.runner import asked_by
from services.ingest.archive import Format
from services.ingest.fhir.profile import Profile
from services.ingest.profiles.sources import Source, Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from schemas.events import Event

_FILES: Final = {
    Format.EVENTS: ("*/events.jsonl", "*/events.jsonl.gz"),
    Format.HL7: ("hl7_*/messages/*.hl7", "hl7_*/raw/*"),
    Format.FHIR: ("fhir_*/**/*.json", "fhir_*/**/*.json.gz", "fhir_*/**/*.ndjson.gz"),
}
_ANYBODY: Final = Sources(otherwise=Source("(standard)", resource=Profile(server="EHR")))
"""Ids such as `Patient/7` name patients."""


def sets(data: Path) -> dict[str, list[Event]]:
    """The events of every set that has some, by its name, read as a feed's messages are.

    Args:
        data: the folder of the sets.
    """
    found: dict[str, list[Event]] = {}
    for form, patterns in _FILES.items():
        for path in sorted(chain.from_iterable(map(data.glob, patterns))):
            name = path.relative_to(data).parts[0]
            found.setdefault(name, []).extend(_read(path, form, f"{name}|"))
    return {name: events for name, events in sorted(found.items()) if events}


def _read(path: Path, form: Format, prefix: str) -> Iterator[Event]:
    with redirect_stderr(StringIO()):  # what it refuses is looked at by tests of the mappings
        events = renamed(Intake("sets", form, _ANYBODY).read([str(path)]), prefix)
    return map(_issued, events)


def _issued(event: Event) -> Event:
    """What names no time of issue is taken to be issued at its clinical time, as by a replay."""
    if event.issued_at is not None:
        return event
    return event.model_copy(update={"issued_at": as_utc(event.effective_at)})


def cases(every: int = 1) -> Iterator[list[Event]]:
    """The facts of every case beside the rules, or of one in so many; received when it says."""
    rules = {rule.id: rule for rule in load_rules()}
    for case in load_cases()[::every]:
        if case.rule not in QUESTIONS:  # which ask a formula, and of no patient
            told = events_of(case, asked_by(case, rules[case.rule]))
            yield renamed((event for _, event in told), f"{case.rule}/{case.id}|")


def everything(data: Path) -> list[Event]:
    """All of them."""
    together: Iterable[Iterable[Event]] = (*sets(data).values(), *cases())
    return list(chain.from_iterable(together))
