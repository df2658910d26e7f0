"""Research notices: that somebody, nobody says who, may be a candidate for salvage treatment.

For teams of trials, and only of what a site shares: pseudonyms instead of ids, shifted dates
instead of dates, bands instead of values, and no text that anybody wrote. Who is meant, the care
team knows.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.alerts import Severity
from schemas.base import Day, Message, Model, Text

Pseudonym = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class Stage(StrEnum):
    """What is said of the course."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    WINDOW = "window"
    WITHDRAWN = "withdrawn"  # what was said before does not hold any more


class LineBand(StrEnum):
    """The line of treatment."""

    FIRST = "1"
    SECOND = "2"
    LATER = "3+"
    UNKNOWN = "not known"


class Band(Model):
    """One thing that bears on whether salvage is possible, as a band of its values."""

    item: Text
    band: Text


class ResearchNotice(Message):
    """What is known of one finding; a later one of the same `finding` takes its place."""

    finding: Pseudonym = Field(description="the same in all notices about one finding")
    revision: Annotated[int, Field(ge=1)] = Field(description="later ones are greater")
    subject: Pseudonym = Field(description="the same in all notices about one patient")
    course: Pseudonym | None = Field(default=None, description="of treatment")
    condition: Text = Field(description="one of those that the site shares")
    line: Annotated[LineBand, Field(strict=False)]
    rule: Text = Field(description="one of those that the site shares")
    stage: Annotated[Stage, Field(strict=False)]
    severity: Annotated[Severity, Field(strict=False)]
    known_on: Day = Field(description="when it could be known; shifted, as all of a subject's days")
    evidence_on: Day | None = Field(default=None, description="shifted; none if not to the day")
    act_by: Day | None = Field(default=None, description="shifted")
    readiness: tuple[Band, ...] = Field(default=(), strict=False)
