"""Which file lowers which kind of expression."""

from __future__ import annotations

from typing import Final

from services.detector.language.lowering import conditions, facts, numbers, times, words
from services.detector.language.lowering.rule import Forms

FORMS: Final = Forms(
    condition=conditions.condition,
    time=times.time,
    number=numbers.number,
    fact=facts.fact,
    word=words.word,
)
