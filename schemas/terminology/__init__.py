"""Clinical terminology: analytes and their codes, exact units, result texts, grade tables.

Tables are TOML files beside the code that reads them; nothing is read before it is asked for.
Refusals are values with a reason from a closed list; nothing here guesses.
"""

from schemas.terminology.analytes import Analyte, all_analytes, analyte, by_code, is_loinc
from schemas.terminology.refusals import Reason, Refusal
from schemas.terminology.units import (
    Scale,
    canonical,
    convert,
    dimension,
    is_unit,
    normalise,
    same_dimension,
    scale,
)

__all__ = [
    "Analyte",
    "Reason",
    "Refusal",
    "Scale",
    "all_analytes",
    "analyte",
    "by_code",
    "canonical",
    "convert",
    "dimension",
    "is_loinc",
    "is_unit",
    "normalise",
    "same_dimension",
    "scale",
]
