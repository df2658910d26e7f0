"""Values become bands: wide enough that few people share none, and exact at their limits.

Sources: ECOG performance status 0 to 4 (Oken, Am J Clin Oncol 1982;5:649, C); categories of the
glomerular filtration rate (KDIGO 2012, C); of the ejection fraction (ESC heart failure 2021, C).
Ages are ours (CHOICE).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from schemas.research import Band, LineBand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.alerts import Readiness

KNOWN, NOT_KNOWN = "known", "not known"
_LIMITS: Final[dict[str, tuple[tuple[int, str], ...]]] = {
    "age": ((18, "0-17"), (40, "18-39"), (65, "40-64"), (75, "65-74")),
    "ecog": ((2, "0-1"), (3, "2")),
    "egfr": ((30, "0-29"), (60, "30-59")),
    "lvef": ((40, "0-39"), (50, "40-49")),
    "prior_lines": ((1, "0"), (2, "1"), (3, "2")),
}
"""Of each item the bands from the lowest, each with the limit that it doesn't reach."""
_TOP: Final = {"age": "75+", "ecog": "3-4", "egfr": "60+", "lvef": "50+", "prior_lines": "3+"}
_UNITS: Final = {
    "age": (None,),
    "ecog": (None, "1", "{score}"),
    "egfr": ("mL/min/{1.73_m2}",),
    "lvef": ("%",),
    "prior_lines": (None,),
}
"""Units in which the limits are meant; in others a value is only `known`."""
_ONLY_WHETHER: Final = frozenset(
    {"neutrophils", "platelets", "bilirubin", "albumin", "inr", "alt", "creatinine"}
)


def bands(items: Iterable[Readiness]) -> Iterator[Band]:
    """The bands of those items that have some; goals of care and strange items are left out."""
    for one in items:
        if one.item in _LIMITS or one.item in _ONLY_WHETHER:
            yield Band(item=one.item, band=_band(one))


def line_band(line: int | None) -> LineBand:
    """The band of a line of treatment."""
    if line is None or line < 1:
        return LineBand.UNKNOWN
    return {1: LineBand.FIRST, 2: LineBand.SECOND}.get(line, LineBand.LATER)


def _band(one: Readiness) -> str:
    if one.value == NOT_KNOWN:
        return NOT_KNOWN
    if one.item not in _LIMITS or one.unit not in _UNITS[one.item]:
        return KNOWN
    try:
        value = Decimal(one.value)
    except InvalidOperation:
        return KNOWN
    if not value.is_finite() or value < 0:
        return KNOWN
    found = (name for limit, name in _LIMITS[one.item] if value < limit)
    return next(found, _TOP[one.item])
