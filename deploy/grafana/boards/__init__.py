"""The dashboards: one file each. Metrics: docs/metrics.md; limits: those of the alert rules."""

from __future__ import annotations

from typing import Final

from deploy.grafana.boards.detector import DETECTOR
from deploy.grafana.boards.ingest import INGEST
from deploy.grafana.boards.kafka import KAFKA
from deploy.grafana.boards.overview import OVERVIEW
from deploy.grafana.boards.rules import RULES
from deploy.grafana.boards.runtime import RUNTIME

BOARDS: Final = (OVERVIEW, INGEST, DETECTOR, KAFKA, RULES, RUNTIME)
