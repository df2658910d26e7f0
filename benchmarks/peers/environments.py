"""Where the peers live: `build/peers/<name>`, made on demand, by name and pinned version.

Nothing of it is ours: no lock, no dependency, no address. What can't be had is told with a reason.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "peers"
PATIENCE = 1800  # seconds for an installation
PROGRAMS = Path(__file__).parent / "programs"
_JVM = Path(__file__).parent / "jvm"
_PACKAGE = "benchmarks.peers.programs"


class Unavailable(Exception):  # noqa: N818 - a state of this machine
    """A peer can't be had here; the text says why, and names no address."""


class Environment(Protocol):
    """Something in which a program of ours can run."""

    @property
    def version(self) -> str:
        """What is pinned, for the table."""
        ...

    def command(self) -> list[str]:
        """The words that run the program; makes the environment if need be.

        Raises:
            Unavailable: it can't be made.
        """
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """Our own interpreter, for a module of `programs`."""

    module: str
    version: str = ""

    def command(self) -> list[str]:
        """Nothing has to be made."""
        return [sys.executable, "-m", f"{_PACKAGE}.{self.module}"]


@dataclass(frozen=True, slots=True)
class Pip:
    """A virtual environment with packages of Python, for `programs/with_<name>.py`."""

    name: str
    packages: tuple[str, ...]

    @property
    def version(self) -> str:
        """Of the first package."""
        return self.packages[0].partition("==")[2]

    def command(self) -> list[str]:
        """Our module under the peer's interpreter."""
        folder = BUILD / self.name
        python = folder / "venv" / "bin" / "python"
        with _made(folder, " ".join(self.packages)) as fresh:
            if fresh:
                _run([sys.executable, "-m", "venv", str(folder / "venv")], "no venv")
                pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
                _run([*pip, "install", *self.packages], f"pip could not install {self.packages[0]}")
        return [str(python), "-m", f"{_PACKAGE}.with_{self.name}"]


@dataclass(frozen=True, slots=True)
class Npm:
    """A folder with packages of JavaScript, for `programs/with_<name>.mjs`."""

    name: str
    packages: tuple[str, ...]

    @property
    def version(self) -> str:
        """Of the first package."""
        return self.packages[0].rpartition("@")[2]

    def command(self) -> list[str]:
        """Our script, beside the packages that it imports."""
        for tool in ("node", "npm"):
            _needed(tool)
        folder = BUILD / self.name
        with _made(folder, " ".join(self.packages)) as fresh:
            if fresh:
                words = ["npm", "install", "--silent", "--no-audit", "--prefix", str(folder)]
                _run([*words, *self.packages], f"npm could not install {self.packages[0]}")
        script = folder / f"with_{self.name}.mjs"
        shutil.copy(PROGRAMS / script.name, script)
        return ["node", str(script)]


@dataclass(frozen=True, slots=True)
class Maven:
    """Jars that `jvm/<name>/pom.xml` names, and our Java beside it, compiled."""

    name: str
    version: str
    main: str
    options: tuple[str, ...] = ()

    def command(self) -> list[str]:
        """Our class with its jars."""
        for tool in ("java", "javac", "mvn"):
            _needed(tool)
        source, folder = _JVM / self.name, BUILD / self.name
        sources = sorted(map(str, [*source.glob("*.java"), *_JVM.glob("*.java")]))
        content = "".join(Path(path).read_text() for path in [*sources, str(source / "pom.xml")])
        with _made(folder, sha256(content.encode()).hexdigest()) as fresh:
            if fresh:
                self._make(source, folder, sources)
        path = f"{folder / 'classes'}:{folder / 'jars'}/*:{source}"
        return ["java", *self.options, "-cp", path, self.main]

    def _make(self, source: Path, folder: Path, sources: Sequence[str]) -> None:
        pom, jars = str(source / "pom.xml"), folder / "jars"
        words = ["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies"]
        _run([*words, f"-DoutputDirectory={jars}"], f"Maven could not fetch {self.name}")
        target = ["-d", str(folder / "classes"), "-cp", f"{jars}/*"]
        _run(["javac", "-nowarn", *target, *sources], f"{self.name} could not be compiled")


@contextmanager
def _made(folder: Path, wanted: str) -> Iterator[bool]:
    """Says whether an environment has to be made, and remembers that it was."""
    mark = folder / "complete"
    fresh = not mark.exists() or mark.read_text() != wanted
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    yield fresh
    mark.write_text(wanted)


def _needed(tool: str) -> None:
    if shutil.which(tool) is None:
        raise Unavailable(f"no {tool} on this machine")


def _run(words: Sequence[str], otherwise: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        raise Unavailable(otherwise) from None
    if done.returncode != 0:
        raise Unavailable(otherwise)
