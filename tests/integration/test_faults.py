"""`make faults`, small: three brokers, three workers, some of them killed."""

from __future__ import annotations

import gc
import warnings
from random import Random
from typing import TYPE_CHECKING

import pytest
from faults.network import Network, NoNetwork
from faults.plan import Kind, plan
from faults.traffic import COHORT, read
from faults.trial import Trial, expected
from support import lacking
from support.broker import needed

from services.commands.chosen import chosen_rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEW = "services/detector/rules/hiv"
COUNTS = {Kind.KILL: 10, Kind.BROKER_KILL: 1}


@pytest.fixture
def others_sockets() -> Iterator[None]:
    """The client library leaves open what it had to brokers that were killed; not ours to close."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("others_sockets")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nothing_is_lost_or_invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALVAGE_KAFKA_PROTOCOL", "PLAINTEXT")  # and afterwards as it was
    events = read(COHORT)
    right = expected(events, chosen_rules(FEW, None))
    faults = plan(Random(7), COUNTS, wait=1.0)  # noqa: S311 - no secrets
    said: list[str] = []
    trial = Trial(events, right, faults, 7, tmp_path / "trial", ("--rules", FEW), said.append)
    try:
        with needed():
            verdict = trial.run()
    except NoNetwork as error:
        lacking(f"no network namespaces to cut hosts off in: {error}")
    assert verdict.good, (verdict, said)
    assert verdict.alerts == len({one.alert_id for one in right.revisions}) > 5
    assert trial.counts == COUNTS


def test_where_hosts_cannot_be_made_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoNetwork, match="no `ip` on this machine"):
        Network("a").__enter__()
