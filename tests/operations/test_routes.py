"""Who is told of what: Alertmanager's configuration, judged by Alertmanager's own tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.operations import DEPLOY, alerts, ran

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = DEPLOY / "alertmanager" / "alertmanager.yaml"
ROUTES = {
    ("SalvageWatchdog", "none"): "outside",
    ("SalvageComponentDown", "critical"): "on-call,operations",
    ("SalvageSourceSilent", "critical"): "on-call,operations",
    ("SalvagePatientsSuspended", "critical"): "on-call,clinical-lead,operations",
    ("SalvageRuleSilent", "warning"): "clinical-lead,operations",
    ("SalvageDeadLetterNew", "warning"): "operations",
    ("SomethingElse", "info"): "operations",
}


def receivers(name: str, severity: str) -> str:
    labels = (f"alertname={name}", f"severity={severity}")
    done = ran("amtool", "config", "routes", "test", "--config.file", CONFIG, *labels)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def texts(value: Any) -> Iterator[str]:
    """All texts of a configuration."""
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    else:
        yield str(value)


def test_alertmanager_accepts_the_configuration() -> None:
    done = ran("amtool", "check-config", CONFIG)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "severity"), ROUTES)
def test_an_alert_goes_where_it_belongs(name: str, severity: str) -> None:
    assert receivers(name, severity) == ROUTES[name, severity]


def test_whatever_is_critical_wakes_somebody_and_nothing_else_does() -> None:
    wakes = {
        (rule["alert"], rule["labels"]["severity"])
        for rule in alerts()
        if "on-call" in receivers(rule["alert"], rule["labels"]["severity"]).split(",")
    }
    critical = {rule["alert"] for rule in alerts() if rule["labels"]["severity"] == "critical"}
    assert wakes == {(name, "critical") for name in critical}


def test_no_address_is_a_real_one_and_no_secret_is_written_down() -> None:
    config = yaml.safe_load(CONFIG.read_text())
    for text in texts(config["receivers"]):
        if "@" in text or "://" in text or ":" in text:
            assert ".example" in text
    kept = CONFIG.read_text().replace("credentials_file", "")
    assert not any(word in kept for word in ("password:", "credentials:", "token:", "secret"))
