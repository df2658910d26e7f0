"""What the page of the rules says besides its view: shares and lengths of time in words. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from services.notifier.inbox.pages import times

if TYPE_CHECKING:
    from datetime import timedelta

    from services.notifier.inbox.reading.contract import Frame, RulesView, RuleView

PARTS: Final[dict[str, str]] = {
    "evidence_to_alert": "from the evidence to the alert",
    "alert_to_notice": "from the alert to the first notice",
    "notice_to_acknowledgement": "from the notice to an answer",
    "acknowledgement_to_disposition": "from the answer to the decision",
    "evidence_to_salvage": "from the evidence to salvage",
    "lead": "left until the date to act, when the alert came",
}


def shown(view: RulesView, frame: Frame) -> dict[str, Any]:  # noqa: ARG001 - as every page's
    """How often rules were right, and how long things took."""
    return {"share": share, "parts": PARTS, "span": span, "demoted": _demoted(view)}


def share(rule: RuleView) -> str:
    """`19 of 24 right: 79 % (95 % interval 60 to 91 %)`; what nobody has judged says so."""
    if rule.low is None or rule.high is None:
        return "not judged yet"
    whole = _percent(Decimal(rule.right) / rule.judged)
    interval = f"95 % interval {_percent(rule.low)} to {_percent(rule.high)} %"
    return f"{rule.right} of {rule.judged} right: {whole} % ({interval})"


def _percent(part: Decimal) -> str:
    return str((part * 100).quantize(Decimal(1)))


def span(time: timedelta) -> str:
    """A length of time; what lies before its beginning is marked."""
    return times.length(time) if time >= -time else f"\N{MINUS SIGN}{times.length(-time)}"


def _demoted(view: RulesView) -> list[str]:
    return [rule.rule for rule in view.rules if not rule.interrupts]
