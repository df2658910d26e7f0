"""What comes in, as it waits in the store: one JSON form for each kind, told apart by `type`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.alerts import AlertRevision
from schemas.base import Model, Text, digest
from schemas.events import Event
from services.notifier.cases.commands import AnyCommand
from services.notifier.delivery.parcels import Parcel
from services.notifier.store.intake import Given


class Revised(Model):
    """A revision of an alert."""

    type: Literal["revised"] = "revised"
    revision: AlertRevision


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


Incoming = Revised | Occurred | Asked | NotDelivered
INCOMING: TypeAdapter[Incoming] = TypeAdapter(Annotated[Incoming, Field(discriminator="type")])


def revised(revision: AlertRevision) -> Given:
    """A revision comes in once, whoever tells it how often."""
    key = f"alert:{revision.alert_id}:{revision.revision}"
    return Given(key, revision.patient_id, Revised(revision=revision).model_dump_json())


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
