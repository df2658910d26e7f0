"""The tools that operations use, as real programs; and the files that we ship for them."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from support import lacking

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "salvage.rules.yaml"
_PACKAGES = {"amtool": "prometheus-alertmanager"}


def tool(name: str) -> str:
    """Where a program of Prometheus' is; without it the test is skipped, in CI it fails."""
    found = shutil.which(name)
    if found is None:
        lacking(f"no {name} on this machine (Debian: {_PACKAGES.get(name, 'prometheus')})")
    return found


def ran(name: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of them to its end."""
    command = [tool(name), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def alerts() -> list[dict[str, Any]]:
    """The alert rules, as they are written; a name may stand there once for each severity."""
    return [rule for rule in _rules() if "alert" in rule]


def recorded() -> dict[str, str]:
    """The recording rules: name and expression."""
    return {rule["record"]: rule["expr"] for rule in _rules() if "record" in rule}


@cache
def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]
