"""The metrics of a worker in a registry of its own, and a standing that tests move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from prometheus_client import CollectorRegistry

if TYPE_CHECKING:
    from collections.abc import Callable

M = TypeVar("M")
S = TypeVar("S")


class Gauges(Generic[M, S]):
    """`metrics` are to be watched; `standing` is what they tell of the worker at present."""

    def __init__(self, made: Callable[[CollectorRegistry], M], standing: S) -> None:
        self.registry = CollectorRegistry()
        self.metrics = made(self.registry)
        self.standing = standing

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"salvage_{name}", labels)
