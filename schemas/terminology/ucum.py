"""UCUM units as exact rational factors: read, compared, never guessed.

Three laws of this file. An annotation in braces is a dimension of its own, so that log copies
never pass for copies. Arbitrary and international units are dimensions of their own, so that they
never pass for mass or for each other. No number is a binary float.
What a unit means for one analyte (moles, assay factors) is in `units`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from importlib import resources

MAX_LENGTH = 40
"""Longest unit text that is read. UCUM's longest in LOINC's laboratory part has 27 characters."""

UNKNOWN = "unknown"
"""Dimension of a text that is no unit of ours; equal to nothing, not even to itself."""

_NUMBERS = frozenset({"1", "12", "24", "100"})
"""Numbers that stand in units (`mg/(24.h)`). In `1 250/uL` the 250 is no part of the unit."""

_TOKEN = re.compile(r"\{[^{}]*\}|[./()]|(?:\[[^\[\]]*\]|10[*^]|[A-Za-z%'])+-?\d{0,2}|\d{1,5}")
_SYMBOL = re.compile(r"(?P<name>(?:\[[^\[\]]*\]|10[*^]|[A-Za-z%'])+)(?P<exponent>-?\d{1,2})?")
_LEXICAL = str.maketrans(
    {
        "\N{MICRO SIGN}": "u",
        "\N{GREEK SMALL LETTER MU}": "u",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{SUPERSCRIPT TWO}": "^2",
        "\N{SUPERSCRIPT THREE}": "^3",
        "\N{SUPERSCRIPT SIX}": "^6",
        "\N{SUPERSCRIPT NINE}": "^9",
    }
)


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit text means.

    factor: how many base units one of it is. over, under: sorted dimensions of the numerator and
    the denominator, not cancelled (mg/kg is no percentage). offset: added to the value before the
    factor (temperatures). logarithmic: the number is a decimal logarithm of such a quantity.
    """

    factor: Fraction
    over: tuple[str, ...] = ()
    under: tuple[str, ...] = ()
    offset: Fraction = Fraction(0)
    logarithmic: bool = False

    @property
    def dimension(self) -> str:
        """A name for what is measured, e.g. `mass/volume`, `count/volume`, `ratio`."""
        if not self.over and not self.under:
            return "log ratio" if self.logarithmic else "ratio"
        name = "/".join([".".join(self.over) or "count", *self.under])
        return f"log {name}" if self.logarithmic else name

    def times(self, other: Unit) -> Unit:
        """The product.

        Raises:
            ValueError: a temperature stands alone; a logarithm stands first, over plain units.
        """
        if PLAIN in (self, other):
            return other if self == PLAIN else self
        if self.offset or other.offset or other.logarithmic or (self.logarithmic and other.over):
            raise ValueError("not a unit")
        return Unit(
            self.factor * other.factor,
            tuple(sorted(self.over + other.over)),
            tuple(sorted(self.under + other.under)),
            logarithmic=self.logarithmic,
        )

    def inverse(self) -> Unit:
        """One divided by it.

        Raises:
            ValueError: a logarithm or a temperature has no inverse.
        """
        if self.logarithmic or self.offset:
            raise ValueError("not a unit")
        return Unit(1 / self.factor, self.under, self.over)


PLAIN = Unit(Fraction(1))
"""The unit of a pure number, `1`."""


@dataclass(frozen=True, slots=True)
class _Tables:
    """`units.toml`, read."""

    symbols: dict[str, Unit]  # prefixed ones included
    plain: frozenset[str]
    logarithms: dict[str, str]  # spelled as UCUM texts are: {"log_IU": "[IU]"}
    aliases: dict[str, str]


@cache
def _tables() -> _Tables:
    text = resources.files("schemas.terminology").joinpath("units.toml").read_text("utf-8")
    data = tomllib.loads(text, parse_float=Decimal)
    prefixes = {name: Fraction(value) for name, value in data["prefixes"].items()}
    symbols: dict[str, Unit] = {}
    for name, row in data["atoms"].items():
        over = (row["dimension"],) if "dimension" in row else ()
        atom = Unit(Fraction(row["factor"]), over, (), Fraction(row.get("offset", 0)))
        symbols[name] = atom
        for prefix in row.get("prefixes", ""):
            symbols[prefix + name] = Unit(prefixes[prefix] * atom.factor, over)
    annotations = data["annotations"]
    return _Tables(
        symbols, frozenset(annotations["plain"]), annotations["logarithms"], data["aliases"]
    )


