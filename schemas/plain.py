"""A plain observation as the fast reader gives it: small, since nearly all that is kept is these.

Results of one test from one laboratory differ in who, when and how much. All else they have in
common, and that stands once, in their form.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict

from schemas.assembly import assembled
from schemas.base import SCHEMA_VERSION, text_of_moment
from schemas.events import Coding, Comparator, Observation, Status
from schemas.remembered import Memo

__all__ = ["PlainCoding", "PlainForm", "PlainObservation", "PlainText"]

PlainText = Annotated[str, Meta(min_length=1, max_length=256)]
"""As `schemas.base.Text`; that it holds no control character, the reader sees for a whole line."""


class PlainCoding(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A code from a terminology; mirrors `schemas.events.Coding`."""

    system: PlainText
    code: PlainText
    display: PlainText | None = None


class PlainForm(Struct, frozen=True, eq=False, gc=False):
    """What many results have in common, read and valid: fields of `schemas.events.Observation`.

    Results with equal ones share one form, so that it serves as a key by its identity.

    Attributes:
        said: what it was made of, as it is written.
        length, quotes: how many signs, and how many quotation marks of these, a line takes that
            says this, besides the texts of the other fields.
    """

    source: str
    status: Status
    analyte: str
    code: PlainCoding | None
    comparator: Comparator | None
    unit: str | None
    value_code: str | None
    reference_low: Decimal | None
    reference_high: Decimal | None
    specimen: str | None
    method: str | None
    said: tuple[Any, ...]
    length: int
    quotes: int


_SHARED = tuple(
    name for name in PlainForm.__struct_fields__ if name not in {"code", "said", "length", "quotes"}
)


class PlainObservation(Struct, frozen=True, gc=False):
    """An observation, read and valid: the fields of `schemas.events.Observation`.

    Its times are read only as far as it takes to compare them; as objects they are made when
    somebody asks, which is at few of all results. Their text isn't kept: instant and zone say it.

    Attributes:
        day: ordinal of the clinical day as written.
        at: clinical instant, in microseconds UTC since 1970; of a bare date its first moment.
        zone: of the clinical time; None: a bare date, of which the hour is not known.
        issued: instant of issue, and `issued_zone` its zone.
    """

    form: PlainForm
    event_id: str
    patient_id: str
    value: Decimal | None
    day: int
    at: int
    zone: tzinfo | None
    issued: int | None
    issued_zone: tzinfo | None

    type: ClassVar[Literal["observation"]] = "observation"
    schema_version: ClassVar[Literal[1]] = 1

    @property
    def effective_at(self) -> date | datetime:
        """The clinical time."""
        return date.fromordinal(self.day) if self.zone is None else _written(self.at, self.zone)

    @property
    def issued_at(self) -> datetime | None:
        """When this version was released."""
        if self.issued is None or self.issued_zone is None:
            return None
        return _written(self.issued, self.issued_zone)

    @property
    def unit(self) -> str | None:
        """The unit as it was written; a property of its own, since every alert asks for it."""
        return self.form.unit

    @property
    def comparator(self) -> Comparator | None:
        """On which side of the value it lies; likewise."""
        return self.form.comparator

    def __getattr__(self, name: str) -> Any:
        """What else stands in the form."""
        if name not in _FORM:
            raise AttributeError(name)
        return getattr(self.form, name)

    def as_event(self) -> Observation:
        """The same as the model that the strict reader gives. Nothing is left to validate."""
        form, code = self.form, None
        if form.code is not None:
            code = assembled(Coding, asdict(form.code))
        return assembled(
            Observation,
            {
                "schema_version": SCHEMA_VERSION,
                "event_id": self.event_id,
                "patient_id": self.patient_id,
                "source": form.source,
                "effective_at": self.effective_at,
                "issued_at": self.issued_at,
                "status": form.status,
                "type": "observation",
                "analyte": form.analyte,
                "code": code,
                "value": self.value,
                "comparator": form.comparator,
                "unit": form.unit,
                "value_code": form.value_code,
                "reference_low": form.reference_low,
                "reference_high": form.reference_high,
                "specimen": form.specimen,
                "method": form.method,
            },
        )

    def to_json(self) -> bytes:
        """As the model writes itself; what results of a form have in common is written once."""
        before, between, rest, last = _WRITTEN[self.form]
        at, issued, value = self.at, self.issued, self.value
        when = _DAYS[self.day] if self.zone is None else _text(at, self.zone)
        told = "" if issued is None or self.issued_zone is None else _text(issued, self.issued_zone)
        return (
            f'{{"schema_version":1,"event_id":"{self.event_id}","patient_id":"{self.patient_id}"'
            f"{before}{when}{between}{told}{rest}{'' if value is None else str(value)}{last}"
        ).encode()

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]:
        """As the model dumps itself, so that a digest doesn't tell who read the line."""
        return self.as_event().model_dump(mode=mode)


_FORM = frozenset({*_SHARED, "code"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _written(at: int, zone: tzinfo) -> datetime:
    """A moment as its source wrote it."""
    moment = _EPOCH + timedelta(microseconds=at)
    return moment if zone is UTC else moment.astimezone(zone)


def _text(at: int, zone: tzinfo) -> str:
    """A moment as the model writes it: few hours and few times of an hour, again and again."""
    if zone is not UTC:
        return text_of_moment(_written(at, zone))
    hour, past = divmod(at, _US_PER_HOUR)
    return _HOURS[hour] + _PAST[past]


_US_PER_HOUR = 3_600_000_000
_UP_TO_HOUR = len("YYYY-MM-DDThh")
_DAYS: Memo[int, str] = Memo(lambda day: date.fromordinal(day).isoformat())
_HOURS: Memo[int, str] = Memo(
    lambda hour: text_of_moment(_written(hour * _US_PER_HOUR, UTC))[:_UP_TO_HOUR]
)
_PAST: Memo[int, str] = Memo(lambda past: text_of_moment(_written(past, UTC))[_UP_TO_HOUR:])


def _around(form: PlainForm) -> tuple[str, str, str, str]:
    """The JSON of a form's results behind the patient, cut where times and value stand."""
    *_, valueless, unissued = form.said
    value, issued = None if valueless else Decimal(0), None if unissued else 0
    sample = PlainObservation(form, "-", "-", value, 0, 0, UTC, issued, UTC)
    _, _, text = sample.as_event().to_json().decode().partition('"patient_id":"-"')
    before, rest = _cut(text, "effective_at", text_of_moment(_EPOCH))
    between, rest = ("", rest) if unissued else _cut(rest, "issued_at", text_of_moment(_EPOCH))
    rest, last = (rest, "") if valueless else _cut(rest, "value", "0")
    return before, between, rest, last


def _cut(text: str, name: str, sample: str) -> tuple[str, str]:
    """What stands before a field's sample, and behind it; no text holds a quotation mark."""
    before, mark, rest = text.partition(f'"{name}":"')
    return before + mark, rest.removeprefix(sample)


_WRITTEN = Memo(_around, 8_192)
