"""What can be read of a fact: the fields of its event, as conditions may ask for them."""

from __future__ import annotations

from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from schemas.terminology.causality import kind_of_reason
from services.detector.engine import lesions
from services.detector.engine.fields import NOT_SAID

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.fact import Fact

_MILLIGRAMS = {"mg": Decimal(1), "g": Decimal(1000), "ug": Decimal("0.001")}
_VERDICTS = ("response", "deauville", "sum_of_diameters_mm", "new_lesions")
"""The forms in which a report may give its verdict."""


def number_read(field: str | None) -> Callable[[Fact], Decimal | None]:
    """How the number of a fact is read: that of a field, else its value as a reference."""
    return _REFERENCE if field is None else _number(FIELDS[field])


def whole(read: Callable[[Fact], Any]) -> Callable[[Fact], Decimal | None]:
    """A whole number as an exact one."""

    def number(fact: Fact) -> Decimal | None:
        value = read(fact)
        return None if value is None else Decimal(value)

    return number


def code(fact: Fact) -> str | None:
    """What a result says in coded form."""
    return fact.code


_REFERENCE: Callable[[Fact], Decimal | None] = attrgetter("reference")


def _number(read: Callable[[Fact], Any]) -> Callable[[Fact], Decimal | None]:
    def number(fact: Fact) -> Decimal | None:
        found = read(fact)
        return found if isinstance(found, Decimal) else None

    return number


def _plain(name: str) -> Callable[[Fact], Any]:
    return lambda fact: getattr(fact.event, name, None)


def _whole(name: str) -> Callable[[Fact], Decimal | None]:
    return whole(_plain(name))


def _said(name: str) -> Callable[[Fact], Any]:
    """A reported verdict; missing only in a report that gives no verdict in any other form.

    A report with a sum of diameters but no response has not left the response unsaid: it says
    nothing about it, and conditions on it are false, not unknown.
    """

    def read(fact: Fact) -> Any:
        value = getattr(fact.event, name, None)
        if value is not None:
            return Decimal(value) if isinstance(value, int) else value
        silent = all(getattr(fact.event, one, None) is None for one in _VERDICTS)
        return None if silent else NOT_SAID

    return read


def _new_lesions(fact: Fact) -> Any:
    """A report that lists no new lesion has none."""
    return getattr(fact.event, "new_lesions", None) or ()


def _new_sum(fact: Fact) -> Any:
    size = lesions.size_of_new(fact)
    return NOT_SAID if size is None else size


def _milligrams(fact: Fact) -> Decimal | None:
    """The amount of a dose, per day or at once; None where it isn't given as a mass."""
    factor = _MILLIGRAMS.get((fact.event.dose_unit or "").removesuffix("/d"))
    dose: Decimal | None = fact.event.dose
    return None if dose is None or factor is None else dose * factor


def _kind_of_reason(fact: Fact) -> str | None:
    """Why a step of treatment was taken, as one of a few kinds of reasons."""
    reason: str | None = fact.event.reason
    return None if reason is None else kind_of_reason(reason)


def _method(fact: Fact) -> Any:
    return fact.event.method or NOT_SAID


def _test(fact: Fact) -> Any:
    """The code under which a result was sent."""
    return NOT_SAID if fact.event.code is None else fact.event.code.code


def _code_beside(fact: Fact) -> Any:
    """The coded part of a result; a number that came without a word says nothing more."""
    return NOT_SAID if fact.code is None and fact.value is not None else fact.code


FIELDS: Final[dict[str, Callable[[Fact], Any]]] = {
    "action_taken": _plain("action_taken"),
    "analyte": lambda fact: fact.topic,
    "code": _code_beside,
    "cycle": _whole("cycle"),
    "deauville": _said("deauville"),
    "dose": _milligrams,
    "drug": _plain("drug"),
    "grade": _whole("grade"),
    "level": _whole("dose_level"),
    "line": _whole("line"),
    "method": _method,
    "new_lesions": _new_lesions,
    "new_sum": _new_sum,
    "phase": _plain("phase"),
    "reason": _kind_of_reason,
    "regimen": _plain("regimen"),
    "response": _said("response"),
    "sum": _plain("sum_of_diameters_mm"),
    "term": _plain("term"),
    "test": _test,
    "timepoint": _plain("timepoint"),
}
"""Fields that a condition may ask of a fact."""

COURSE: Final[dict[str, Callable[[Fact], Any]]] = {
    "condition": _plain("condition"),
    "drug_classes": _plain("drug_classes"),
    "intent": _plain("intent"),
    "line": _plain("line"),
    "modality": _plain("modality"),
    "regimen": _plain("regimen"),
}
"""Fields that a condition may ask of the course: what its own treatment facts say."""

IN_ALL_STEPS: Final = frozenset({"condition", "modality"})
"""What every step of a course says."""
