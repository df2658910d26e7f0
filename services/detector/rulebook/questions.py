"""Cases that ask no rule but what all rules stand on: units, result texts, versions, ranges.

The catalogue writes them like the cases of a rule: `rule` names the question (`u.convert`), `ctx`
holds what is asked, and what is expected are the fields of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Final

from schemas.base import parse_number
from schemas.events import EVENT
from schemas.terminology import derived
from schemas.terminology.analytes import Analyte, analyte
from schemas.terminology.causality import counts_as_caused
from schemas.terminology.refusals import Refusal
from schemas.terminology.results import Result, parse_result, upper_limit
from schemas.terminology.units import convert
from services.detector.engine.fact import Fact
from services.detector.engine.instants import instant
from services.detector.engine.timeline import Timeline
from services.detector.language.errors import RuleError

if TYPE_CHECKING:
    from services.detector.language.ast import Place
    from services.detector.rulebook.cases import Case, Plain

Answer = Mapping[str, str | None]
_MATH: Final = Context(prec=28)
_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
_SEXES: Final[dict[str, derived.Sex]] = {"M": "male", "F": "female"}


class _Asked:
    """The `ctx` of a case, and where it stands."""

    def __init__(self, case: Case) -> None:
        self.says = case.context
        self.place: Place = case.place

    def text(self, key: str) -> str | None:
        """A single value; None if it isn't there, or is null."""
        value = self.says.get(key)
        if value is not None and not isinstance(value, str):
            raise RuleError(self.place, f"ctx: `{key}` is not a single value")
        return value

    def need(self, key: str) -> str:
        """A single value that must be there."""
        value = self.text(key)
        if value is None:
            raise RuleError(self.place, f"ctx: `{key}` is missing")
        return value

    def number(self, key: str) -> Decimal | None:
        """A number; None if it isn't there."""
        value = self.text(key)
        return None if value is None else self.as_number(key, value)

    def as_number(self, key: str, value: str) -> Decimal:
        """A text as a number."""
        try:
            return parse_number(value)
        except ValueError:
            raise RuleError(self.place, f"ctx: `{key}` is not a number") from None

    @property
    def sex(self) -> derived.Sex | None:
        """As the formulas know it."""
        told = self.text("sex")
        return None if told is None else _SEXES.get(told)

    def analyte(self) -> Analyte:
        """The analyte that is asked about."""
        found = analyte(self.need("analyte"))
        if found is None:
            raise RuleError(self.place, "ctx: no such `analyte`")
        return found


def _convert(asked: _Asked) -> Answer:
    factors = {
        key: asked.as_number(key, value)
        for key, value in asked.says.items()
        if key not in {"analyte", "v", "from", "to"} and isinstance(value, str)
    }
    value = asked.as_number("v", asked.need("v"))
    found = convert(value, asked.text("from"), asked.need("to"), asked.analyte(), **factors)
    return {"value": None if isinstance(found, Refusal) else _plain(found)}


def _derive(asked: _Asked) -> Answer:
    formula = _FORMULAS.get(asked.need("f"))
    if formula is None:
        raise RuleError(asked.place, "ctx: no such formula", ", ".join(_FORMULAS))
    found = formula(asked)
    return {"value": None if found is None else _plain(found)}


def _corrected_calcium(asked: _Asked) -> Decimal | None:
    calcium, albumin = asked.number("ca"), asked.number("alb")
    match asked.need("u"):
        case "mg/dL":
            return derived.corrected_calcium(calcium, albumin, "mg/dL")
        case "mmol/L":
            return derived.corrected_calcium(calcium, albumin, "mmol/L")
        case _:
            raise RuleError(asked.place, "ctx: `u`", "mg/dL or mmol/L")


def _ckd_epi(asked: _Asked) -> Decimal | None:
    return derived.ckd_epi_2021(asked.number("s"), _whole(asked.number("age")), asked.sex)


def _cockcroft_gault(asked: _Asked) -> Decimal | None:
    age, weight = _whole(asked.number("age")), asked.number("wt")
    return derived.cockcroft_gault(asked.number("s"), age, weight, asked.sex)


def _qtcf(asked: _Asked) -> Decimal | None:
    rate = asked.number("hr")
    between = asked.number("rr") if rate is None else _MATH.divide(Decimal(60_000), rate)
    return derived.qtc_fridericia(asked.number("qt"), between)


