"""The forms of a case's deeds: their fields with words, and what stands in them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from services.notifier.inbox import casewords
from services.notifier.inbox.pages import times

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from services.notifier.inbox.reading.contract import CaseView, DeedForm, Field

BUTTONS: Final = frozenset({"acknowledge", "start", "accept", "decline", "wake"})
"""Deeds that are one press: nothing has to be filled in."""

DISPOSING: Final = "disposition"


def pressed(form: DeedForm) -> bool:
    """Whether a deed is a button, without a form that opens."""
    return form.deed in BUTTONS and not any(field.required for field in visible(form))


def visible(form: DeedForm) -> list[Field]:
    """The fields that somebody fills in."""
    return [field for field in form.fields if field.kind != "hidden"]


def hidden(form: DeedForm) -> list[Field]:
    """The fields that are sent as they are."""
    return [field for field in form.fields if field.kind == "hidden"]


def value(field: Field, form: DeedForm, view: CaseView, zone: ZoneInfo) -> str:
    """What stands in a field: what had been filled in, else its beginning."""
    if view.draft.get("deed") == form.deed and field.name in view.draft:
        return view.draft[field.name]
    if field.kind == "moment" and field.value:
        return _local(field.value, zone)
    return field.value


def _local(text: str, zone: ZoneInfo) -> str:
    """A moment as its field wants it; what has no zone is the reader's already."""
    at = datetime.fromisoformat(text)
    return times.field(at, zone) if at.tzinfo else text


def is_open(form: DeedForm, view: CaseView) -> bool:
    """Whether a form stands open: the one that was refused."""
    return bool(view.refused) and view.draft.get("deed") == form.deed


def name(field: Field) -> str:
    """What a field is called."""
    return casewords.FIELDS.get(field.name, field.name.replace("_", " ").capitalize())
