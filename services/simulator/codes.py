"""LOINC codes for what the simulated laboratory reports."""

from __future__ import annotations

from schemas.terminology import analyte

LOCAL = "99SW"
"""Coding system of findings without a LOINC code; the code is then our own key."""


def loinc(key: str, unit: str | None) -> str | None:
    """The code under which a laboratory would report this analyte in this unit.

    A LOINC code stands for a property too: creatinine in mg/dL and in umol/L have different ones.

    Returns:
        The first code whose example unit is this unit, else the first; None for a finding
        without a code.
    """
    known = analyte(key)
    if known is None or not known.loinc:
        return None
    fitting = (code for code, hint in known.loinc.items() if hint == unit)
    return next(fitting, next(iter(known.loinc)))


def title(key: str) -> str:
    """The name of the analyte for people."""
    known = analyte(key)
    return key if known is None else known.title
