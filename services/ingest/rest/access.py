"""Who may send what: scopes of SMART's backend services, for one caller.

Source: SMART App Launch 2.2, scopes `system/Type.cruds`, and of version 1 `system/Type.write` (H).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCOPE: Final = re.compile(r"system/(\*|[A-Z][A-Za-z]+)\.(c?r?u?d?s?|read|write|\*)")
_LETTERS: Final = {"*": "cruds", "write": "cud", "read": "rs"}
CREATE, UPDATE = "c", "u"


@dataclass(frozen=True, slots=True)
class Grant:
    """A caller.

    Attributes:
        source: by which name its messages are kept and its profile is chosen.
        allowed: of each resource type (`*`: of any) the letters of what it may do.
    """

    source: str
    allowed: dict[str, frozenset[str]] = field(default_factory=dict)

    def permits(self, kind: str, letter: str) -> bool:
        """Whether it may create (`c`) or update (`u`) resources of a type."""
        of_any, of_kind = self.allowed.get("*", frozenset()), self.allowed.get(kind, frozenset())
        return letter in of_any | of_kind


def everything(source: str) -> Grant:
    """Somebody who may send whatever is read here."""
    return Grant(source, {"*": frozenset({CREATE, UPDATE})})


def scoped(source: str, scopes: Iterable[str]) -> Grant:
    """Somebody with these scopes; what is not about backends is passed over."""
    allowed: dict[str, frozenset[str]] = {}
    for scope in scopes:
        match = _SCOPE.fullmatch(scope)
        if match is not None:
            letters = frozenset(_LETTERS.get(match[2], match[2]))
            allowed[match[1]] = allowed.get(match[1], frozenset()) | letters
    return Grant(source, allowed)
