"""Templates to text: one environment for all pages, in which everything is escaped."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from services.notifier.inbox import words


def environment(**values: Any) -> Environment:
    """The templates, with what every page of an application knows.

    Args:
        values: names for all templates: at least `site`, the name on every page, and `notice`, a
            sentence on top of every page, or nothing.
    """
    made = Environment(
        loader=PackageLoader("services.notifier.inbox"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"words": words, **values}
    made.filters |= {
        "brief": words.brief,
        "day": words.day,
        "moment": words.moment,
        "machine": words.machine,
        "plain": words.plain,
        "prose": words.prose,
        "readable": words.readable,
        "segment": lambda text: quote(text, safe=""),
    }
    return made
