"""How it is judged."""

from __future__ import annotations

from typing import Final

from deploy.grafana.boards.asking import OF_RULE, OF_SOURCE, RATE, lines, quantiles
from deploy.grafana.panels import Board, Variable

_WATERMARK: Final = f"salvage_detector_watermark_timestamp_seconds{{{OF_SOURCE}}}"
_LATE: Final = f"salvage_detector_late_events_total{{{OF_SOURCE}}}"

DETECTOR: Final = Board(
    "salvage-detector",
    "salvage-watch: how it is judged",
    "Does judging keep up, and does time pass for the patients.",
    (
        lines(
            "Age of the newest fact",
            "Now, less the latest issue of each source. Alert: SalvageWatermarkStalled.",
            "s",
            (
                f"time() - max by (source) ({_WATERMARK})",
                "{{source}}",
            ),
        ),
        lines(
            "Facts that changed the past",
            "Corrections and withdrawals, and facts issued before others of the same source.",
            "short",
            (
                f"sum by (source, action) (increase({_LATE}{RATE}))",
                "{{source}} {{action}}",
            ),
        ),
        lines(
            "Transaction time",
            "Storing and judging one batch.",
            "s",
            *quantiles("salvage_batch_seconds"),
        ),
        lines(
            "Reminders",
            "Patients to whom time alone will say something, and those overdue. "
            "Alert: SalvageTimersLate.",
            "short",
            ("sum(salvage_detector_reminders_pending)", "pending"),
            ("sum(salvage_detector_reminders_overdue)", "overdue"),
        ),
        lines(
            "Undecided conditions",
            "Conditions that could not be evaluated, by rule. Alert: SalvageRuleIndeterminate.",
            "short",
            (f"sum by (rule) (salvage_detector_indeterminate{{{OF_RULE}}})", "{{rule}}"),
        ),
        lines(
            "Patients",
            "Those who are judged, and those who are set aside. Alert: SalvagePatientsSuspended.",
            "short",
            ("sum(salvage_detector_patients_in_memory)", "judged"),
            ("sum(salvage_suspended_patients)", "set aside"),
        ),
    ),
    (
        Variable("source", "salvage_detector_watermark_timestamp_seconds"),
        Variable("rule", "salvage_detector_findings_total"),
    ),
)
