"""Tests of Kafka run against a broker or say why not; in CI the second is a failure."""

from __future__ import annotations

import pytest
from _pytest.outcomes import Failed, Skipped
from support.broker import NoBroker, jars, needed
from support.keeper import ADDRESS, shared


@pytest.mark.parametrize(("ci", "outcome"), [("true", Failed), ("", Skipped)])
def test_no_broker_skips_but_fails_in_ci(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no java"), needed():
        raise NoBroker("no java on this machine")


def test_without_java_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
    with pytest.raises(NoBroker, match="no java"):
        jars()


def test_a_broker_that_is_named_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv(ADDRESS, "broker.example:9092")
    with shared(tmp_path_factory.mktemp("unused")) as address:
        assert address == "broker.example:9092"
