"""One short story for each kind of rule, told as events, and the whole replay path to run it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from services.commands.intake import Intake
from services.detector.adapters.replay import journal
from services.detector.engine.monitor import Monitor
from services.ingest.archive import Format
from support.living import rule_named

if TYPE_CHECKING:
    from pathlib import Path

Event = dict[str, Any]
Entry = dict[str, Any]


def event(kind: str, key: str, on: str, **said: Any) -> Event:
    """An event of 08:00 on a day, issued then unless said otherwise; of patient P unless said."""
    at = on if "T" in on else f"{on}T08:00:00Z"
    basic = {"type": kind, "event_id": key, "patient_id": "P", "source": "EHR"}
    return {**basic, "effective_at": at, "issued_at": at, **said}


def lab(key: str, on: str, analyte: str, value: str, unit: str, **said: Any) -> Event:
    """A result."""
    return event("observation", key, on, analyte=analyte, value=value, unit=unit, **said)


def step(key: str, on: str, phase: str, told: tuple[str, str], **said: Any) -> Event:
    """A step of course C; `told` is its condition and modality."""
    condition, modality = told
    about = {"course_id": "C", "condition": condition, "modality": modality, "phase": phase}
    return event("treatment", key, on, **{**about, **said})


def another(on: str, condition: str, modality: str, **said: Any) -> Event:
    """The start of another course, D."""
    return step("next", on, "started", (condition, modality), **{"course_id": "D", **said})


def person(key: str, on: str, **said: Any) -> Event:
    """What is told of the person."""
    return event("patient", key, on, **said)


@dataclass(frozen=True)
class Story:
    """What came before, what decides (nothing: the calendar does), when, and what is then said."""

    rule: str
    course: tuple[str, str]
    before: tuple[Event, ...]
    deciding: tuple[Event, ...]
    decided: str
    state: str
    severity: str

    @property
    def events(self) -> list[Event]:
        """The whole story."""
        return [*self.before, *self.deciding]

    def by_the_calendar(self) -> bool:
        """Whether nothing but the passing of time decides."""
        return not self.deciding


_RT, _RP = ("prostate-cancer", "radiotherapy"), ("prostate-cancer", "surgery")
_ART, _CHEMO = ("hiv", "antiretroviral"), ("colorectal-cancer", "chemotherapy")
STORIES = (
    Story(
        "PROST-PHOENIX",
        _RT,
        (
            step("rt", "2020-06-01", "completed", _RT),
            lab("nadir", "2021-12-01", "psa", "0.5", "ng/mL"),
        ),
        (lab("rise", "2023-06-01", "psa", "2.5", "ng/mL"),),
        "2023-06-01",
        "confirmed",
        "urgent",
    ),
    Story(
        "TOX-LAB-G3",
        _CHEMO,
        (
            lab("before", "2023-04-28", "platelets", "200", "10*9/L"),
            step("dose", "2023-05-01", "started", _CHEMO),
        ),
        (lab("low", "2023-06-01", "platelets", "40", "10*9/L"),),
        "2023-06-01",
        "confirmed",
        "urgent",
    ),
    Story(
        "HIV-VL-OVERDUE",
        _ART,
        (step("art", "2022-11-01", "started", _ART),),
        (),
        "2023-06-01",  # the end of the day that is seven months on
        "overdue",
        "advisory",
    ),
    Story(
        "PROST-SRT-WINDOW",
        _RP,
        (
            step("rp", "2021-02-01", "completed", _RP),
            lab("clear", "2021-06-01", "psa", "0.02", "ng/mL"),
        ),
        (lab("back", "2023-06-01", "psa", "0.22", "ng/mL"),),
        "2023-06-01",
        "window",
        "urgent",
    ),
)
"""A failure, an intolerance, something overdue, a window: each decided on the same day."""


def told(folder: Path, rule: str, *events: Event, until: str = "2023-12-31") -> list[Entry]:
    """The journal of one rule over an archive with these events: what `salvage replay` prints.

    Raises:
        AssertionError: an event was refused.
    """
    archive = folder / "events.jsonl"
    archive.write_text("".join(json.dumps(one) + "\n" for one in events))
    intake, monitor = Intake("gates", Format.EVENTS), Monitor((rule_named(rule),))
    end = datetime.combine(date.fromisoformat(until), time.max, UTC)
    entries = list(journal(intake.read([str(archive)]), monitor, until=end))
    assert intake.close()
    return [json.loads(entry.model_dump_json()) for entry in entries]


def states(entries: list[Entry]) -> list[tuple[str, str]]:
    """The days and states of a journal."""
    return [(entry["at"][:10], entry["state"]) for entry in entries]
