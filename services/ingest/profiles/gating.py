"""The MLLP gate's rules from source profiles: each sender is judged by its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.ingest.mllp.gate import PRODUCTION, Rules, examine

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.ingest.hl7v2.codec import Segment
    from services.ingest.mllp.gate import Examined
    from services.ingest.profiles.sources import Source, Sources


def rules_for(sources: Sources, senders: frozenset[str] | None = None) -> Rules:
    """The rules of a listener.

    Args:
        sources: none declared: all are judged alike, as a live feed that follows the standard.
        senders: who may speak, `facility/application`; None: anybody.
    """
    if not sources.declared:
        return Rules(PRODUCTION, senders=senders)

    def of_sender(header: Segment) -> Rules | None:
        source = sources.of_message(header)
        return None if source is None else _of(source, header)

    return Rules(PRODUCTION, senders=senders, of_sender=of_sender)


def _of(source: Source, header: Segment) -> Rules:
    profile = source.profile_for(header)
    return Rules(profile, custody=source.custody, ignored=profile.ignored, numbered=source.numbered)


def gate_of(sources: Sources) -> Callable[[bytes, int], Examined]:
    """The gate for what came by MLLP before and is read again: whoever may speak was known then."""
    rules = rules_for(sources)
    return lambda raw, received: examine(raw, rules, None, received)
