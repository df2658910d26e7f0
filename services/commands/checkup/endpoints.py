"""The processes, asked as a supervisor and Prometheus ask them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.parser import text_string_to_metric_families

from services.commands.checkup.finding import Finding, warning, well, wrong
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE: Final = 10.0
MOST_BYTES: Final = 16 * 1024 * 1024
BUILD: Final = "salvage_build_info"


def usable(url: str) -> str:
    """An address that may be asked.

    Raises:
        OperatorError: it is none.
    """
    if not url.startswith(("http://", "https://")):
        raise OperatorError("--url: expected http://HOST:PORT or https://HOST:PORT")
    return url.rstrip("/")


def ready(url: str) -> Iterator[Finding]:
    """Whether a process says that it is at work."""
    status, body = _asked(f"{url}/readyz")
    if status == 0:
        yield wrong("ready", f"{url} does not answer", "is the process there, and the port right?")
        return
    try:
        reason = json.loads(body).get("reason")
    except (ValueError, AttributeError):
        reason = None
        if status == 200:  # noqa: PLR2004 - a server of metrics alone gives them for any address
            yield well("ready", f"{url} answers; it has metrics and no readiness")
            return
    if status == 200:  # noqa: PLR2004
        yield well("ready", f"{url} is at work")
    else:
        told = f"{url} is not at work: {reason or f'it answers {status}'}"
        yield wrong("ready", told, "its log says more; see docs/runbooks/README.md")


def metrics(url: str) -> Iterator[Finding]:
    """Whether Prometheus gets something, and of the same release as this one."""
    status, body = _asked(f"{url}/metrics")
    try:
        found = {
            sample.name: sample
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
        }
    except ValueError:
        found = {}
    if status != 200 or BUILD not in found:  # noqa: PLR2004
        yield wrong("metrics", f"{url} gives no metrics of ours", "is it one of our processes?")
        return
    theirs, ours = found[BUILD].labels["version"], version("salvage-watch")
    if theirs != ours:
        do = "see docs/runbooks/SalvageVersionsDiffer.md"
        yield warning("metrics", f"{url} runs {theirs}, here is {ours}", do)
    else:
        yield well("metrics", f"{url} gives metrics of {theirs}")


def _asked(url: str) -> tuple[int, bytes]:
    """Status and body; status 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - `usable` looked
            return _read(answer)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error)
    except (OSError, ValueError):
        return 0, b""


def _read(answer: Any) -> tuple[int, bytes]:
    return int(answer.status), answer.read(MOST_BYTES)
