"""A FHIR R4 CareTeam as members: who is in it. When they are on duty, it doesn't say.

Practitioners of an active team become members with a message channel only, named after their
reference: `Practitioner/17` is `practitioner-17`. A team's file may give any of them more.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from services.notifier.cases.words import Channel
from services.notifier.roster.model import Member
from services.runtime.yamltext import Mistake

_REFERENCE: Final = re.compile(r"(?:.*/)?(Practitioner|PractitionerRole)/([A-Za-z0-9.-]{1,64})")


def read_care_team(text: str, file: str) -> list[Member | Mistake]:
    """The members of a care team, in its order; or what is wrong with the file.

    Patients, relatives and organisations are no members: alerts go to staff.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return [Mistake(file, 1, 1, "expected JSON")]
    if not isinstance(found, dict) or found.get("resourceType") != "CareTeam":
        return [Mistake(file, 1, 1, "resourceType: expected CareTeam")]
    if found.get("status") != "active":
        return [Mistake(file, 1, 1, "status: expected active")]
    participants = found.get("participant")
    names = dict.fromkeys(filter(None, map(_name, _list(participants))))
    if not names:
        return [Mistake(file, 1, 1, "participant: expected at least one Practitioner")]
    return [Member(id=name, channels=(Channel.MESSAGE,)) for name in names]


def _name(participant: Any) -> str | None:
    member = participant.get("member") if isinstance(participant, dict) else None
    reference = member.get("reference") if isinstance(member, dict) else None
    found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    return f"{found[1]}-{found[2]}".lower() if found else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
