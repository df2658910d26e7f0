"""What a process tells of itself over HTTP: its health and its metrics."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families


def asked(address: str) -> tuple[int, str]:
    """Status and reason of a health address, without its `http://`."""
    try:
        with urllib.request.urlopen(f"http://{address}", timeout=5) as answer:
            return answer.status, json.loads(answer.read()).get("reason", "")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())["reason"]


class Watched:
    """What the metrics of the process at that port say at a moment."""

    def __init__(self, port: int) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        self._samples = [sample for family in families for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum over all that have these labels."""
        return sum(self.values(name, **labels))

    def values(self, name: str, **labels: str) -> list[float]:
        """Of each that has these labels."""
        return [
            sample.value
            for sample in self._samples
            if sample.name == f"salvage_{name}" and labels.items() <= sample.labels.items()
        ]
