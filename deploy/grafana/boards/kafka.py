"""The mapper and the detector over Kafka: whether their workers keep up."""

from __future__ import annotations

from typing import Final

from deploy.grafana.boards.asking import RATE, lines, number, quantiles
from deploy.grafana.panels import Board, Limit

KAFKA: Final = Board(
    "salvage-kafka",
    "salvage-watch: mapper and detector over Kafka",
    "For sites with `salvage map` and `salvage detect`: does every partition move, and does "
    "everything get out.",
    (
        number(
            "Workers in trouble",
            "Kafka takes nothing, or they have failed. "
            "Alerts: SalvageMapperInTrouble, SalvageDetectorInTrouble.",
            "sum(salvage_mapper_trouble) + sum(salvage_detector_trouble)",
            width=8,
        ),
        number(
            "Workers that recover",
            "State is read back, or partitions change hands.",
            "sum(salvage_detector_recovering)",
            width=8,
        ),
        number(
            "Longest wait",
            "Of the oldest record that is not read or judged yet. Alert: SalvageConsumerLag.",
            "max(salvage_consumer_lag_seconds)",
            Limit(60, "orange"),
            unit="s",
            width=8,
        ),
        lines(
            "Waiting records",
            "Records that are there and not handled yet, by topic.",
            "short",
            ("sum by (topic) (salvage_consumer_lag_messages)", "{{topic}}"),
        ),
        lines(
            "Partitions",
            "Partitions that somebody has, by topic.",
            "short",
            ("sum by (topic) (salvage_mapper_partitions)", "{{topic}}"),
            ("sum by (topic) (salvage_detector_partitions)", "{{topic}}"),
        ),
        lines(
            "Mapped records",
            "What was read of what was received, by what became of it.",
            "ops",
            (f"sum by (verdict) (rate(salvage_mapper_records_total{RATE}))", "{{verdict}}"),
        ),
        lines(
            "Mappers that stand still",
            "Since when records have waited that Kafka doesn't bring. "
            "Alert: SalvageMapperInTrouble.",
            "s",
            ("max by (instance) (salvage_mapper_standstill_seconds)", "{{instance}}"),
            limits=(Limit(120),),
        ),
        lines(
            "Missing copies",
            "Of partitions, not in sync with their leaders: a broker is away, or slow.",
            "short",
            ("max by (topic) (salvage_kafka_missing_replicas)", "{{topic}}"),
        ),
        lines(
            "Judged records",
            "What was handled, by what became of it.",
            "ops",
            (f"sum by (outcome) (rate(salvage_detector_records_total{RATE}))", "{{outcome}}"),
        ),
        lines(
            "Judging one record",
            "By all rules.",
            "s",
            *quantiles("salvage_detector_evaluation_seconds"),
        ),
        lines(
            "Since the newest record",
            "Now, less the receipt of the newest record that was handled.",
            "s",
            (
                "time() - max by (topic) (salvage_mapper_last_record_timestamp_seconds)",
                "{{topic}}",
            ),
            (
                "time() - max by (topic) (salvage_detector_last_record_timestamp_seconds)",
                "{{topic}}",
            ),
        ),
        lines(
            "Defects",
            "Times that our own code failed at a patient.",
            "short",
            (f"sum(increase(salvage_detector_defects_total{RATE}))", "defects"),
        ),
    ),
)
