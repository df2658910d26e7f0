"""The closed word lists of the rule language."""

from __future__ import annotations

import re
from typing import Final

KEYWORDS: Final = frozenset(
    {"and", "or", "not", "in", "has", "since", "after", "until", "within", "older", "than", "where"}
)
"""Words of the grammar; a series, parameter or `let` can't be called so."""

DURATION_UNITS: Final = ("min", "h", "d", "wk", "mo", "y")
"""Units that make a number a duration. Months and years are calendar months."""

GRADING_TABLES: Final = ("ctcae", "daids")
"""Scales by which results are graded."""

LIMIT_UNITS: Final = ("uln", "lln")
"""Multiples of the reference limit that came with the value on the other side."""

VARIABLES: Final = ("it", "day", "date", "clock")
"""Names that every condition knows."""

PATIENT: Final = "patient"
"""The person, as the owner of a field: `patient.age`."""

SUSPICION: Final = "suspicion"
"""The suspicion that stands, as the owner of a field: `suspicion.tag`."""

PLAIN_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*")
"""A word that needs no quotes in an expression."""

SEVERITIES: Final = ("critical", "urgent", "important", "advisory")
"""Time to a person's acknowledgement; `schemas.alerts.Severity` says what each means."""

KINDS: Final = ("failure", "intolerance", "overdue", "window", "function")
"""What a rule watches for; a `function` gives values and never alerts."""

CONFIDENCE: Final = ("H", "C", "CHOICE", "E")
"""How well a number is known: seen in its source, from a secondary source, a choice of ours where
sources disagree, an estimate of ours."""

PHASES: Final = ("planned", "started", "administered", "held", "reduced", "completed", "stopped")
"""Where a course of treatment stands; `schemas.events.Phase`."""

RESPONSE_CRITERIA: Final = ("recist-1.1", "irecist", "lugano", "pcwg3", "imwg")
"""Published schemes by which an imaging report may be read; `schemas.events.ImagingReport`."""

RULE_ID: Final = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*")
"""`PROST-BCR-RP`."""
