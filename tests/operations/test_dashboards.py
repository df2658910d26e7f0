"""The dashboards: generated, linted, and the linter notices what it is there for."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.operations import DEPLOY, ROOT, alerts, ran, recorded

from deploy.__main__ import DASHBOARDS, generated
from deploy.catalogue import catalogue
from deploy.grafana.boards import BOARDS
from deploy.grafana.lint import Linter, numbers_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = sorted((ROOT / DASHBOARDS).glob("*.json"))
PROMETHEUS = {"up", "ALERTS"}
ITS_LABELS = {"job", "instance", "le", "alertname", "alertstate", "severity"}


@pytest.fixture(scope="module")
def linter() -> Linter:
    known, limits = catalogue(), defaultdict[str, str](str)
    for rule in alerts():
        limits[rule["alert"]] += f" {rule['expr']}"
    series = {name for metric in known for name in metric.series} | set(recorded()) | PROMETHEUS
    labels = {name for metric in known for name in metric.labels} | ITS_LABELS
    return Linter(frozenset(series), frozenset(labels), limits)


def overview() -> dict[str, Any]:
    board: dict[str, Any] = json.loads((ROOT / DASHBOARDS / "salvage-overview.json").read_text())
    return board


@pytest.mark.parametrize(("path", "text"), list(generated()), ids=lambda value: str(value)[:60])
def test_what_is_generated_is_as_its_code_says(path: Path, text: str) -> None:
    assert (ROOT / path).read_text() == text, "run `make ops`"


def test_no_dashboard_is_left_over() -> None:
    assert [file.stem for file in FILES] == sorted(board.uid for board in BOARDS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_linter_has_nothing_to_say(linter: Linter, file: Path) -> None:
    assert linter.complaints(json.loads(file.read_text())) == []


def _other_metric(board: dict[str, Any]) -> None:
    board["panels"][3]["targets"][0]["expr"] = "sum(salvage_suspended_person)"


def _other_label(board: dict[str, Any]) -> None:
    board["panels"][3]["targets"][0]["expr"] = "sum by (patient) (salvage_suspended_patients)"


def _other_legend(board: dict[str, Any]) -> None:
    board["panels"][7]["targets"][0]["legendFormat"] = "{{chnage}}"


def _other_limit(board: dict[str, Any]) -> None:
    board["panels"][6]["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"] = 61


def _other_alert(board: dict[str, Any]) -> None:
    board["panels"][1]["description"] = "Alert: SalvageComponentUp."


def _no_unit(board: dict[str, Any]) -> None:
    board["panels"][0]["fieldConfig"]["defaults"]["unit"] = ""


def _no_description(board: dict[str, Any]) -> None:
    board["panels"][0]["description"] = ""


def _own_source(board: dict[str, Any]) -> None:
    board["panels"][0]["targets"][0]["datasource"] = {"uid": "PD5C"}


def _same_id(board: dict[str, Any]) -> None:
    board["panels"][1]["id"] = board["panels"][0]["id"]


def _overlap(board: dict[str, Any]) -> None:
    board["panels"][1]["gridPos"] = dict(board["panels"][0]["gridPos"])


def _too_wide(board: dict[str, Any]) -> None:
    board["panels"][-1]["gridPos"]["w"] = 24


DEFECTS: dict[Callable[[dict[str, Any]], None], str] = {
    _other_metric: "no such metric: salvage_suspended_person",
    _other_label: "no such label: patient",
    _other_legend: "a legend of an unknown label: chnage",
    _other_limit: "no alert has the limit 61",
    _other_alert: "no such alert: SalvageComponentUp",
    _no_unit: "no unit",
    _no_description: "no description",
    _own_source: "a query with a data source of its own",
    _same_id: "two panels have one id",
    _overlap: "overlap",
    _too_wide: "beyond the right edge",
}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__.strip("_"))
def test_a_defect_is_noticed(linter: Linter, defect: Callable[[dict[str, Any]], None]) -> None:
    board = copy.deepcopy(overview())
    defect(board)
    told = linter.complaints(board)
    assert any(DEFECTS[defect] in one for one in told), told


def test_a_product_is_one_number() -> None:
    assert numbers_in("time() - x[5m] > 4 * 3600 and y9 >= 0.05") == {14_400.0, 0.05}


def test_provisioning_finds_prometheus_and_the_folder() -> None:
    places = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((places / "datasources" / "salvage.yaml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    assert source["isDefault"] is True
    (provider,) = yaml.safe_load((places / "dashboards" / "salvage.yaml").read_text())["providers"]
    assert provider["type"] == "file"


def test_promtool_accepts_the_configuration_of_prometheus() -> None:
    done = ran("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
