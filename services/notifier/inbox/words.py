"""How things are called on the pages: states, severities, units, dates, the time that is left."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from schemas.alerts import Kind, Role, Severity, State
from schemas.base import as_utc
from schemas.partial import PartialDate
from schemas.terminology import analyte

SEVERITIES: Final[dict[Severity, tuple[str, str]]] = {
    Severity.CRITICAL: ("Critical", "look the same day"),
    Severity.URGENT: ("Urgent", "look within 7 days"),
    Severity.IMPORTANT: ("Important", "look within 28 days"),
    Severity.ADVISORY: ("Advisory", "next planned contact"),
}
"""Severity: its word, and how soon a person should look. In the order of urgency."""

STATES: Final[dict[State, tuple[str, str]]] = {
    State.SUSPECTED: ("Suspected", "first qualifying evidence; a second look is needed"),
    State.CONFIRMED: ("Confirmed", "the criterion is met"),
    State.WINDOW: ("Window", "the period for salvage has moved into another tier"),
    State.OVERDUE: ("Overdue", "evidence that ought to exist by now is missing"),
    State.INFO: ("For information", "no action is asked"),
    State.REFUTED: ("Refuted", "newer results spoke against the suspicion"),
    State.CLEARED: ("Cleared", "the missing evidence arrived"),
    State.RETRACTED: ("Retracted", "a correction of the record took the reason away"),
}

KINDS: Final[dict[Kind, str]] = {
    Kind.FAILURE: "Treatment failure",
    Kind.INTOLERANCE: "Intolerance",
    Kind.OVERDUE: "Missing evidence",
    Kind.WINDOW: "Window for salvage",
}

ROLES: Final[dict[Role, str]] = {
    Role.TRIGGER: "trigger",
    Role.CONFIRMATION: "confirmation",
    Role.NADIR: "nadir",
    Role.BASELINE: "baseline",
    Role.CLOCK: "clock (day 0)",
    Role.SUPPORT: "support",
}

CONFIDENCE: Final[dict[str, str]] = {
    "H": "seen in the source",
    "C": "to be checked: taken from a secondary source",
    "CHOICE": "our choice: sources differ or are silent",
    "E": "our estimate",
}

ITEMS: Final[dict[str, str]] = {
    "age": "Age",
    "ecog": "ECOG performance status",
    "egfr": "Estimated GFR",
    "lvef": "Left ventricular ejection fraction",
    "prior_lines": "Line of treatment",
    "goals_of_care": "Goals of care",
}

_SIGNS: Final = {"exact": "", "below": "<", "above": ">"}
_MODALITIES: Final = {"PT": "PET", "MR": "MRI", "CT": "CT", "NM": "Bone scan or scintigraphy"}
_INITIALS: Final = {
    "psa": "PSA",
    "ca125": "CA-125",
    "pet": "PET",
    "rt": "radiotherapy",
    "srt": "SRT",
    "m3": "month 3",
    "m6": "month 6",
    "m12": "month 12",
}
_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)
_ISO_DAY: Final = re.compile(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?![\w-])")
_TAGS: Final = {
    "alp_unknown": "ALP unknown",
    "loss_mmr": "loss of major molecular response",
    "pfi_lt_6mo": "platinum-free interval under 6 months",
    "single_nnrti": "single value, NNRTI regimen",
}
_DIGITS: Final = 6
"""Significant digits of a worked-out number that are shown."""
_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

TIMES: Final = "\u00d7"
"""The multiplication sign."""


def readable(text: str) -> str:
    """The same text with its UCUM units as people write them: `10*9/L` becomes ten to the ninth."""
    text = text.replace("mL/min/{1.73_m2}", "mL/min/1.73 m²")
    text = re.sub(r"\{log_copies\}", "log₁₀ copies", text)
    text = re.sub(r"\{([A-Za-z]\w*)\}", r"\1", text)
    text = re.sub(r"\[(?:arb'U|arb'u)\]", "U", text)
    text = re.sub(r"\[i?[IU]+\]", "IU", text)
    text = re.sub(r"\b10\*(\d+)", lambda found: f"{TIMES}10{raised(found[1])}", text)
    return re.sub(r"(?<![\w])u(?=(mol|g|L)\b)", "µ", text)


def raised(digits: str) -> str:
    """Digits as an exponent."""
    return digits.translate(_RAISED)


def prose(text: str) -> str:
    """A sentence as people write it: units as in `readable`, `2024-06-29` as `29 Jun 2024`."""
    return _ISO_DAY.sub(_spoken_day, readable(text))


def _spoken_day(found: re.Match[str]) -> str:
    try:
        return day(date.fromisoformat(found[0]))
    except ValueError:
        return found[0]


def number(value: Decimal) -> str:
    """A number without an exponent, its thousands apart."""
    return f"{value:,f}".replace(",", "\u202f")


def brief(text: str) -> str:
    """A worked-out number without the digits that nobody measured: `≈ 7585.78`."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return readable(text)
    if not value.is_finite() or len(value.as_tuple().digits) <= _DIGITS:
        return text
    return f"≈ {Decimal(f'{value:.{_DIGITS}g}'):f}"


def reading(bound: str, value: Decimal, unit: str) -> str:
    """A value as it was reported: `<0.01 ng/mL`."""
    return f"{_SIGNS[bound]}{number(value)} {unit}".rstrip()


def name_of(what: str) -> str:
    """What a fact is called: an analyte's title, an imaging method, else as it stands."""
    known = analyte(what)
    return known.title if known else _MODALITIES.get(what, what)


def item_name(item: str) -> str:
    """What an item of readiness is called."""
    return ITEMS.get(item) or name_of(item).replace("_", " ")


def plain(word: str) -> str:
    """A tag or tier as words: `repeat-psa` becomes `repeat PSA`."""
    if word in _TAGS:
        return _TAGS[word]
    parts = re.split(r"[-_]", word)
    return " ".join(_INITIALS.get(part, part) for part in parts)


def month(value: date | datetime) -> str:
    """`Jun`."""
    return _MONTHS[value.month - 1]


def day(value: date | datetime | PartialDate) -> str:
    """`29 Jun 2024`: no reader can take the day for the month; `Jun 2024` if no more is known."""
    if isinstance(value, PartialDate):
        return str(value.year) if value.month is None else f"{month(value.first)} {value.year}"
    when = as_utc(value)
    return f"{when.day} {month(when)} {when.year}"


def moment(value: date | datetime) -> str:
    """`29 Jun 2024, 11:54 UTC`; of a bare date only the day, since its hour isn't known."""
    if not isinstance(value, datetime):
        return day(value)
    return f"{day(value)}, {value.astimezone(UTC):%H:%M} UTC"


def machine(value: date | datetime) -> str:
    """ISO 8601, for the `datetime` attribute."""
    return value.isoformat()


def left(until: date | datetime | None, now: datetime) -> int | None:
    """Whole days from today to the last day; 0 today, negative when it has passed."""
    return None if until is None else (as_utc(until).date() - as_utc(now).date()).days


def left_words(days: int | None) -> str:
    """`12 days left`, `today`, `3 days past`."""
    if days is None:
        return "no date"
    if days == 0:
        return "today"
    unit = "day" if abs(days) == 1 else "days"
    return f"{days} {unit} left" if days > 0 else f"{-days} {unit} past"
