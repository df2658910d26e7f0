"""From the unit that a laboratory reported to the one unit in which an analyte is compared.

The canonical unit of an analyte is the one that all others reach by *multiplication*. A product of
decimals is exact, so `peak >= 2 x nadir` gives the same answer in either unit; a quotient such as
80 umol/L / 88.4 is rounded, and twice it is not always the rounded 160 / 88.4.

A trap that no arithmetic removes: guidelines publish limits rounded in each unit on its own.
0.3 mg/dL x 88.4 is 26.52 umol/L, and KDIGO says 26.5. Write both into the rule
(`0.3 mg/dL | 26.5 umol/L`); the one in the reported unit is taken. CTCAE's mg/dL and mmol/L columns
(glucose, calcium, magnesium) likewise are different functions: grade in the reported unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.base import MAX_EXPONENT
from schemas.terminology.refusals import Reason, Refusal
from schemas.terminology.ucum import (
    Unit,
    dimension,
    is_unit,
    logarithmic,
    normalise,
    read,
    same_dimension,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.terminology.analytes import Analyte

__all__ = [
    "Scale",
    "canonical",
    "convert",
    "dimension",
    "is_unit",
    "logarithmic",
    "normalise",
    "same_dimension",
    "scale",
]

DIGITS = 28
"""Significant digits of a result that had to be rounded. A laboratory's own have 18 at most."""

_WORK = Context(prec=64)
_RESULT = Context(prec=DIGITS)
_ZERO = Decimal(0)
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Scale:
    """How a number in one unit becomes a number in another: `(x + offset) * num / den`.

    With `logarithmic`, x is 10 to the power of the number. All are exact decimals.
    """

    numerator: Decimal = _ONE
    denominator: Decimal = _ONE
    offset: Decimal = _ZERO
    logarithmic: bool = False

    @property
    def exact(self) -> bool:
        """Whether `apply` never rounds: ratios and differences of results are then exact too."""
        return self.denominator == 1 and not self.logarithmic

    @property
    def identity(self) -> bool:
        """Whether the unit is the canonical one by another name."""
        return self is _IDENTITY or self == _IDENTITY

    def accepts(self, value: Decimal) -> bool:
        """Whether `apply` has an answer: a logarithm beyond ±18 is no laboratory's."""
        return not self.logarithmic or abs(value) <= MAX_EXPONENT

    def apply(self, value: Decimal) -> Decimal:
        """The number in the canonical unit.

        Returns:
            Exact wherever a product or a power of ten is; else rounded to 28 digits.

        Raises:
            ValueError: a number that `accepts` says no to; `canonical` refuses it instead.
        """
        return value if self is _IDENTITY else _rounded(self._forward(value))

    def inverse(self, value: Decimal) -> Decimal:
        """The number in the reported unit, e.g. a threshold in log10 copies; 28 digits.

        Raises:
            ValueError: the logarithm of zero or of a negative number.
        """
        return value if self is _IDENTITY else _rounded(self._backward(value))

    def _forward(self, value: Decimal) -> Decimal:
        linear = _power_of_ten(value) if self.logarithmic else value
        shifted = _WORK.add(linear, self.offset) if self.offset else linear
        product = _WORK.multiply(shifted, self.numerator)
        return product if self.denominator == 1 else _WORK.divide(product, self.denominator)

    def _backward(self, value: Decimal) -> Decimal:
        product = _WORK.multiply(value, self.denominator)
        linear = product if self.numerator == 1 else _WORK.divide(product, self.numerator)
        shifted = _WORK.subtract(linear, self.offset)
        if not self.logarithmic:
            return shifted
        if shifted <= 0:
            raise ValueError("zero and negative numbers have no logarithm")
        return _WORK.log10(shifted)


_IDENTITY = Scale()


def _power_of_ten(exponent: Decimal) -> Decimal:
    if abs(exponent) > MAX_EXPONENT:
        raise ValueError(Reason.OUT_OF_RANGE.value)
    if exponent == exponent.to_integral_value():
        return Decimal(10 ** int(exponent)) if exponent >= 0 else _ONE.scaleb(int(exponent))
    return _WORK.power(Decimal(10), exponent)


def _rounded(value: Decimal) -> Decimal:
    """Keep the digits of a product; cut those that only a division or a power can have made."""
    return value if len(value.as_tuple().digits) <= DIGITS else _RESULT.plus(value)


def scale(unit: str | None, analyte: Analyte, **assay_factors: Decimal) -> Scale | Refusal:
    """How numbers in `unit` become numbers in the analyte's canonical unit.

    Args:
        unit: as reported, in UCUM or a customary spelling; None or "" when there was none.
        analyte: what was measured; only it knows its molar mass.
        assay_factors: the assay's own, by the names in `analyte.assay`, e.g. `iu_per_copy`.

    Raises:
        ValueError: an assay factor that the analyte doesn't have, or one that isn't positive.
    """
    if not assay_factors:  # nearly always
        return _scale(unit, analyte, ())
    for name, factor in assay_factors.items():
        if name not in {assay.name for assay in analyte.assay}:
            raise ValueError(f"{analyte.key} has no assay factor {name}")
        if not (factor.is_finite() and factor > 0):
            raise ValueError(f"the assay factor {name} must be positive")
    return _scale(unit, analyte, tuple(sorted(assay_factors.items())))


