"""Canonical events from JSON: one line of bytes becomes one event, or a reason why not.

Nothing here does I/O, and no bytes make it raise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.base import describe
from schemas.deadletter import Reason
from schemas.events import EVENT, Event, Observation
from services.ingest.coding import Notice, Rejected, resolve
from services.ingest.strictjson import Unreadable, read_object

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["Decoded", "Notice", "Rejected", "decode_event"]

_TIMES = frozenset({"effective_at", "issued_at", "ended_at", "deceased_at", "birth_date"})
_NUMBERS = frozenset({"value", "reference_low", "reference_high", "sum_of_diameters_mm", "mm"})
_BY_KIND = {
    "missing": Reason.MISSING_FIELD,
    "union_tag_not_found": Reason.MISSING_FIELD,
    "union_tag_invalid": Reason.UNKNOWN_TYPE,
    "extra_forbidden": Reason.UNKNOWN_FIELD,
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """An event that was understood, and what was odd about it."""

    event: Event
    notices: tuple[Notice, ...] = ()


def decode_event(line: bytes) -> Decoded | Rejected:
    """Read one canonical event.

    Args:
        line: one JSON object in UTF-8, with or without its line end.

    Returns:
        The event, its analyte named by our key; or the reason and the field, never a value.
        An unknown analyte or unit is a notice: the event is kept, and is not evaluated.
    """
    try:
        fields = read_object(line)
        event = EVENT.validate_python(fields)
    except Unreadable as refusal:
        return Rejected(refusal.reason, refusal.detail)
    except ValidationError as error:
        return rejected(error)
    if isinstance(event, Observation):
        return Decoded(*resolve(event))
    return Decoded(event)


def rejected(error: ValidationError, part: str | None = None) -> Rejected:
    """Say why a model refused its fields; the first problem gives the reason."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    reason = _reason(first)
    if reason is Reason.UNKNOWN_TYPE:  # pydantic's own sentence quotes the tag that it was given
        return Rejected(reason, "type: not one of our types", part)
    return Rejected(reason, describe(error), part)


def _reason(problem: ErrorDetails) -> Reason:
    kind = problem["type"]
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    if kind == "value_error" and " needs " in problem["msg"]:  # the models' own checks
        return Reason.MISSING_FIELD
    fields = {str(name) for name in problem["loc"]}
    if "schema_version" in fields:
        return Reason.UNKNOWN_VERSION
    if fields & _TIMES:
        return Reason.IMPOSSIBLE_DATE
    if fields & _NUMBERS:
        return Reason.NOT_A_NUMBER
    return Reason.BAD_FIELD
