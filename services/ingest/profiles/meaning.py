"""A profile in the words of the readers: of HL7 v2, of FHIR, and of the MLLP gate."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from services.ingest.dialect import ANY_SYSTEM, Dialect, plain
from services.ingest.fhir import profile as fhir
from services.ingest.hl7v2 import profile as hl7
from services.ingest.hl7v2.observations import LOINC
from services.ingest.profiles.patterns import ANY
from services.ingest.profiles.sources import Sender, Source
from services.ingest.profiles.words import zone_of

if TYPE_CHECKING:
    from services.ingest.profiles.model import SenderPattern, SourceProfile

_LIVE, _TESTED = frozenset({"P"}), frozenset({"P", "T", "D"})
_SECONDS = {"min": 60, "h": 3600, "d": 86400}
_LOINC_NAMES = frozenset({"LN", "LOINC", "LNC"})


def source_of(profile: SourceProfile) -> Source:
    """What a profile asks of us."""
    return Source(
        name=profile.name,
        senders=tuple(map(_sender, profile.senders)),
        message=_message(profile),
        resource=_resource(profile),
        by_facility=profile.identity.facility_is_authority,
        custody=profile.ack_policy == "custody",
        numbered=profile.sequence_numbers,
        max_silence=_seconds(profile.max_silence),
    )


def _seconds(duration: str) -> float:
    number, unit = duration.split()
    return float(int(number) * _SECONDS[unit])


def _sender(pattern: SenderPattern) -> Sender:
    if pattern.fhir is not None:
        return Sender(fhir=pattern.fhir)
    return Sender(pattern.facility or ANY, pattern.application or ANY)


def _dialect(profile: SourceProfile) -> Dialect:
    codes = {(_system(one.system), one.code): one.key for one in profile.codes}
    words = {plain(sent): ours for sent, ours in profile.values.items()}
    return Dialect(
        MappingProxyType(codes), MappingProxyType(dict(profile.units)), MappingProxyType(words)
    )


def _system(sent: str | None) -> str:
    """A coding system as the readers name it."""
    return LOINC if sent in _LOINC_NAMES else sent or ANY_SYSTEM


def _message(profile: SourceProfile) -> hl7.Profile:
    identity = profile.identity
    return hl7.Profile(
        source=profile.name,
        zone=zone_of(profile.time_zone),
        charset=profile.charset,
        authority=identity.authority,
        authorities=MappingProxyType(dict(identity.authorities)),
        persons=frozenset(identity.only),
        id_types=identity.types,
        receivers=tuple(
            hl7.Receiver(one.application or ANY, one.facility or ANY) for one in profile.receivers
        ),
        processing_ids=_TESTED if profile.test_traffic else _LIVE,
        dialect=_dialect(profile),
        ignored=frozenset(profile.ignore),
        decimal_comma=profile.decimal_comma,
        death_dispositions=frozenset(profile.death_dispositions),
        with_specimen=profile.split_by_specimen,
    )


def _resource(profile: SourceProfile) -> fhir.Profile:
    identity, own = profile.identity, profile.fhir
    return fhir.Profile(
        source=profile.name,
        origin=identity.fhir_origin,
        server=identity.fhir_server,
        authority=identity.authority,
        authorities=MappingProxyType(dict(identity.authorities)),
        persons=frozenset(identity.only),
        id_types=identity.types,
        dialect=_dialect(profile),
        ignored=frozenset(profile.ignore),
        conditions=MappingProxyType(dict(own.conditions)),
        treatments=MappingProxyType(dict(own.treatments)),
        responses=MappingProxyType(dict(own.responses)),
        test_data=profile.test_traffic,
        with_specimen=profile.split_by_specimen,
    )
