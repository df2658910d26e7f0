"""What deploys us names only what exists: commands, options, ports, addresses, images, files.

That the stack then works is shown by `make test-stack`, which drives it.
"""

from __future__ import annotations

import argparse
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from support.operations import DEPLOY, ROOT

from schemas.canary import CHANNEL, RULE
from schemas.topics import EVENTS
from services.cli import COMMANDS
from services.detector.rulebook.library import rules_in_force
from services.notifier.channels.loading import load_channels
from services.runtime.health import LIVE, METRICS, READY

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = DEPLOY / "compose.yaml"
BASE = DEPLOY / "kubernetes" / "base"
OURS = "salvage-watch"
OURSELVES = ("ingest", "map", "detect", "notify", "canary")
JOBS = ("topics", "migrate")


class Process(NamedTuple):
    """One of our processes, as some file starts it."""

    where: str
    words: list[str]
    said: dict[str, Any]


@cache
def composed() -> dict[str, dict[str, Any]]:
    """The services of the stack."""
    services: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return services


@cache
def manifests() -> tuple[dict[str, Any], ...]:
    """All objects for Kubernetes."""
    files = [path for path in sorted(BASE.glob("*.yaml")) if path.name != "kustomization.yaml"]
    return tuple(one for path in files for one in yaml.safe_load_all(path.read_text()))


def pods() -> dict[str, dict[str, Any]]:
    """The pods, by the name of their object."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in manifests()
        if "template" in one.get("spec", {})
    }


def processes() -> list[Process]:
    """Every one of ours that is started anywhere."""
    stack = [
        Process(f"compose-{name}", one["command"], one)
        for name, one in composed().items()
        if OURS in one["image"] and "command" in one
    ]
    cluster = [
        Process(f"kubernetes-{name}", container["args"], container)
        for name, pod in pods().items()
        for container in pod["containers"]
    ]
    return stack + cluster


PROCESSES = processes()


def parsed(words: list[str]) -> argparse.Namespace:
    """The words as the `salvage` command reads them; it ends the process where it can't."""
    parser = argparse.ArgumentParser()
    import_module(COMMANDS[words[0]][0]).register(parser.add_subparsers())
    return parser.parse_args([str(word) for word in words])


def name_of(one: Process) -> str:
    return one.where


def test_there_are_as_many_as_we_think() -> None:
    assert {one.where for one in PROCESSES} == {
        *(f"{where}-{name}" for where in ("compose", "kubernetes") for name in (*OURSELVES, *JOBS)),
    }


@pytest.mark.parametrize("process", PROCESSES, ids=name_of)
def test_its_command_and_options_exist(process: Process) -> None:
    assert callable(parsed(process.words).run)


def test_an_option_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(SystemExit):
        parsed(["map", "--kafka", "kafka:9092", "--no-such-option"])


def listens(process: Process) -> set[int]:
    """The ports that it will listen on."""
    args = vars(parsed(process.words))
    names = ("receive" if process.words[0] == "canary" else "mllp", "metrics", "port")
    told = [args.get(name) for name in names if args.get(name)]
    return {int(str(one).rpartition(":")[2]) for one in told}


@pytest.mark.parametrize("process", PROCESSES, ids=name_of)
def test_ports_and_probes_are_those_it_has(process: Process) -> None:
    ports = {
        port["name"]: port["containerPort"]
        for port in process.said.get("ports", [])
        if "name" in port
    }
    asked = re.findall(
        r":(\d+)(/\w+)|127\.0\.0\.1', (\d+)", str(process.said.get("healthcheck", ""))
    )
    assert {int(one[0] or one[2]) for one in asked} <= listens(process)
    paths = {one[1] for one in asked if one[1]}
    if process.where.startswith("kubernetes"):
        assert set(ports.values()) == listens(process)
        for kind in ("readinessProbe", "livenessProbe", "startupProbe"):
            probe = process.said.get(kind, {})
            assert bool(probe) == bool(ports)
            for how in ("httpGet", "tcpSocket"):
                assert probe.get(how, {}).get("port", *list(ports)[:1] or [None]) in {*ports, None}
            paths |= {probe["httpGet"]["path"]} if "httpGet" in probe else set()
    assert paths <= {LIVE, READY, METRICS}


def test_liveness_never_asks_whether_others_are_there() -> None:
    """Or all would be started anew whenever Kafka is."""
    for process in PROCESSES:
        for kind in ("livenessProbe", "startupProbe"):
            get = process.said.get(kind, {}).get("httpGet", {})
            assert get.get("path") != READY


@pytest.mark.parametrize("name", [*OURSELVES, *JOBS, "secret"])
def test_a_service_of_the_stack_may_do_no_more_than_it_must(name: str) -> None:
    one = composed()[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(pods()))
def test_a_pod_may_do_no_more_than_it_must(name: str) -> None:
    pod = pods()[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"requests", "limits"} <= container["resources"].keys()
        assert "secretKeyRef" not in str(container)  # secrets are files


