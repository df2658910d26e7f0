"""The made-up house of the demo: one team, four people, and no way out of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

YOU: Final = "you"
COLLEAGUE: Final = "registrar"
TEAMS: Final = "teams"
MESSAGES: Final = "messages.jsonl"
_HOUSE: Final = "time_zone: UTC\n"
_TEAM: Final = """\
team: day-clinic
about: a made-up team that looks after every simulated patient
time_zone: UTC
default: true
desk: {{id: day-clinic-desk, phones: ["made-up number"]}}
members:
  - {{id: you, about: whoever looks at the demo}}
  - {{id: registrar, about: on call before you}}
  - {{id: nurse}}
  - {{id: consultant}}
on_call:
  owner:
    always: registrar
    swaps: [{{member: you, from: "{since:%Y-%m-%dT%H:%M}", to: "2999-12-31T00:00"}}]
  cover: {{always: nurse}}
  lead: {{always: consultant}}
"""
_CHANNELS: Final = "channels:\n  paper: {type: console, file: messages.jsonl}\n"
_INBOX: Final = "public: {origin}\nlocal: {{member: you, roles: [lead, auditor, ops]}}\n"


def made(folder: Path, origin: str, since: datetime) -> Path:
    """Write the site's folder.

    Args:
        folder: made; what stands in it is written anew.
        origin: how browsers reach the inbox.
        since: when `YOU` came on call.

    Returns:
        The folder, as `salvage run --notifier-site` takes it.
    """
    (folder / TEAMS).mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in {
        f"{TEAMS}/site.yaml": _HOUSE,
        f"{TEAMS}/day-clinic.yaml": _TEAM.format(since=since),
        "channels.yaml": _CHANNELS,
        "inbox.yaml": _INBOX.format(origin=origin),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
