"""Open cases become cards of CDS Hooks. Pure.

A card is for somebody who has opened this patient's chart, so it may say what the inbox says. It is
a second window: that it was shown is no acknowledgement, and the ladder goes on.

Source: CDS Hooks 2.0, "CDS Service Response" (H): a summary has fewer than 140 characters, the
indicator is `info`, `warning` or `critical`, the detail is GitHub Flavored Markdown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from schemas.actions import Disposition
from schemas.alerts import Severity
from services.notifier.channels.recordtext import (
    ADVICE,
    AUTHOR,
    evidence_text,
    fallen,
    standing,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from services.notifier.channels.contract import Record

Json = dict[str, Any]

LONGEST: Final = 139
"""Characters of a summary."""
REASONS: Final = "urn:salvage-watch:disposition"
"""System of the reasons for which a card is turned down: the inbox's own list."""
_INDICATOR: Final = {
    Severity.CRITICAL: "critical",
    Severity.URGENT: "warning",
    Severity.IMPORTANT: "warning",
    Severity.ADVISORY: "info",
}
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")


def cards(records: Sequence[Record], now: datetime) -> list[Json]:
    """The cards of a patient's open cases, in their order.

    Args:
        records: the cases.
        now: cards get old; each says when it was made.
    """
    return [_card(record, now) for record in records]


def card_id(reference: str) -> str:
    """A case's name outside the house as the id of its card."""
    return str(UUID(hex=reference))


def reference_of(card: str) -> str:
    """The name of the case that a card is about.

    Raises:
        ValueError: it is no id of a card.
    """
    return UUID(card).hex


def _card(record: Record, now: datetime) -> Json:
    holds = standing(record)
    title = holds[0].title if holds else "A finding no longer holds; its case is open"
    card: Json = {
        "summary": _short(title),
        "indicator": _INDICATOR[holds[0].severity] if holds else "info",
        "source": {"label": AUTHOR},
        "detail": "\n".join(_detail(record, now)),
        "overrideReasons": [_reason(one) for one in Disposition],
    }
    if record.reference is not None:
        card["uuid"] = card_id(record.reference)
    if record.link is not None:
        card["links"] = [{"label": "Open the case", "url": record.link, "type": "absolute"}]
    return card


def _detail(record: Record, now: datetime) -> Iterator[str]:
    for alert in standing(record):
        yield f"**{_plain(alert.title)}** ({alert.state}, {alert.severity})  "
        yield f"{_plain(alert.summary)}  "
        if alert.act_by is not None:
            yield f"Act by {_plain(written(alert.act_by))}  "
        yield from (f"- {_plain(evidence_text(one))}" for one in alert.evidence)
        yield ""
    for alert in fallen(record):
        yield f"No longer holds: {_plain(alert.title)}  "
    yield f"With {_plain(record.owner.id)}; as of {_plain(written(now))}. {ADVICE}"


def _reason(disposition: Disposition) -> Json:
    words = disposition.value.replace("_", " ")
    return {"code": str(disposition), "system": REASONS, "display": words}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"


def _plain(text: str) -> str:
    """A text that Markdown leaves as it is."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