@pytest.mark.parametrize("name", sorted(pods()))
def test_a_pod_mounts_what_it_names_and_names_what_it_mounts(name: str) -> None:
    pod = pods()[name]
    claims = {
        claim["metadata"]["name"]
        for one in manifests()
        if one["metadata"]["name"] == name
        for claim in one.get("spec", {}).get("volumeClaimTemplates", ())
    }
    containers = (*pod["containers"], *pod.get("initContainers", ()))
    mounts = [mount for one in containers for mount in one["volumeMounts"]]
    assert {mount["name"] for mount in mounts} == {v["name"] for v in pod["volumes"]} | claims
    places = [mount["mountPath"] for mount in mounts] + ["/tmp"]  # noqa: S108
    files = re.findall(r"=(/[a-z/]+)", " ".join(map(str, pod["containers"][0]["args"])))
    assert [file for file in files if not file.startswith(tuple(places))] == []


@pytest.mark.parametrize("name", ["ingest", "map", "detect", "notify"])
def test_a_service_survives_the_emptying_of_a_node(name: str) -> None:
    budgets = [one for one in manifests() if one["kind"] == "PodDisruptionBudget"]
    assert name in {
        one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] for one in budgets
    }
    keys = [one["topologyKey"] for one in pods()[name]["topologySpreadConstraints"]]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert pods()[name]["terminationGracePeriodSeconds"] > 20 + 5


def test_nothing_may_speak_but_what_is_named() -> None:
    policies = {
        one["metadata"]["name"]: one["spec"]
        for one in manifests()
        if one["kind"] == "NetworkPolicy"
    }
    assert policies["deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    to_kafka = policies["to-kafka"]["podSelector"]["matchExpressions"][0]["values"]
    assert set(to_kafka) == {name for name, pod in pods().items() if "--kafka" in str(pod)}
    to_database = policies["to-postgresql"]["podSelector"]["matchExpressions"][0]["values"]
    assert set(to_database) == {name for name, pod in pods().items() if "--database" in str(pod)}


def test_there_are_never_more_detectors_than_partitions() -> None:
    (scaling,) = [one["spec"] for one in manifests() if one["kind"] == "HorizontalPodAutoscaler"]
    assert scaling["maxReplicas"] == EVENTS.partitions
    metric = scaling["metrics"][0]["pods"]["metric"]["name"]
    assert f"`{metric}`" in (ROOT / "docs" / "metrics.md").read_text()


def test_every_file_is_in_the_kustomization_and_every_name_there_is_a_file() -> None:
    for folder in (BASE, BASE.parent / "example"):
        told = yaml.safe_load((folder / "kustomization.yaml").read_text())
        maps = [file for one in told.get("configMapGenerator", ()) for file in one["files"]]
        there = {path.name for path in folder.iterdir()} - {"kustomization.yaml"}
        assert {*told["resources"], *maps} - {"../base"} == there


def test_what_the_stack_mounts_is_there() -> None:
    volumes = yaml.safe_load(COMPOSE.read_text())["volumes"]
    for service in composed().values():
        for source in (str(one).split(":")[0] for one in service.get("volumes", ())):
            assert source in volumes or (DEPLOY / source).exists()


def test_prometheus_asks_every_process_of_the_stack_that_answers() -> None:
    config = yaml.safe_load((DEPLOY / "compose" / "prometheus.yaml").read_text())
    targets = {
        target
        for job in config["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    answers = {
        f"{one.where.removeprefix('compose-')}:{port}"
        for one in PROCESSES
        if one.where.startswith("compose")
        for port in listens(one) - {2575, 8096}
    }
    assert targets == answers


@pytest.mark.parametrize("folder", ["compose", "kubernetes/example"])
def test_the_canary_has_its_channel_and_its_rule(folder: str) -> None:
    names = [one.name for one in load_channels(DEPLOY / folder / "channels.yaml").channels]
    assert CHANNEL in names
    assert RULE in {one.id for one in rules_in_force(site=DEPLOY / folder / "rules.yaml")}


def test_only_this_machine_reaches_the_stack() -> None:
    ports = [port for one in composed().values() for port in one.get("ports", ())]
    assert len(ports) >= 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def steps(path: Path) -> list[list[str]]:
    """The instructions of a Dockerfile, continued lines joined, comments left out."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]


def test_the_image_is_of_any_base_and_nobodys_in_particular() -> None:
    found = steps(DEPLOY / "Dockerfile")
    assert found[0][0] == "ARG"
    assert {told.split()[0] for word, told in found if word == "FROM"} == {"${BASE}"}
    assert ["USER", "10001:10001"] in found
    assert ["ENTRYPOINT", '["salvage"]'] in found
    installs = [told for word, told in found if word == "RUN" and "pip install" in told]
    assert all("--no-index" in told and "--require-hashes" in told for told in installs)
    assert len(installs) == 1


def test_the_targets_that_make_and_drive_it_exist() -> None:
    made = (ROOT / "Makefile").read_text()
    for target in ("image", "base-image", "stack", "test-stack"):
        assert re.search(rf"^{target}:.*## ", made, re.MULTILINE)
