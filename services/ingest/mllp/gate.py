"""The gate: what is thought of one message before anything is done with it. Pure.

Order: who may speak here, then the form, then the content. Nobody's content is read before the
sender is known to be allowed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from services.ingest.coding import Rejected
from services.ingest.hl7v2.codec import Refused, Segment
from services.ingest.hl7v2.identity import source_of
from services.ingest.hl7v2.mapping import read_message
from services.ingest.hl7v2.profile import STANDARD, Profile
from services.ingest.journal import State
from services.ingest.mllp.acknowledge import older, read_header
from services.ingest.mllp.future import in_the_future
from services.ingest.mllp.verdict import (
    ACCEPTED,
    UNAVAILABLE,
    Fault,
    Verdict,
    of_content,
    refusal,
    rejection,
)

if TYPE_CHECKING:
    from collections.abc import Callable

VERSIONS: Final = frozenset(
    [
        "2.1",
        "2.2",
        "2.3",
        "2.3.1",
        "2.4",
        "2.5",
        "2.5.1",
        "2.6",
        "2.7",
        "2.7.1",
        "2.8",
        "2.8.1",
        "2.8.2",
        "2.9",
        "2.9.1",
    ]
)
"""Table 0104. An empty MSH-12 is read too: nothing that we read depends on the version."""
KINDS: Final = frozenset({"ORU", "MDM", "ADT", "RAS", "RDE", "ORM", "OMG"})
"""Message types of which some event is read: of another event, the event is what is unsupported."""
UNNAMED: Final = "unknown sender"
PRODUCTION: Final = replace(STANDARD, processing_ids=frozenset({"P"}))
"""A live feed: test and training traffic is refused."""

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_TOO_LONG_SINCE = (2, 7)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site says about a listener.

    Attributes:
        profile: how its senders are read.
        custody: accept as soon as the bytes are durable, whatever they say.
        senders: `facility/application` (MSH-4, MSH-3) of those who may send; None: anybody.
        line_feeds: whether LF and CRLF may end segments.
        ignored: message types that are accepted and passed over: `MFN`, `MFN^M02`.
        numbered: whether its senders number their messages (MSH-13).
        of_sender: the rules for the sender of a message (its MSH), where the site tells senders
            apart; None for one that it doesn't know.
    """

    profile: Profile = PRODUCTION
    custody: bool = False
    senders: frozenset[str] | None = None
    line_feeds: bool = True
    ignored: frozenset[str] = field(default_factory=frozenset)
    numbered: bool = False
    of_sender: Callable[[Segment], Rules | None] | None = None

    def chosen(self, raw: bytes) -> Rules | None:
        """The rules for a message; None if the site does not know its sender."""
        return self if self.of_sender is None else self.of_sender(read_header(raw, "latin-1")[0])


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of a message, and what is to become of it.

    Attributes:
        header: MSH, as far as it could be read.
        source: the sender.
        verdict: as the standard policy has it.
        state: what is to become of it.
        refused: why it is refused whole; what is refused in part is found again by its reader.
        custody, numbered: of the rules of its sender.
    """

    header: Segment
    source: str
    verdict: Verdict = ACCEPTED
    state: State = State.NEW
    refused: Rejected | None = None
    custody: bool = False
    numbered: bool = False


def examine(raw: bytes, rules: Rules, senders: frozenset[str] | None, received: int) -> Examined:
    """Examine one message.

    Args:
        raw: its bytes, without a frame.
        rules: of the listener.
        senders: who may speak on this connection; None: whoever the listener allows.
        received: when it came, microseconds UTC.
    """
    chosen = rules.chosen(raw)
    allowed, rules = rules.senders, chosen or rules
    header, unread = read_header(raw, rules.profile.charset)
    source = _source(header, rules.profile)
    found = Examined(header, source, custody=rules.custody, numbered=rules.numbered)
    refused = _unreadable(raw, unread) or _stranger(header, allowed, senders)
    refused = refused or (None if chosen else _undeclared())
    refused = refused or _form(raw, header, rules)
    if refused is not None:
        verdict, why = refused
        return replace(found, verdict=verdict, state=State.REFUSED, refused=why)
    if {header.get(9).upper(), f"{header.get(9)}^{header.get(9, 2)}".upper()} & rules.ignored:
        return replace(found, state=State.IGNORED)
    return _content(raw, found, rules.profile, received)


def oversize(raw: bytes, rules: Rules, limit: int) -> Examined:
    """A frame above the limit, of which only the beginning was kept."""
    header, _ = read_header(raw, rules.profile.charset)
    fault = Fault.INTERNAL if older(header, _TOO_LONG_SINCE) else Fault.TOO_LONG
    why = Rejected(Reason.TOO_LARGE, f"more than {limit} bytes in one frame")
    source = _source(header, rules.profile)
    return Examined(header, source, rejection(fault, why), State.REFUSED, why)


def content_digest(raw: bytes) -> bytes:
    """SHA-256 of a message without MSH-7, which a sender may renew when it sends again."""
    end = min((at for at in (raw.find(b"\r"), raw.find(b"\n")) if at >= 0), default=len(raw))
    fields = raw[:end].split(raw[3:4]) if raw[3:4] else [raw[:end]]
    fields[6:7] = [b""] if len(fields) > 6 else []  # noqa: PLR2004 - MSH-7
    return hashlib.sha256(raw[3:4].join(fields) + raw[end:]).digest()


def _source(header: Segment, profile: Profile) -> str:
    try:
        return source_of(header, profile)
    except Refused:
        return UNNAMED


_Refusal = tuple[Verdict, Rejected]


def _unreadable(raw: bytes, unread: Refused | None) -> _Refusal | None:
    """It isn't HL7 at all. (Bytes of another character set are a matter of content.)."""
    if not raw.startswith(b"MSH"):
        why = Rejected(Reason.MALFORMED_HL7, "does not start with MSH")
        return rejection(Fault.SEGMENT_ORDER, why), why
    if unread is None or unread.rejected.part != "MSH-2":
        return None
    why = unread.rejected
    given = len(raw.split(b"\r")[0]) > len(b"MSH|")
    return rejection(Fault.DATA_TYPE if given else Fault.MISSING_FIELD, why), why


