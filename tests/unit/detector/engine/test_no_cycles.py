"""What the engine leaves behind is freed by counting: batches run without the cycle collector."""

from __future__ import annotations

import gc
from random import Random

import pytest

from benchmarks.disorder import untidy
from benchmarks.engine import Watch, arrivals
from benchmarks.workload import tidy
from services.runtime.collecting import uncollected


def test_the_engine_makes_no_cycles() -> None:
    """On a stream with late, doubled and corrected results, from facts to words."""
    rng = Random(1)  # noqa: S311 - makes patients, not secrets
    stream = arrivals(untidy(rng, tidy(rng, 20, 60)))
    Watch().run_facts(stream[:200])  # what is read once and kept
    gc.collect()
    with uncollected():
        watch = Watch()
        watch.run_facts(stream)
        assert watch.said
        del watch
        assert gc.collect() == 0


def test_collection_is_on_again_afterwards() -> None:
    def batch() -> None:
        with uncollected():
            assert not gc.isenabled()
            raise ValueError

    assert gc.isenabled()
    with pytest.raises(ValueError, match=r"^$"):
        batch()
    assert gc.isenabled()


def test_what_was_off_stays_off() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