def normalise(text: str) -> str:
    """The UCUM spelling of what a laboratory wrote: `K/uL` gives `10*3/uL`, `µg/l` gives `ug/l`.

    A text that is in no table comes back without spaces and with plain ASCII for micro signs and
    superscripts. Normalising twice changes nothing.
    """
    folded = "".join(text.split()).translate(_LEXICAL)
    return _tables().aliases.get(folded, folded)


@lru_cache(maxsize=4096)
def read(text: str) -> Unit | None:
    """Read a unit, tidied first.

    Returns:
        None for anything that is not wholly a unit of ours; units come from outside, so this
        never raises and never takes long.
    """
    tidy = normalise(text)
    if not tidy or len(tidy) > MAX_LENGTH:
        return None
    tokens = _TOKEN.findall(tidy)
    if "".join(tokens) != tidy:
        return None
    try:
        unit, rest = _product(tokens)
    except ValueError:
        return None
    return None if rest else unit


def _product(tokens: list[str]) -> tuple[Unit, list[str]]:
    """Read `a.b/c` up to the end or a closing parenthesis; UCUM reads from left to right."""
    total = PLAIN
    divide = False
    if tokens[:1] == ["/"]:
        divide, tokens = True, tokens[1:]
    while True:
        factor, tokens = _factor(tokens)
        total = total.times(factor.inverse() if divide else factor)
        if not tokens or tokens[0] == ")":
            return total, tokens
        if tokens[0] not in ("/", "."):
            raise ValueError("expected an operator")
        divide, tokens = tokens[0] == "/", tokens[1:]


def _factor(tokens: list[str]) -> tuple[Unit, list[str]]:
    """Read one symbol, number, annotation or parenthesis, with an annotation after it."""
    if not tokens:
        raise ValueError("expected a unit")
    head, rest = tokens[0], tokens[1:]
    if head == "(":
        unit, rest = _product(rest)
        if rest[:1] != [")"]:
            raise ValueError("expected a closing parenthesis")
        return unit, rest[1:]
    if head.startswith("{"):
        return _annotation(head), rest
    unit = _symbol(head)
    if rest and rest[0].startswith("{"):
        return unit.times(_annotation(rest[0])), rest[1:]
    return unit, rest


def _annotation(token: str) -> Unit:
    tables = _tables()
    name = token[1:-1].casefold()
    if name in tables.plain:
        return PLAIN
    for logarithm, of in tables.logarithms.items():
        if name == logarithm.casefold() and (linear := read(of)):
            return Unit(linear.factor, linear.over, logarithmic=True)
    return Unit(Fraction(1), ("{" + name + "}",))


def _symbol(token: str) -> Unit:
    if token.isascii() and token.isdigit():
        return _number(token)
    match = _SYMBOL.fullmatch(token)
    unit = _tables().symbols.get(match["name"]) if match else None
    if match is None or unit is None:
        raise ValueError("expected a unit")
    exponent = int(match["exponent"] or 1)
    if exponent == 1:
        return unit
    if unit.offset or exponent == 0:
        raise ValueError("not a unit")
    power = Unit(unit.factor ** abs(exponent), unit.over * abs(exponent))
    return power if exponent > 0 else power.inverse()


def _number(token: str) -> Unit:
    if token not in _NUMBERS:
        raise ValueError("not a unit")
    return Unit(Fraction(int(token)))


def is_unit(text: str) -> bool:
    """Whether the text is a unit that we know, in UCUM or in a customary spelling."""
    return read(text) is not None


def dimension(text: str) -> str:
    """What a unit measures: `mass/volume`, `count/volume`, `log {copies}/volume`, `ratio`.

    Returns:
        `unknown` for a text that is no unit of ours.
    """
    unit = read(text)
    return UNKNOWN if unit is None else unit.dimension


def same_dimension(a: str, b: str) -> bool:
    """Whether a number in one unit becomes one in the other without knowing the analyte.

    mg/dL and umol/L differ here although they convert for creatinine: ask `units.scale` for that.
    """
    left, right = dimension(a), dimension(b)
    return left == right != UNKNOWN


def logarithmic(text: str) -> str | None:
    """The unit of the logarithm of a quantity: `{copies}/mL` gives `{log_copies}/mL`.

    Returns:
        None when no laboratory reports the logarithm of such a quantity.
    """
    tidy = normalise(text)
    for name, linear in _tables().logarithms.items():
        if tidy.startswith(linear):
            return "{" + name + "}" + tidy.removeprefix(linear)
    return None
