"""The images that the stack needs, and `docker-compose` on an engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from support.container import OURS as KAFKA
from support.container import import_image
from support.dockerd import NoEngine

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
DATABASE: Final = "postgresql://notifier@postgresql/notifier"
PARTS: Final = (
    *("kafka", "topics", "postgresql", "migrate", "ingest", "map", "detect", "notify"),
    *("secret", "canary", "prometheus", "alertmanager"),
)
"""All of deploy/compose.yaml but Grafana, of which no image can be made of Debian's packages."""
OTHERS: Final = ("prometheus", "alertmanager", "postgresql")


class Stack:
    """The stack on an engine."""

    def __init__(self, engine: str, image: str, base: str) -> None:
        """Use an engine.

        Args:
            engine: its address, as `DOCKER_HOST` has it.
            image: ours, made before.
            base: of the images of others' programs.
        """
        self._base = base
        self._environment = os.environ | {
            "DOCKER_HOST": engine,
            "DOCKER_BUILDKIT": "0",
            "SALVAGE_IMAGE": image,
            "KAFKA_IMAGE": KAFKA,
            **{f"{name.upper()}_IMAGE": f"local/{name}" for name in OTHERS},
        }
        self._engine = engine

    def prepare(self, folder: Path) -> None:
        """Make the images of others' programs that are not there.

        Raises:
            NoEngine: ours is not there, or a tool is missing.
        """
        if shutil.which("docker-compose") is None:
            raise NoEngine("no docker-compose on this machine (Debian: docker-compose)")
        if not self._there(self._environment["SALVAGE_IMAGE"]):
            raise NoEngine("our image is not there: make image")
        if not self._there(KAFKA):
            import_image(folder / "root", self._engine)
        for name in OTHERS:
            if not self._there(f"local/{name}"):
                words = ["build", "--network", "host", "--build-arg", f"BASE={self._base}"]
                file = str(HERE / "others.Dockerfile")
                words += ["--target", name, "--tag", f"local/{name}", "--file", file, str(HERE)]
                self._run("docker", *words)

    def _there(self, image: str) -> bool:
        words = ["docker", "image", "inspect", image]
        done = subprocess.run(words, env=self._environment, capture_output=True, check=False)
        return done.returncode == 0

    def compose(self, *words: str) -> str:
        """What `docker-compose` says; it must succeed."""
        files = ["-f", str(ROOT / "deploy" / "compose.yaml"), "-f", str(HERE / "compose.yaml")]
        return self._run("docker-compose", "-p", "salvage-stack", *files, *words)

    def inside(self, *words: str) -> Any:
        """The JSON that a `salvage` command says inside, as the notifier would run it."""
        told = self.compose("exec", "-T", "notify", "salvage", *words)
        return json.loads(told)

    def doctor(self) -> dict[str, Any]:
        """What `salvage doctor` says inside, whatever it finds."""
        words = ["doctor", "--kafka", "kafka:9092", "--replicas", "1", "--json"]
        words += ["--database", DATABASE, "--notifier-site", "/site"]
        words += ["--url", "http://map:8095", "--url", "http://detect:8093"]
        words += ["--url", "http://notify:8094", "--url", "http://ingest:9464"]
        line = f"salvage {' '.join(words)} || true"
        told: dict[str, Any] = json.loads(self.compose("exec", "-T", "notify", "sh", "-c", line))
        return told

    def python(self, code: str) -> str:
        """What a program says inside."""
        return self.compose("exec", "-T", "notify", "python", "-c", code)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            words, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words[:6])} ...: {done.stderr[-2000:]}")
        return done.stdout
