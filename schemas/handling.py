"""Handlings: what was done about dead letters that lie on a topic.

A topic is only ever added to, so what becomes of a letter is told by records of their own: the
letter stays as it was written, and all that was done about it stays beside it, in its order.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.base import Message, Moment, Text
from schemas.deadletter import Where


class Step(StrEnum):
    """What was done."""

    CLAIMED = "claimed"  # somebody is about to send it again; ends by itself
    RELEASED = "released"  # and didn't
    REPLAYED = "replayed"  # what was received is on its way again
    DROPPED = "dropped"  # nothing is to become of it, for a reason that a person gave


class Handling(Message):
    """One thing done about one dead letter.

    The same bytes that come twice make two letters with one id; `where` tells them apart.
    """

    letter: Text = Field(description="the letter's id")
    where: Where = Field(description="where the record stood that the letter is about")
    step: Annotated[Step, Field(strict=False)]
    attempt: Text = Field(description="the run of the command; others have others")
    by: Text = Field(description="the operator's account")
    at: Moment
    because: Text | None = Field(default=None, description="why it was dropped; no patient's data")
    tries: Annotated[int, Field(ge=2)] | None = Field(
        default=None, description="how often it will have been read, of what is replayed"
    )

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if (self.step is Step.DROPPED) is (self.because is None):
            raise ValueError("a reason belongs to dropping, and only to that")
        return self