_FORMULAS: Final[dict[str, Callable[[_Asked], Decimal | None]]] = {
    "corr_ca": _corrected_calcium,
    "ckdepi2021": _ckd_epi,
    "cg": _cockcroft_gault,
    "qtcf": _qtcf,
}


def _parse(asked: _Asked) -> Answer:
    result = parse_result(asked.need("s"))
    return {
        "kind": result.kind.value,
        "n": _linear(result),
        "detected": None if result.detected is None else str(result.detected).lower(),
    }


def _linear(result: Result) -> str | None:
    """The number on the linear scale."""
    if result.number is None:
        return None
    number = result.number
    return _plain(_MATH.power(Decimal(10), number) if result.logarithmic else number)


def _compare(asked: _Asked) -> Answer:
    limit = asked.as_number("c", asked.need("c"))
    truth = parse_result(asked.need("s")).compare(asked.need("op"), limit)
    return {"value": "unknown" if truth is None else str(truth).lower()}


def _upper_limit(asked: _Asked) -> Answer:
    given = asked.says.get("cfg")
    configured: dict[str, Decimal] = {
        _SEXES[sex]: asked.as_number("cfg", value)
        for sex, value in (given.items() if isinstance(given, dict) else ())
        if sex in _SEXES and isinstance(value, str)
    }
    found = upper_limit(asked.text("range"), sex=asked.sex, configured=configured)
    return {"value": None if found is None else _plain(found)}


def _attribution(asked: _Asked) -> Answer:
    """Whether an adverse event counts as caused: what rules ask as `attributed(f)`."""
    return {"value": str(counts_as_caused(asked.text("rel"))).lower()}


# ---------------------------------------------------------------- versions


_STATUSES: Final = {
    "P": "preliminary",
    "S": "preliminary",
    "R": "preliminary",
    "F": "final",
    "B": "final",
    "U": "final",
    "C": "corrected",
    "A": "corrected",
    "X": "cancelled",
    "W": "entered-in-error",
    "D": "entered-in-error",
}
"""HL7 table 0085; catalogue of infectious diseases and toxicity, C4."""


def _status(asked: _Asked) -> Answer:
    """What stands of one result after its messages: merged as live ones are."""
    told = asked.says.get("msgs")
    messages = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    timeline = Timeline()
    for message in messages:
        version = _version(asked, message, messages)
        if version is not None:
            timeline.merge(version)
    usable = [fact for fact in timeline if not fact.provisional]
    value = usable[0].event.value if usable else None
    return {
        "usable": str(bool(usable)).lower(),
        "value": None if value is None else _plain(value),
    }


def _version(
    asked: _Asked, message: Mapping[str, Plain], messages: list[dict[str, Plain]]
) -> Fact | None:
    number, status = _count(asked, message), _STATUSES.get(str(message.get("st")))
    if status is None:
        return None  # in the laboratory, not asked for: nothing yet
    value = message.get("v")
    if message.get("st") == "U":
        # Now final, and not sent again: the value is that of the version before it.
        earlier = [m for m in messages if _count(asked, m) < number and m.get("v") is not None]
        value = max(earlier, key=lambda m: _count(asked, m))["v"] if earlier else None
    issued = _START + timedelta(days=number)
    fields = {
        "type": "observation",
        "event_id": "result",
        "patient_id": "CASE|1",
        "source": "case",
        "analyte": "psa",
        "effective_at": _START.date(),
        "issued_at": issued,
        "status": status,
    }
    if value is not None:
        fields |= {"value": str(value), "unit": "ng/mL"}
    return Fact(EVENT.validate_python(fields), instant(issued))


def _count(asked: _Asked, message: Mapping[str, Plain]) -> int:
    number = message.get("n")
    if not isinstance(number, str) or not number.isdigit():
        raise RuleError(asked.place, "ctx: a message without its number", "`n`")
    return int(number)


# ---------------------------------------------------------------- answers


QUESTIONS: Final[dict[str, Callable[[_Asked], Answer]]] = {
    "u.convert": _convert,
    "u.derive": _derive,
    "u.parse": _parse,
    "u.compare": _compare,
    "u.status": _status,
    "u.uln": _upper_limit,
    "TOX-ATTRIB": _attribution,
}
"""Question -> who answers it."""


def answer(case: Case) -> Answer:
    """Answer a case that is about one of `QUESTIONS`.

    Raises:
        RuleError: the case asks what makes no sense.
    """
    return QUESTIONS[case.rule](_Asked(case))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"


def _whole(number: Decimal | None) -> int | None:
    return None if number is None else int(number)
