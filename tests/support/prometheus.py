"""Prometheus and Alertmanager as real processes, on this machine alone, and what they are told."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Self

import yaml

from support.operations import DEPLOY, RULES, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

HERE = "127.0.0.1"
PATIENCE = 30.0
PAUSE = 0.2


def free_port() -> int:
    """A port that nobody has at present."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port: int = probe.getsockname()[1]
        return port


def wait(what: str, found: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Until something is found.

    Raises:
        AssertionError: it isn't, in time.
    """
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(PAUSE)


class Program:
    """One of the two, until it is ended; its log is kept in its folder."""

    def __init__(self, folder: Path, name: str, *words: str) -> None:
        self.port = free_port()
        self.log = folder / f"{name}.log"
        listen = f"--web.listen-address={HERE}:{self.port}"
        with self.log.open("wb") as log:
            command = [tool(name), listen, *words]
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        wait(f"{name} is ready", self._ready)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            self.asked("/-/ready")
        except OSError:
            return False
        return True

    def asked(self, path: str, **words: object) -> bytes:
        """What it answers."""
        query = f"?{urllib.parse.urlencode(words)}" if words else ""
        url = f"http://{HERE}:{self.port}{path}{query}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            body: bytes = answer.read()
            return body


class Prometheus(Program):
    """With our rules and our configuration, but every second and without long waits."""

    def __init__(self, folder: Path, targets: Mapping[str, int], alertmanager: int) -> None:
        config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        managers = config["alerting"]["alertmanagers"][0]["static_configs"][0]
        managers["targets"] = [f"{HERE}:{alertmanager}"]
        config["scrape_configs"] = [
            {"job_name": job, "static_configs": [{"targets": [f"{HERE}:{port}"]}]}
            for job, port in targets.items()
        ]
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        (folder / RULES.name).write_text(yaml.safe_dump(_hasty(yaml.safe_load(RULES.read_text()))))
        storage = f"--storage.tsdb.path={folder / 'data'}"
        # What fires before Alertmanager was found is told again at once, and not after a minute.
        again = "--rules.alert.resend-delay=1s"
        super().__init__(folder, "prometheus", "--config.file=prometheus.yaml", storage, again)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The present value of an expression: its series."""
        answer = json.loads(self.asked("/api/v1/query", query=expression))
        assert answer["status"] == "success", answer
        series: list[dict[str, Any]] = answer["data"]["result"]
        return series

    def over(self, expression: str, start: float, end: float) -> list[dict[str, Any]]:
        """Its values second by second.

        Raises:
            HTTPError: it is no expression.
        """
        words = {"query": expression, "start": start, "end": end, "step": 1}
        series: list[dict[str, Any]] = json.loads(self.asked("/api/v1/query_range", **words))[
            "data"
        ]["result"]
        return series

    def firing(self, alert: str) -> bool:
        """Whether an alert fires at present."""
        return bool(self.query(f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))


def _hasty(rules: dict[str, Any]) -> dict[str, Any]:
    """The same rules; what has to last for minutes lasts for a second."""
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = "1s"
    return rules


class Alertmanager(Program):
    """With our routes, at once, and with receivers that are on this machine."""

    def __init__(self, folder: Path, receiver: int) -> None:
        path = DEPLOY / "alertmanager" / "alertmanager.yaml"
        config = yaml.safe_load(path.read_text())
        for route in (config["route"], *config["route"]["routes"]):
            route |= {"group_wait": "0s", "group_interval": "1s"}
        config["receivers"] = [
            {"name": one["name"], "webhook_configs": [{"url": _at(receiver, one["name"])}]}
            for one in config["receivers"]
        ]
        (folder / "alertmanager.yaml").write_text(yaml.safe_dump(config))
        words = (f"--storage.path={folder / 'state'}", "--cluster.listen-address=")
        file = "--config.file=alertmanager.yaml"
        super().__init__(folder, "prometheus-alertmanager", file, *words)

    def fire(self, *alerts: Mapping[str, str]) -> None:
        """Alerts by their labels, as if Prometheus had sent them."""
        body = json.dumps([{"labels": labels} for labels in alerts]).encode()
        url, kind = f"http://{HERE}:{self.port}/api/v2/alerts", {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, body, kind), timeout=PATIENCE):
            pass

    def inhibited(self) -> list[tuple[str, str]]:
        """The alerts that nobody is told of, because of others: name and severity."""
        return [
            (one["labels"]["alertname"], one["labels"]["severity"])
            for one in json.loads(self.asked("/api/v2/alerts"))
            if one["status"]["inhibitedBy"]
        ]


def _at(port: int, name: str) -> str:
    return f"http://{HERE}:{port}/{name}"


class Receivers:
    """Whoever is told: alerts by receiver, as (alert, status)."""

    def __init__(self) -> None:
        self.told: dict[str, list[tuple[str, str]]] = defaultdict(list)
        told = self.told

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                for one in json.loads(self.rfile.read(size))["alerts"]:
                    name = one["labels"]["alertname"]
                    told[self.path.strip("/")].append((name, one["status"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer((HERE, 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