@lru_cache(maxsize=4096)
def _scale(
    unit: str | None, analyte: Analyte, assay_factors: tuple[tuple[str, Decimal], ...]
) -> Scale | Refusal:
    if analyte.coded:
        return Refusal(Reason.NO_QUANTITY)
    if unit is None or not unit.strip():
        return _IDENTITY if analyte.unitless else Refusal(Reason.NO_UNIT)
    reported = read(unit)
    if reported is None:
        return Refusal(Reason.UNKNOWN_UNIT)
    for anchor, factor in _anchors(analyte, dict(assay_factors)):
        if _comparable(reported, anchor):
            return _scaled(reported, anchor, factor)
    return Refusal(_why_not(reported, analyte))


def _anchors(
    analyte: Analyte, assay_factors: dict[str, Decimal]
) -> Iterator[tuple[Unit, Fraction]]:
    """The units with known size for this analyte, and how many canonical units each one is."""
    yield _known(analyte.unit), Fraction(1)
    for unit, factor in analyte.factors.items():
        yield _known(unit), Fraction(factor)
    for assay in analyte.assay:
        if assay.name in assay_factors:
            size = Fraction(assay_factors[assay.name])
            canonical_first = _known(assay.unit).dimension == _known(analyte.unit).dimension
            if canonical_first:  # 1 canonical unit is `size` of the other
                yield _known(assay.equals), _in_canonical(assay.unit, analyte) / size
            else:
                yield _known(assay.unit), _in_canonical(assay.equals, analyte) * size


def _known(unit: str) -> Unit:
    found = read(unit)
    if found is None:
        raise LookupError(f"analytes.toml names an unknown unit: {unit}")
    return found


def _in_canonical(unit: str, analyte: Analyte) -> Fraction:
    return _known(unit).factor / _known(analyte.unit).factor


def _comparable(reported: Unit, anchor: Unit) -> bool:
    """Same dimensions. Pure numbers must agree in size, too: 0.1 and 10 % get mistaken."""
    if (reported.over, reported.under) != (anchor.over, anchor.under):
        return False
    return bool(reported.over or reported.under) or reported.factor == anchor.factor


def _scaled(reported: Unit, anchor: Unit, factor: Fraction) -> Scale:
    numerator, denominator = _decimals(reported.factor / anchor.factor * factor)
    offset, _ = _decimals(reported.offset)
    found = Scale(numerator, denominator, offset, reported.logarithmic)
    return _IDENTITY if found == _IDENTITY else found


def _decimals(factor: Fraction) -> tuple[Decimal, Decimal]:
    """A fraction as numerator and denominator; the latter is 1 if there is a finite decimal."""
    for places in range(2 * DIGITS):
        scaled = factor * 10**places
        if scaled.denominator == 1:
            return Decimal(scaled.numerator).scaleb(-places, _WORK), _ONE
    return Decimal(factor.numerator), Decimal(factor.denominator)


def _why_not(reported: Unit, analyte: Analyte) -> Reason:
    known = (unit for assay in analyte.assay for unit in (assay.unit, assay.equals))
    if any(_comparable(reported, _known(unit)) for unit in known):
        return Reason.NEEDS_ASSAY_FACTOR
    return Reason.WRONG_DIMENSION


def canonical(
    value: Decimal, unit: str | None, analyte: Analyte, **assay_factors: Decimal
) -> Decimal | Refusal:
    """The number in the analyte's canonical unit, or why there is none. Never raises for data."""
    found = scale(unit, analyte, **assay_factors)
    if isinstance(found, Refusal):
        return found
    return found.apply(value) if found.accepts(value) else Refusal(Reason.OUT_OF_RANGE)


def convert(
    value: Decimal, from_unit: str | None, to_unit: str, analyte: Analyte, **assay_factors: Decimal
) -> Decimal | Refusal:
    """A number in another unit of the same analyte, rounded once, to 28 digits, if at all.

    Returns:
        A refusal when either unit isn't one of the analyte's, or an assay factor is needed and
        not given. The logarithm of a number that has none is refused too.
    """
    source = scale(from_unit, analyte, **assay_factors)
    target = scale(to_unit, analyte, **assay_factors)
    if isinstance(source, Refusal):
        return source
    if isinstance(target, Refusal):
        return target
    if source == target:
        return value
    if not source.accepts(value):
        return Refusal(Reason.OUT_OF_RANGE)
    try:
        return _rounded(target._backward(source._forward(value)))  # noqa: SLF001 (one rounding, not two)
    except ValueError:
        return Refusal(Reason.OUT_OF_RANGE)
