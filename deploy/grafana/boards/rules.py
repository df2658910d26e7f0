"""What the rules say, for the clinical lead."""

from __future__ import annotations

from typing import Final

from deploy.grafana.boards.asking import OF_RULE, lines
from deploy.grafana.panels import Board, Variable

_WITHDRAWN: Final = f'salvage_detector_findings_total{{change="withdrawn",{OF_RULE}}}'
_RAISED: Final = f'salvage_detector_findings_total{{change="raised",{OF_RULE}}}'

RULES: Final = Board(
    "salvage-rules",
    "salvage-watch: what the rules say",
    "For the clinical lead: which rules fire, which take back what they said, which can't decide.",
    (
        lines(
            "Findings per hour",
            "Alert revisions of each rule. Alerts: SalvageRuleFlood, SalvageRuleSilent.",
            "short",
            (f"rule:salvage_detector_findings:increase1h{{{OF_RULE}}}", "{{rule}}"),
        ),
        lines(
            "Findings since the start",
            "All revisions of each rule since the process began.",
            "short",
            (f"sum by (rule) (salvage_detector_findings_total{{{OF_RULE}}})", "{{rule}}"),
        ),
        lines(
            "Share taken back",
            "Withdrawn per raised since the start: corrections, and suspicions that were refuted.",
            "percentunit",
            (
                f"sum by (rule) ({_WITHDRAWN}) / sum by (rule) ({_RAISED})",
                "{{rule}}",
            ),
        ),
        lines(
            "What is missing",
            "Why conditions can't be evaluated. Alert: SalvageRuleIndeterminate.",
            "short",
            (f"sum by (missing) (salvage_detector_indeterminate{{{OF_RULE}}})", "{{missing}}"),
        ),
    ),
    (Variable("rule", "salvage_detector_findings_total"),),
)
