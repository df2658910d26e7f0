"""The cookie of a browser that is about to sign in: a secret, where to, and what was begun."""

from __future__ import annotations

import base64
import json
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.notifier.inbox.web.calls import Call
    from services.notifier.inbox.web.parts import Parts

ENTRY: Final = "entry"
LASTS: Final = 600
"""Seconds that somebody may take to sign in."""
_WAYS: Final = re.compile(
    r"/(case/[0-9a-f]{32}|roster|route|rules|sources|letters|audit|glass|preferences)?"
)


def entry_of(call: Call, parts: Parts) -> dict[str, Any]:
    """What the cookie says; nothing if there is none, or it can't be read."""
    return unpacked(call.cookies.get(parts.cookie(ENTRY), ""))


def unpacked(text: str) -> dict[str, Any]:
    """What a cookie's value says; nothing if it can't be read."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode()))
    except ValueError:
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("secret"), str) else {}


def packed(**entry: Any) -> str:
    """The cookie's value; with a secret, if it has none yet."""
    entry = {"secret": secrets.token_urlsafe(32), **entry}
    return base64.urlsafe_b64encode(json.dumps(entry).encode()).decode()


def way(entry: dict[str, Any]) -> str:
    """Where they wanted to go; a page of ours, and no other."""
    to = entry.get("to", "/")
    return to if isinstance(to, str) and _WAYS.fullmatch(to) else "/"
