"""Results that were kept and that no rule can evaluate: a code or a unit that nobody has mapped.

They are no dead letters: what was sent is in the timeline, and the engine says that it can't judge
it. But a repaired profile makes something of them too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from schemas.deadletter import Reason
from schemas.terminology import Refusal, analyte, by_code, scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Rows = Callable[[str, Iterable[Any]], list[Any]]

_KEY: Final = "json_extract(event, '$.analyte')"
_UNIT: Final = "json_extract(event, '$.unit')"
_RESULTS: Final = (
    "FROM facts JOIN raw ON raw.id = facts.raw WHERE json_extract(event, '$.type') = 'observation' "
    "AND status NOT IN ('cancelled', 'entered-in-error') AND NOT EXISTS (SELECT 1 FROM facts later "
    "WHERE later.patient_id = facts.patient_id AND later.source = facts.source "
    "AND later.event_id = facts.event_id AND later.issued > facts.issued)"
)
_NUMBERS: Final = "json_extract(event, '$.value') IS NOT NULL"


class Unevaluated(NamedTuple):
    """One result: why it can't be evaluated, who sent it, in which record, when it was received."""

    reason: str
    source: str
    raw: int
    received: int


def unevaluated(rows: Rows) -> list[Unevaluated]:
    """All results that stand and can't be evaluated, in the order of their receipt.

    Args:
        rows: answers a question to the store.
    """
    told = [*_without_analyte(rows), *_without_unit(rows)]
    return sorted(told, key=lambda one: (one.received, one.raw))


def _without_analyte(rows: Rows) -> Iterator[Unevaluated]:
    """A code that is refused, as it names another quantity, stays so whatever a profile says."""
    sql = f"SELECT raw.source, raw.id, facts.received, event {_RESULTS} AND {_KEY} IS NULL"
    for source, raw, received, text in rows(sql, ()):
        code = json.loads(text).get("code")
        if code is None or not isinstance(by_code(code["system"], code["code"]), Refusal):
            yield Unevaluated(Reason.UNMAPPED_CODE.value, source, raw, received)


def _without_unit(rows: Rows) -> Iterator[Unevaluated]:
    pairs = f"SELECT DISTINCT {_KEY}, {_UNIT} {_RESULTS} AND {_NUMBERS}"
    for key, unit in rows(pairs, ()):
        known = analyte(key) if key else None
        if known is None or not isinstance(scale(unit, known), Refusal):
            continue
        sql = (
            f"SELECT raw.source, raw.id, facts.received {_RESULTS} AND {_NUMBERS} "
            f"AND {_KEY} = ? AND {_UNIT} IS ?"
        )
        for row in rows(sql, (key, unit)):
            yield Unevaluated(Reason.UNKNOWN_UNIT.value, *row)
