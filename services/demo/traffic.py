"""The simulated hospital's traffic: half of the patients send HL7 v2, the others canonical JSON.

Both are written from the same dispatches, so that the same care reaches the engine by either door.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from schemas.events import AdverseEvent
from services.embedded.player import Sent
from services.ingest.archive import Format
from services.ingest.hl7v2.profile import Profile
from services.simulator import hl7

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.simulator.delivery import Dispatch

PROFILE: Final = Profile(codes=MappingProxyType({"biopsy": "biopsy"}))
"""How the simulated laboratory is read: its biopsy results have a local code."""


def traffic(dispatches: Sequence[Dispatch]) -> list[Sent]:
    """Every message of a cohort, in the order of sending."""
    patients = sorted({dispatch.events[0].patient_id for dispatch in dispatches})
    modern = frozenset(patients[1::2])
    by_hl7 = [one for one in dispatches if _in_hl7(one, modern)]
    by_json = [one for one in dispatches if not _in_hl7(one, modern)]
    messages = [*_hl7(by_hl7), *_json(by_json)]
    return sorted(messages, key=lambda message: message.at)


def _in_hl7(dispatch: Dispatch, modern: frozenset[str]) -> bool:
    """Adverse events have no message in the convention, so they always come as JSON."""
    first = dispatch.events[0]
    return first.patient_id not in modern and not isinstance(first, AdverseEvent)


def _hl7(dispatches: Sequence[Dispatch]) -> Iterator[Sent]:
    for dispatch, raw in zip(dispatches, hl7.messages(dispatches), strict=True):
        yield Sent(dispatch.sent_at, Format.HL7, raw)


def _json(dispatches: Sequence[Dispatch]) -> Iterator[Sent]:
    for dispatch in dispatches:
        for event in dispatch.events:
            yield Sent(dispatch.sent_at, Format.EVENTS, event.to_json())