def _stranger(
    header: Segment, allowed: frozenset[str] | None, senders: frozenset[str] | None
) -> _Refusal | None:
    """The sender is not one of those who may speak here; it is told nothing but no."""
    name = _source(header, STANDARD)
    if all(one is None or name in one for one in (allowed, senders)):
        return None
    why = Rejected(Reason.BAD_FIELD, "not a sender that may speak here", "MSH-3")
    return UNAVAILABLE, why


def _undeclared() -> _Refusal:
    """The site has declared its sources, and this is none of them: it may be sent again later."""
    why = Rejected(Reason.UNKNOWN_SENDER, "no source profile names it, or several do", "MSH-3")
    return UNAVAILABLE, why


def _form(raw: bytes, header: Segment, rules: Rules) -> _Refusal | None:
    version = header.get(12)
    if version and version not in VERSIONS:
        why = Rejected(Reason.UNKNOWN_VERSION, "a version of HL7 that we do not read", "MSH-12")
        return rejection(Fault.VERSION, why), why
    text = raw.replace(b"\r\n", b"\r")
    if not rules.line_feeds and (b"\r\n" in raw or b"\r" not in text):
        why = Rejected(Reason.MALFORMED_HL7, "segments that do not end with CR")
        return refusal(Fault.SEGMENT_ORDER, why), why
    if _more_than_one(text):
        why = Rejected(Reason.MULTIPLE_MESSAGES, "more than one MSH in one frame")
        return refusal(Fault.SEGMENT_ORDER, why), why
    if not header.raw(10).strip():
        why = Rejected(Reason.MISSING_FIELD, "empty", "MSH-10")
        return refusal(Fault.MISSING_FIELD, why), why
    return None


def _more_than_one(text: bytes) -> bool:
    """Whether a second MSH begins where segments begin; within a report's lines it is text."""
    end = rb"\r\n*" if b"\r" in text else rb"\n"
    return re.search(end + rb"MSH" + re.escape(text[3:4]), text) is not None


def _content(raw: bytes, found: Examined, profile: Profile, received: int) -> Examined:
    """Read it as its reader will, and judge what that gives."""
    mapped = read_message(raw, profile)
    late = in_the_future(mapped, found.header, received)
    if late is not None:
        verdict = of_content((late,))
        return replace(found, verdict=verdict, state=State.REFUSED, refused=late)
    verdict = _precise(of_content(mapped.rejected), raw, found.header)
    if verdict.early:
        return replace(found, verdict=verdict, state=State.REFUSED, refused=mapped.rejected[0])
    return replace(found, verdict=verdict)


def _precise(verdict: Verdict, raw: bytes, header: Segment) -> Verdict:
    """Where a reason has several codes, the bytes tell which."""
    reasons = [problem.reason for problem in verdict.problems]
    if reasons[:1] == [Reason.UNSUPPORTED_MESSAGE] and header.get(9).upper() in KINDS:
        fault = Fault.EVENT
    elif reasons[:1] == [Reason.MALFORMED_HL7] and _CONTROL.search(raw):
        fault = Fault.DATA_TYPE
    else:
        return verdict
    first = replace(verdict.problems[0], fault=fault)
    return replace(verdict, problems=(first, *verdict.problems[1:]))
