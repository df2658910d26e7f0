"""The alert rules: each fires where it must, and is silent where it must be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.operations import DEPLOY, ROOT, RULES, alerts, ran, recorded

from deploy.catalogue import catalogue
from deploy.promql import labels_in, metrics_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CASES = sorted((DEPLOY / "prometheus" / "tests").glob("*.test.yaml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
NAMES = sorted({rule["alert"] for rule in alerts()})
OURS = {"job", "instance", "le"}
PROMETHEUS = {"up"}
PARTS = ["For patients", "Look at", "Do", "It clears when"]


def checks() -> Iterator[dict[str, Any]]:
    """Every question that some case asks of some alert."""
    for file in CASES:
        for case in yaml.safe_load(file.read_text())["tests"]:
            yield from case["alert_rule_test"]


def name_of(file: Path) -> str:
    return file.name


def label(rule: dict[str, Any]) -> str:
    return f"{rule['alert']}-{rule['labels']['severity']}"


def test_promtool_accepts_the_rules_and_has_nothing_to_remark() -> None:
    done = ran("promtool", "check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("file", CASES, ids=name_of)
def test_every_case_holds(file: Path) -> None:
    done = ran("promtool", "test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_says_something_else_fails_its_case(tmp_path: Path) -> None:
    """Or the cases would be no guard."""
    changed = RULES.read_text().replace("> 4 * 3600", "> 5 * 3600")
    assert changed != RULES.read_text()
    (tmp_path / "tests").mkdir()
    (tmp_path / RULES.name).write_text(changed)
    case = tmp_path / "tests" / "dead_letters.test.yaml"
    case.write_text((DEPLOY / "prometheus" / "tests" / case.name).read_text())
    assert ran("promtool", "test", "rules", case).returncode != 0


@pytest.mark.parametrize("rule", alerts(), ids=label)
def test_every_alert_fires_in_one_case_and_is_silent_in_another(rule: dict[str, Any]) -> None:
    severity = rule["labels"]["severity"]
    about = [check for check in checks() if check["alertname"] == rule["alert"]]
    fired = [
        any(one["exp_labels"]["severity"] == severity for one in check.get("exp_alerts", []))
        for check in about
    ]
    assert any(fired)
    assert severity == "none" or not all(fired)


@pytest.mark.parametrize("rule", alerts(), ids=label)
def test_every_alert_says_what_is_wrong_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith("Salvage")
    assert rule["labels"]["severity"] in {"critical", "warning", "none"}
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert notes["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
    assert "{{" not in notes["summary"]


@pytest.mark.parametrize(
    "expression", sorted({*recorded().values(), *(a["expr"] for a in alerts())})
)
def test_nothing_is_asked_that_no_process_exports(expression: str) -> None:
    known = catalogue()
    series = {name for metric in known for name in metric.series}
    assert metrics_in(expression) <= series | PROMETHEUS | set(recorded())
    assert labels_in(expression) <= {name for metric in known for name in metric.labels} | OURS


def test_names_are_found_in_an_expression() -> None:
    text = 'sum by (le, a) (rate(x_total{b=~"y{z}",c!="d"}[5m])) / on (e) f:g:h offset 1w > 1e3'
    text += " or vector(1)"
    assert metrics_in(text) == {"x_total", "f:g:h"}
    assert labels_in(text) == {"le", "a", "b", "c", "e"}


def test_every_recorded_series_is_used() -> None:
    asked = [rule["expr"] for rule in alerts()]
    assert set(recorded()) <= {name for text in asked for name in metrics_in(text)}


# ---------------------------------------------------------------- what to do about them


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    pages = {page.stem for page in RUNBOOKS.glob("Salvage*.md")}
    assert pages == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_all_that_somebody_needs_at_night(name: str) -> None:
    page = (RUNBOOKS / f"{name}.md").read_text()
    assert page.startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == PARTS
    sections = re.split(r"^## .*$", page, flags=re.MULTILINE)[1:]
    assert all(section.strip() for section in sections)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_quotes_only_metrics_that_exist(name: str) -> None:
    known = {one for metric in catalogue() for one in (metric.name, *metric.series)}
    quoted = set(re.findall(r"\bsalvage_\w+", (RUNBOOKS / f"{name}.md").read_text()))
    assert quoted <= known


def test_the_contents_list_every_page() -> None:
    contents = (RUNBOOKS / "README.md").read_text()
    assert set(re.findall(r"\((\w+)\.md\)", contents)) == set(NAMES)
