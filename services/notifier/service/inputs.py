"""What comes in, as it waits in the store: one JSON form for each kind, told apart by `type`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from schemas.alerts import AlertRevision
from schemas.base import Model, Moment, Text, digest
from schemas.events import Event
from services.notifier.cases.case import Case, Course
from services.notifier.cases.commands import AnyCommand
from services.notifier.delivery.parcels import Parcel
from services.notifier.store.intake import Given
from services.runtime.trace import ids_of

HANDED: Final = "merge:"
"""So begin the keys of what one record hands to another: it comes before other news."""


class Revised(Model):
    """A revision of an alert, and the `traceparent` with which it came."""

    type: Literal["revised"] = "revised"
    revision: AlertRevision
    trace: Text | None = None


class Occurred(Model):
    """A clinical event of the patient."""

    type: Literal["occurred"] = "occurred"
    event: Event


class Asked(Model):
    """A person's command about the case of a course."""

    type: Literal["asked"] = "asked"
    course_id: Text | None = None
    command: Annotated[AnyCommand, Field(discriminator="type")]


class NotDelivered(Model):
    """No channel could carry a message."""

    type: Literal["not-delivered"] = "not-delivered"
    parcel: Parcel


class Known(Model):
    """What is known of a course, and when its source said so."""

    course: Course
    issued_at: Moment


class Handed(Model):
    """All that belongs to a record that was merged into another: it is the other's from now on."""

    type: Literal["handed"] = "handed"
    cases: tuple[Case, ...] = Field(strict=False)
    courses: tuple[Known, ...] = Field(strict=False)
    care_team: Text | None = None
    care_team_at: Moment | None = None


class Separated(Model):
    """These records are not this patient's: a merge was taken back."""

    type: Literal["separated"] = "separated"
    records: tuple[Text, ...] = Field(strict=False)


class Rerostered(Model):
    """The owner of a course's case, or its team, may be in the roster no more."""

    type: Literal["rerostered"] = "rerostered"
    course_id: Text | None = None


Incoming = Revised | Occurred | Asked | NotDelivered | Handed | Separated | Rerostered
INCOMING: TypeAdapter[Incoming] = TypeAdapter(Annotated[Incoming, Field(discriminator="type")])


def revised(revision: AlertRevision, trace: str | None = None) -> Given:
    """A revision comes in once, whoever tells it how often."""
    key = f"alert:{revision.alert_id}:{revision.revision}"
    ids = ids_of(trace)
    body = Revised(revision=revision, trace=None if ids is None else str(ids))
    return Given(key, revision.patient_id, body.model_dump_json())


def occurred(event: Event) -> Given:
    """A version of a clinical event comes in once."""
    body = Occurred(event=event).model_dump_json()
    return Given(f"event:{digest(body)}", event.patient_id, body)


def asked(patient_id: str, course_id: str | None, command: AnyCommand, key: str) -> Given:
    """A command comes in once for each key; whoever asks chooses it."""
    body = Asked(course_id=course_id, command=command).model_dump_json()
    return Given(f"command:{key}", patient_id, body)


def not_delivered(parcel: Parcel) -> Given | None:
    """What no channel could carry comes back to its case; None if it is about several."""
    if parcel.origin is None:
        return None
    body = NotDelivered(parcel=parcel).model_dump_json()
    return Given(f"failed:{parcel.parcel_id}", parcel.origin.patient_id, body)


def handed(to: str, given: Handed | Separated, number: str) -> Given:
    """What a merge moves comes in once for each time that it was moved, by its number."""
    return Given(f"{HANDED}{given.type}:{to}:{number}", to, given.model_dump_json())


def forwarded(key: str, given: Incoming, to: str) -> Given:
    """What came for a merged record goes on to where its cases are."""
    return Given(f"{key}>{to}", to, given.model_dump_json())


def rerostered(case: Case) -> Given:
    """A case is looked at for a roster once for each of its revisions."""
    body = Rerostered(course_id=case.course.course_id).model_dump_json()
    return Given(f"roster:{case.case_id}:{case.revision}", case.course.patient_id, body)
