"""What holds for every test: reproducible examples, and no silent gap where data is at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import HealthCheck, settings

from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
"""Data sets and catalogue that stand beside the repository, where they do."""

# A busy machine is no reason for a red build, so examples have no deadline. In CI they are the same
# in every run; elsewhere Hypothesis goes on looking for new ones.
settings.register_profile(
    "salvage-watch",
    deadline=None,
    derandomize=IN_CI,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("salvage-watch")


def forbid_needless_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure, in CI, where the data whose absence it gives as reason is there.

    A test that quietly stops running is worse than one that fails: nobody looks at it again.
    """
    if not (IN_CI and SHARED.is_dir() and report.skipped):
        return
    # An expected failure is reported as skipped too; it gives no place and reason.
    if isinstance(report.longrepr, tuple) and "shared" in report.longrepr[2]:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI although the shared data is there: {report.longrepr[2]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, object, pytest.TestReport]:
    """Look at what a test reports."""
    report = cast("pytest.TestReport", (yield))
    forbid_needless_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, object, pytest.CollectReport]:
    """Look at what a whole file reports: it may skip itself at once."""
    report = cast("pytest.CollectReport", (yield))
    forbid_needless_skip(report)
    return report


@pytest.fixture(autouse=True)
def our_log_as_it_was() -> Iterator[None]:
    """A command that a test calls sends our log to a stream that ends with the test."""
    ours = logger()
    before = ours.level, ours.propagate, [*ours.handlers]
    yield
    ours.setLevel(before[0])  # which also forgets what was found to be enabled
    ours.propagate, ours.handlers[:] = before[1], before[2]
