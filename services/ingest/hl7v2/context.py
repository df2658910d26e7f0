"""What holds for a whole message: its sender, its time, the zone of its times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.deadletter import Reason
from services.ingest.hl7v2.codec import Refused
from services.ingest.hl7v2.identity import source_of
from services.ingest.hl7v2.times import clinical_time, effective_time, moment, offset

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo

    from schemas.partial import Effective
    from services.ingest.hl7v2.codec import Segment
    from services.ingest.hl7v2.profile import Profile


@dataclass(frozen=True, slots=True)
class Context:
    """The sender and the time of a message."""

    profile: Profile
    source: str
    sent_at: datetime | None
    zone: tzinfo

    @classmethod
    def of(cls, header: Segment, profile: Profile) -> Context:
        """Read MSH.

        Raises:
            Refused: no sender, traffic of a kind not accepted here or for somebody else, or a
                time that cannot be.
        """
        if not _for_us(header, profile):
            raise Refused(Reason.OTHER_RECEIVER, "not one of our names", "MSH-5")
        if header.get(11).upper() not in profile.processing_ids:
            raise Refused(Reason.REFUSED_PROCESSING, "not accepted here", "MSH-11")
        text = header.get(7)
        try:
            zone = offset(text) or profile.zone
            sent_at = moment(text, zone) if text else None
        except ValueError as error:
            raise Refused(Reason.IMPOSSIBLE_DATE, str(error), "MSH-7") from None
        return cls(profile, source_of(header, profile), sent_at, zone)

    def time(self, text: str, where: str) -> date | datetime:
        """Read a time of this message.

        Raises:
            Refused: it cannot be read; `where` names the field.
        """
        try:
            return clinical_time(text, self.zone)
        except ValueError as error:
            raise Refused(Reason.IMPOSSIBLE_DATE, str(error), where) from None

    def effective(self, text: str, where: str) -> Effective:
        """Read when something was true of the patient, be it only to the month or the year.

        Raises:
            Refused: it cannot be read; `where` names the field.
        """
        try:
            return effective_time(text, self.zone)
        except ValueError as error:
            raise Refused(Reason.IMPOSSIBLE_DATE, str(error), where) from None

    def moment(self, text: str, where: str) -> datetime | None:
        """Read a time of this message that should have an hour; None for a bare day.

        Raises:
            Refused: it cannot be read; `where` names the field.
        """
        try:
            return moment(text, self.zone)
        except ValueError as error:
            raise Refused(Reason.IMPOSSIBLE_DATE, str(error), where) from None


def _for_us(header: Segment, profile: Profile) -> bool:
    """Whether MSH-5 and MSH-6, of each the first component, else the second, name us."""
    application, facility = (header.get(number) or header.get(number, 2) for number in (5, 6))
    named = any(one.fits(application, facility) for one in profile.receivers)
    return named or not profile.receivers
