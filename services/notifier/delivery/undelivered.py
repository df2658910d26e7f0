"""A channel that fails is the same to a patient as a person who does not answer. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.words import CaseState

if TYPE_CHECKING:
    from datetime import datetime

    from services.notifier.cases.case import Case
    from services.notifier.delivery.parcels import Parcel


def next_rung_now(case: Case, parcel: Parcel, now: datetime) -> Case | None:
    """The case with its next rung due at once, because this one could not be told.

    Returns:
        None where that changes nothing: the case has gone on meanwhile, somebody looks after it,
        or there is no further rung.
    """
    climb = case.climb
    climbing = case.state in (CaseState.TRIAGE, CaseState.ASSIGNED)
    if climb is None or not climbing or not climb.starts or parcel.rung is None:
        return None
    if climb.rung != parcel.rung + 1:
        return None
    sooner = climb.model_copy(update={"starts": (now, *climb.starts[1:]), "held": None})
    return case.model_copy(update={"climb": sooner})
