"""Values that rules need and laboratories don't always send. Pure, exact where the formula is.

Each takes decimals in the units of its name and gives a decimal; None in, None out, because a value
computed from something missing is a guess.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

Sex = Literal["female", "male"]

_MATH = Context(prec=34)
_TENTH = Decimal("0.1")
_ONE = Decimal(1)


def corrected_calcium(
    calcium: Decimal | None, albumin: Decimal | None, unit: Literal["mg/dL", "mmol/L"]
) -> Decimal | None:
    """Total calcium as it would be at a normal albumin. Never of ionised calcium.

    Args:
        calcium: total, in `unit`; not already corrected (LOINC 29265-6).
        albumin: in g/dL when the calcium is in mg/dL, in g/L when it is in mmol/L.
        unit: of the calcium and of what comes back.

    Source:
        Payne RB et al. Br Med J 1973;4:643-646, in the form in common use:
        Ca + 0.8 (4.0 - albumin) mg/dL; Ca + 0.02 (40 - albumin) mmol/L.
    """
    if calcium is None or albumin is None:
        return None
    if unit == "mg/dL":
        return calcium + Decimal("0.8") * (Decimal("4.0") - albumin)
    return calcium + Decimal("0.02") * (Decimal(40) - albumin)


def ckd_epi_2021(creatinine: Decimal | None, age: int | None, sex: Sex | None) -> Decimal | None:
    """Estimated glomerular filtration rate without race, in mL/min/{1.73_m2}, to 0.1.

    Args:
        creatinine: serum, in mg/dL, above zero.
        age: in whole years; the equation is for adults.
        sex: as the equation knows it.

    Source:
        Inker LA et al. N Engl J Med 2021;385:1737-1749 (creatinine equation).
    """
    if creatinine is None or age is None or sex is None or creatinine <= 0:
        return None
    kappa, alpha = _CKD_EPI[sex]
    ratio = _MATH.divide(creatinine, kappa)
    below = _MATH.power(min(ratio, _ONE), alpha)
    above = _MATH.power(max(ratio, _ONE), Decimal("-1.200"))
    ageing = _MATH.power(Decimal("0.9938"), age)
    rate = Decimal(142) * below * above * ageing
    return _tenth(rate * Decimal("1.012") if sex == "female" else rate)


_CKD_EPI: dict[Sex, tuple[Decimal, Decimal]] = {
    "female": (Decimal("0.7"), Decimal("-0.241")),
    "male": (Decimal("0.9"), Decimal("-0.302")),
}


def cockcroft_gault(
    creatinine: Decimal | None, age: int | None, weight: Decimal | None, sex: Sex | None
) -> Decimal | None:
    """Creatinine clearance in mL/min, not rounded: a limit of 60 must see 59.96.

    Args:
        creatinine: serum, in mg/dL, above zero.
        age: in whole years.
        weight: in kg.
        sex: a woman's clearance is 0.85 of a man's.

    Source:
        Cockcroft DW, Gault MH. Nephron 1976;16:31-41.
    """
    if creatinine is None or age is None or weight is None or sex is None or creatinine <= 0:
        return None
    share = Decimal("0.85") if sex == "female" else _ONE
    return _MATH.divide((140 - age) * weight * share, 72 * creatinine)


def qtc_fridericia(qt: Decimal | None, rr: Decimal | None) -> Decimal | None:
    """QT interval corrected for heart rate, in ms, to 0.1.

    Args:
        qt: in ms.
        rr: interval between beats, in ms, above zero; 60 000 over the heart rate.

    Source:
        Fridericia LS. Acta Med Scand 1920;53:469-486: QT / (RR / 1000 ms) ** (1/3).
    """
    if qt is None or rr is None or rr <= 0:
        return None
    root = _MATH.power(_MATH.divide(rr, Decimal(1000)), _MATH.divide(_ONE, Decimal(3)))
    return _tenth(_MATH.divide(qt, root))


def ecog_from_karnofsky(karnofsky: Decimal | None) -> int | None:
    """ECOG performance status of a Karnofsky score.

    Returns:
        0 for 100; 1 for 90 and 80; 2 for 70 and 60; 3 for 50 and 40; 4 for 30, 20 and 10.
        None for a score that isn't a multiple of ten from 10 to 100.

    Source:
        The table in common use (Oken MM et al. Am J Clin Oncol 1982;5:649-655); other tables put
        80 elsewhere.
    """
    if karnofsky is None or karnofsky % 10 != 0 or not 10 <= karnofsky <= 100:  # noqa: PLR2004
        return None
    tens = int(karnofsky) // 10
    return {10: 0, 9: 1, 8: 1, 7: 2, 6: 2, 5: 3, 4: 3}.get(tens, 4)


def _tenth(value: Decimal) -> Decimal:
    return value.quantize(_TENTH, ROUND_HALF_UP, _MATH)
