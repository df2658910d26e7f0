"""A source profile, as its YAML file has it. What each key means is told in docs/sources.md.

Strict: an unknown key, an analyte that we don't have, a unit that is none, a time zone that no
place on Earth has are errors. A profile holds no patient's data, so its words may be quoted.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from services.ingest.profiles import words

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/ -]{0,63}$")]
Word = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
Pattern = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
Finding = Annotated[Word, AfterValidator(words.sent_finding)]
Kind = Annotated[str, AfterValidator(words.message_or_resource)]
IdType = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,5}$")]


def _yes_or_no(value: object) -> object:
    """Text of a YAML file; a word such as `no` or `off` is not taken for an answer."""
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, bool):
        return value
    raise ValueError("expected true or false")


YesOrNo = Annotated[bool, BeforeValidator(_yes_or_no)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class SenderPattern(_Part):
    """A sending system; `*` stands for any text."""

    facility: Pattern | None = Field(default=None, description="MSH-4: its name, else its id")
    application: Pattern | None = Field(default=None, description="MSH-3: likewise")
    fhir: Pattern | None = Field(default=None, description="meta.source, or the server's address")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        version2 = self.facility is not None or self.application is not None
        if version2 == (self.fhir is not None):
            raise ValueError("needs facility and/or application (HL7 v2), or fhir")
        return self


class ReceiverPattern(_Part):
    """A name under which a sender knows us; `*` stands for any text."""

    facility: Pattern | None = Field(default=None, description="MSH-6: its name, else its id")
    application: Pattern | None = Field(default=None, description="MSH-5: likewise")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.facility is None and self.application is None:
            raise ValueError("needs facility and/or application")
        return self


class CodeMeaning(_Part):
    """What a code of the sender's own stands for: one of `loinc` and `analyte`, or both."""

    system: Word | None = Field(default=None, description="as sent (OBX-3.3); without: any")
    code: Word
    loinc: Annotated[str, AfterValidator(words.loinc)] | None = None
    analyte: Annotated[str, AfterValidator(words.analyte_key)] | None = None
    note: str | None = Field(default=None, description="for people")

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        if self.loinc is None and self.analyte is None:
            raise ValueError("needs loinc or analyte")
        of_loinc = words.analyte_of_loinc(self.loinc) if self.loinc else self.analyte
        if self.analyte is not None and of_loinc != self.analyte:
            raise ValueError(f"loinc {self.loinc} is {of_loinc}, and not {self.analyte}")
        return self

    @property
    def key(self) -> str:
        """The key of the analyte."""
        return self.analyte or words.analyte_of_loinc(self.loinc or "")


class Identity(_Part):
    """Which identifiers name a patient, and by whose authority."""

    authority: Word | None = Field(default=None, description="of identifiers that name none")
    facility_is_authority: YesOrNo = Field(default=False, description="MSH-4 is it instead")
    authorities: dict[Word, Word] = Field(default={}, description="as sent: as we call it")
    only: tuple[Word, ...] = Field(
        default=(), strict=False, description="authorities, as we call them, that name patients"
    )
    types: Annotated[tuple[IdType, ...], Field(min_length=1, strict=False)] = (
        *("MR", "PI", "PT", "MRN"),
    )
    fhir_server: Word | None = Field(default=None, description="authority of `Patient/…` ids")
    fhir_origin: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None

    @model_validator(mode="after")
    def _has_one_fallback(self) -> Self:
        if self.authority is not None and self.facility_is_authority:
            raise ValueError("authority and facility_is_authority exclude each other")
        return self


class FhirConcepts(_Part):
    """The codes of a FHIR server's own."""

    conditions: dict[Word, Word] = Field(default={}, description="code of a diagnosis: its name")
    treatments: dict[Word, Annotated[str, AfterValidator(words.modality)]] = Field(default={})
    responses: dict[Word, Annotated[str, AfterValidator(words.response)]] = Field(default={})


class SourceProfile(_Part):
    """One source."""

    name: Name = Field(description="the source of its facts; it must never change")
    about: str | None = Field(default=None, description="for people")
    senders: tuple[SenderPattern, ...] = Field(
        default=(), strict=False, description="whose messages it describes; without: everybody's"
    )
    receivers: tuple[ReceiverPattern, ...] = Field(
        default=(), strict=False, description="who we are to it (HL7 v2); without: anybody"
    )
    time_zone: Annotated[str, AfterValidator(words.time_zone)] = Field(
        default="UTC", description="of times without one, where MSH-7 has none either"
    )
    charset: Annotated[str, AfterValidator(words.charset)] = Field(
        default="utf-8", description="where MSH-18 is empty"
    )
    decimal_comma: YesOrNo = False
    split_by_specimen: YesOrNo = False
    death_dispositions: tuple[Word, ...] = Field(default=(), strict=False, description="PV1-36")
    ack_policy: Literal["standard", "custody"] = "standard"
    sequence_numbers: YesOrNo = Field(default=False, description="MSH-13 is checked")
    max_silence: Annotated[str, Field(pattern=r"^[1-9]\d{0,3} (min|h|d)$")] = Field(
        default="24 h", description="after which operations have to look"
    )
    test_traffic: YesOrNo = Field(default=False, description="MSH-11 T and D; FHIR HTEST")
    ignore: tuple[Kind, ...] = Field(
        default=(), strict=False, description="message types, resource types to pass over"
    )
    identity: Identity = Identity()
    codes: tuple[CodeMeaning, ...] = Field(default=(), strict=False)
    units: dict[Word, Annotated[str, AfterValidator(words.unit)]] = Field(
        default={}, description="as sent: UCUM"
    )
    values: dict[Finding, Annotated[str, AfterValidator(words.finding_word)]] = Field(
        default={}, description="a finding as sent: our word"
    )
    fhir: FhirConcepts = FhirConcepts()

    @model_validator(mode="after")
    def _says_each_code_once(self) -> Self:
        seen: set[tuple[str | None, str]] = set()
        for one in self.codes:
            if (one.system, one.code) in seen:
                raise ValueError(f"codes: {one.code!r} of the same system again")
            seen.add((one.system, one.code))
        return self
