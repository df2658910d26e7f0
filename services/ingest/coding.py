"""Codes become analytes: the part of reading that is the same for every source.

An observation that no rule can evaluate is kept, not refused: the engine must be able to say
that it cannot judge it. What is odd about it is told in notices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.deadletter import Reason
from schemas.terminology import Analyte, Refusal, analyte, by_code, scale

if TYPE_CHECKING:
    from schemas.events import Observation


@dataclass(frozen=True, slots=True)
class Notice:
    """Something odd about a record that was kept; `detail` holds no value."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record, or a `part` of one, that cannot be used; `detail` holds no value."""

    reason: Reason
    detail: str
    part: str | None = None


class Refused(Exception):  # noqa: N818 - a verdict on the input, caught where it is read
    """A message, or the part of it named by `part`, cannot be used; `rejected` says why."""

    def __init__(self, reason: Reason, detail: str, part: str | None = None) -> None:
        detail = f"{part}: {detail}" if part else detail
        super().__init__(detail)
        self.rejected = Rejected(reason, detail, part)


def resolve(observation: Observation) -> tuple[Observation, tuple[Notice, ...]]:
    """Name the observation's analyte by our key, if name and code allow it.

    Returns:
        The observation with `analyte` as key, or without one where its code is refused or
        contradicts its name; and what was odd.
    """
    known, notices = _identify(observation)
    if known is None:
        named = observation.analyte
        kept = named if not notices or notices[0].reason is Reason.UNMAPPED_CODE else None
    else:
        kept = known.key
        notices += _unit_notices(observation, known)
    if kept != observation.analyte:
        observation = observation.model_copy(update={"analyte": kept})
    return observation, notices


def _identify(observation: Observation) -> tuple[Analyte | None, tuple[Notice, ...]]:
    """The analyte by name, by code, or by both if they agree."""
    by_name = analyte(observation.analyte) if observation.analyte else None
    code = observation.code
    coded = by_code(code.system, code.code) if code else None
    if isinstance(coded, Refusal):
        return None, (Notice(Reason.REFUSED_CODE, f"code: {coded.reason}"),)
    if by_name is None or coded is None:
        known = by_name or coded
        return known, () if known else (Notice(Reason.UNMAPPED_CODE, _unmapped(observation)),)
    if coded.key != by_name.key:
        return None, (Notice(Reason.CODE_CONFLICT, "code: names another analyte"),)
    return by_name, ()


def _unmapped(observation: Observation) -> str:
    return "analyte: not one of ours" if observation.analyte else "code: not mapped to an analyte"


def _unit_notices(observation: Observation, known: Analyte) -> tuple[Notice, ...]:
    if observation.value is None:
        return ()
    refused = scale(observation.unit, known)
    if not isinstance(refused, Refusal):
        return ()
    return (Notice(Reason.UNKNOWN_UNIT, f"unit: {refused.reason}"),)
