"""Kinds of channels by name: `type: email` is the file `kinds/email.py`, and its class `Settings`.

So a new kind is a new file. Nothing is imported before a site names it, because each kind brings
its own packages.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import cast

from services.notifier.channels import kinds
from services.notifier.channels.settings import ChannelSettings, ServiceSettings


@cache
def known() -> tuple[str, ...]:
    """The names of all kinds."""
    return tuple(sorted(one.name for one in pkgutil.iter_modules(kinds.__path__)))


def settings_of(kind: str) -> type[ChannelSettings | ServiceSettings]:
    """The model of a kind's settings.

    Raises:
        KeyError: there is no such kind.
    """
    if kind not in known():
        raise KeyError(kind)
    found = importlib.import_module(f"{kinds.__name__}.{kind}").Settings
    for base in (ChannelSettings, ServiceSettings):
        if issubclass(found, base):
            return cast("type[ChannelSettings | ServiceSettings]", found)
    raise TypeError(f"{kind}: its settings are those of no channel")
