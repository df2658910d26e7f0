"""What we are made of: a bill of materials, the licences, and what is known to be wrong with it.

`python -m deploy.supply sbom|licences|audit TOOLS`, where TOOLS is the folder of others' programs:
`make sbom`, `make licences` and `make audit` install them in an environment of their own. All three
go by `requirements/runtime.txt`: what users get, and nothing that we develop with.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT: Final = Path(__file__).resolve().parents[1]
LOCK: Final = ROOT / "requirements" / "runtime.txt"
SBOM, LICENCES = ROOT / "build" / "sbom.cdx.json", ROOT / "build" / "licences.csv"
DONE, FOUND, UNKNOWN = 0, 1, 2
_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


class Part(NamedTuple):
    """A package: its name as indexes normalise it, and its version."""

    name: str
    version: str


class Verdict(NamedTuple):
    """What an audit comes to: an exit code, and what to say."""

    code: int
    lines: tuple[str, ...]


def part(name: str, version: str) -> Part:
    """A package by any spelling of its name."""
    return Part(re.sub(r"[-_.]+", "-", name).lower(), version)


def locked(text: str) -> frozenset[Part]:
    """The packages of a lock file."""
    return frozenset(part(*found) for found in _PINNED.findall(text))


def listed(sbom: Mapping[str, Any]) -> frozenset[Part]:
    """The packages of a CycloneDX bill."""
    return frozenset(part(one["name"], one["version"]) for one in sbom["components"])


def verdict(report: Mapping[str, Any]) -> Verdict:
    """What a report of pip-audit means. What was not looked up is not thereby without fault.

    Returns:
        0 all were looked up and nothing is known of them; 1 something is; 2 not all were looked up.
    """
    found = report["dependencies"]
    known = [
        f"{one['name']} {one['version']}: {fault['id']}, mended in {_mended(fault)}"
        for one in found
        for fault in one.get("vulns", ())
    ]
    skipped = [one["name"] for one in found if "skip_reason" in one]
    if known:
        return Verdict(FOUND, (*known, f"{len(known)} vulnerabilities are known"))
    if skipped or not found:
        told = f"{len(skipped)} of {len(found)} packages could not be looked up"
        return Verdict(UNKNOWN, (told, "run it where the package index is reached"))
    return Verdict(DONE, (f"{len(found)} packages, nothing is known to be wrong with them",))


def _mended(fault: Mapping[str, Any]) -> str:
    return ", ".join(fault.get("fix_versions", ())) or "no version yet"


def sbom(tools: Path) -> int:
    """Write the bill of materials; it must list what is locked, and nothing else."""
    SBOM.parent.mkdir(exist_ok=True)
    words = ["requirements", str(LOCK), "--output-format", "JSON", "--output-file", str(SBOM)]
    subprocess.run([tools / "cyclonedx-py", *words], check=True, capture_output=True)  # noqa: S603
    differing = listed(json.loads(SBOM.read_text())) ^ locked(LOCK.read_text())
    if differing:
        return _say(FOUND, [f"not in both: {one.name} {one.version}" for one in sorted(differing)])
    return _say(DONE, [f"{SBOM.relative_to(ROOT)}: {len(locked(LOCK.read_text()))} packages"])


def licences(tools: Path) -> int:
    """Write the licences of what is locked, as it is installed in the environment that runs us."""
    words = ["--python", sys.executable, "--format", "json", "--with-urls"]
    done = subprocess.run([tools / "pip-licenses", *words], check=True, capture_output=True)  # noqa: S603
    ours = {one.name for one in locked(LOCK.read_text())}
    rows = [row for row in json.loads(done.stdout) if part(row["Name"], "").name in ours]
    LICENCES.parent.mkdir(exist_ok=True)
    with LICENCES.open("w", newline="") as file:
        table = csv.DictWriter(file, ["Name", "Version", "License", "URL"], extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    unsaid = [f"no licence is told: {row['Name']}" for row in rows if row["License"] == "UNKNOWN"]
    told = f"{LICENCES.relative_to(ROOT)}: {len(rows)} packages"
    return _say(FOUND if unsaid else DONE, [*unsaid, told])


def audit(tools: Path) -> int:
    """Say what is known to be wrong with what is locked."""
    words = ["--require-hashes", "--disable-pip", "--format", "json", "-r", str(LOCK)]
    done = subprocess.run(  # noqa: S603
        [tools / "pip-audit", *words], check=False, capture_output=True, text=True
    )
    try:
        found = verdict(json.loads(done.stdout))
    except ValueError:
        told = "the service that knows of vulnerabilities was not reached; run it where it is"
        found = Verdict(UNKNOWN, (told,))
    return _say(found.code, found.lines)


def _say(code: int, lines: Iterable[str]) -> int:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return code


WORKS: Final = {"sbom": sbom, "licences": licences, "audit": audit}

if __name__ == "__main__":
    sys.exit(WORKS[sys.argv[1]](Path(sys.argv[2])))
