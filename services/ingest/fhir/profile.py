"""What a site must say about a FHIR server, because its resources don't."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from services.ingest.dialect import STANDARD as PUBLISHED
from services.ingest.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping


def _none() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Profile:
    """How to read one server. The defaults suit resources that say everything themselves.

    Attributes:
        source: name of the sending system. Not taken from `meta.source`, which some servers write
            anew with every request: a fact would get another identity with each version.
        origin: base address of the server, such as `https://ehr.example/fhir`. An absolute
            reference to anywhere else is refused, and none is ever fetched.
        server: authority under which the server's own resource ids name patients. With it
            `Patient/123` is the patient `server|123`, whatever other identifiers it has; without
            it a patient is known by identifiers alone, and `Patient/123` has to be in the Bundle.
        authority: assigning authority of identifiers without a `system`. Without it such a patient
            is refused: two hospitals' `12345` must never become one patient.
        authorities: an identifier's `system` to the authority that we use.
        persons: authorities, as we call them, whose identifiers name patients; empty: all do.
        id_types: identifier types (table 0203) of a patient, the preferred first.
        codes: the site's own test codes to our analyte keys.
        dialect: the site's own codes, units and words.
        ignored: resource types that are passed over.
        conditions: codes of diagnoses to our names of conditions, beyond the built-in ones.
        treatments: codes of procedures and medications to our modalities.
        responses: codes of conclusions to `criteria:response` or `deauville:1` to `deauville:5`.
        test_data: whether to take resources that are marked as made up for tests (HTEST).
        with_specimen: whether specimen and method split a patient's series of one analyte.
    """

    source: str = "fhir"
    origin: str | None = None
    server: str | None = None
    authority: str | None = None
    authorities: Mapping[str, str] = field(default_factory=_none)
    persons: frozenset[str] = frozenset()
    id_types: tuple[str, ...] = ("MR", "PI", "PT", "MRN")
    codes: Mapping[str, str] = field(default_factory=_none)
    dialect: Dialect = PUBLISHED
    ignored: frozenset[str] = frozenset()
    conditions: Mapping[str, str] = field(default_factory=_none)
    treatments: Mapping[str, str] = field(default_factory=_none)
    responses: Mapping[str, str] = field(default_factory=_none)
    test_data: bool = False
    with_specimen: bool = False


STANDARD = Profile()
"""A server of which nothing is known."""
