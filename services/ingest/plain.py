"""A plain observation as the fast reader gives it: small, since nearly all that is kept is these.

Results of one test from one laboratory differ in who, when and how much. All else they have in
common, and that stands once, in their form.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal  # noqa: TC003 - msgspec looks it up
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from schemas.events import Coding, Comparator, Observation, Status

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
    length: int
    quotes: int


_SHARED = tuple(
    name for name in PlainForm.__struct_fields__ if name not in {"code", "length", "quotes"}
)


class PlainObservation(Struct, frozen=True, gc=False):
    """An observation, read and valid: the fields of `schemas.events.Observation`.

    Its times are read only as far as it takes to compare them; as objects they are made when
    somebody asks, which is at few of all results.

    Attributes:
        effective_text, issued_text: the times as they were written.
        day: ordinal of the clinical day as written.
        at: clinical instant, in microseconds UTC since 1970; of a bare date its first moment.
        precise: whether the hour is known.
        issued: instant of issue.
    """

    form: PlainForm
    event_id: str
    patient_id: str
    effective_text: str
    issued_text: str | None
    value: Decimal | None
    day: int
    at: int
    precise: bool
    issued: int | None

    type: ClassVar[Literal["observation"]] = "observation"
    schema_version: ClassVar[Literal[1]] = 1

    @property
    def effective_at(self) -> date | datetime:
        """The clinical time."""
        text = self.effective_text
        return datetime.fromisoformat(text) if self.precise else date.fromisoformat(text)

    @property
    def issued_at(self) -> datetime | None:
        """When this version was released."""
        return None if self.issued_text is None else datetime.fromisoformat(self.issued_text)

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
            code = Coding(system=form.code.system, code=form.code.code, display=form.code.display)
        return Observation.model_construct(
            type="observation",
            event_id=self.event_id,
            patient_id=self.patient_id,
            effective_at=self.effective_at,
            issued_at=self.issued_at,
            value=self.value,
            code=code,
            **{name: getattr(form, name) for name in _SHARED},
        )

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]:
        """As the model dumps itself, so that a digest doesn't tell who read the line."""
        return self.as_event().model_dump(mode=mode)


_FORM = frozenset({*_SHARED, "code"})
