"""From a call to its answer, and to what is kept of it. Pure.

Laws of this file:
- a transaction is taken whole or not at all; of every other Bundle each entry by itself;
- what is refused whole is kept as a dead letter; who must not send is not read at all;
- an answer names places and reasons, and never quotes what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from schemas.deadletter import Reason
from services.ingest.coding import Refused, Rejected
from services.ingest.fhir.document import read_document
from services.ingest.fhir.verdicts import EntryVerdict, Mapped, Verdict
from services.ingest.journal import State
from services.ingest.rest.access import CREATE, UPDATE
from services.ingest.rest.future import in_the_future
from services.ingest.rest.outcome import (
    issue,
    outcome,
    refusal,
    response,
    status_of,
    taken,
)
from services.ingest.strictjson import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.ingest.fhir.document import Document
    from services.ingest.rest.call import Call
    from services.ingest.rest.outcome import Json

    Read = Callable[[bytes, str], Mapped]

_WRAPPED = "entry[0]"
_ENVELOPES = frozenset({"MessageHeader", "Parameters", "SubscriptionStatus"})
"""What only says what a Bundle is; whoever may send the rest of it may send these."""
_TOLD = 100
"""Issues of one answer; a Bundle may have ten thousand."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is thought of a call.

    Attributes:
        status: of the answer, once it may be given.
        body: of the answer.
        state: what is to become of the entry in the journal; None: it is not kept.
        refused: why it is refused whole.
        dated: whether all that it states says when it was released.
    """

    status: HTTPStatus
    body: Json
    state: State | None = State.NEW
    refused: Rejected | None = None
    dated: bool = True

    @property
    def accepted(self) -> bool:
        """Whether it is taken, whole or in parts."""
        return self.state is not None and self.state is not State.REFUSED


def judge(call: Call, read: Read, received: int) -> Judged:
    """Judge a call.

    Args:
        call: what is asked.
        read: the reader, by the bytes of a document and the name of its sender.
        received: when it came, microseconds UTC.
    """
    try:
        body = read_document(call.body)
        why = _misplaced(call, body)
        document = body if call.kind is None else read_document(call.document)
    except Unreadable as error:
        return _refused(Rejected(error.reason, error.detail))
    except Refused as error:
        return _refused(error.rejected)
    if why is not None:
        return _refused(why, HTTPStatus.BAD_REQUEST)
    if not _permitted(call, document):
        text = "the caller may not send all of this"
        return Judged(HTTPStatus.FORBIDDEN, outcome(issue("forbidden", text)), None)
    mapped = read(call.document, call.grant.source)
    future = in_the_future(mapped.events, received)
    if future is not None:
        return _refused(future)
    dated = all(event.issued_at is not None for event in mapped.events)
    return replace(_answered(call, document, mapped), dated=dated)


def _refused(why: Rejected, status: HTTPStatus | None = None) -> Judged:
    return Judged(status or status_of(why.reason), outcome(refusal(why)), State.REFUSED, why)


def _misplaced(call: Call, body: Document) -> Rejected | None:
    """What the address and the body don't agree on."""
    kind, number = body.root.raw("resourceType"), body.root.raw("id")
    if (kind == "Bundle") != (call.kind is None):
        detail = "a Bundle is sent to the root, a resource to its type"
        return Rejected(Reason.UNEXPECTED_RESOURCE, detail, "resourceType")
    if call.kind is not None and kind != call.kind:
        return Rejected(Reason.UNEXPECTED_RESOURCE, "not of the address", "resourceType")
    if call.number is not None and number != call.number:
        return Rejected(Reason.BAD_FIELD, "not the id of the address", "id")
    return None


def _permitted(call: Call, document: Document) -> bool:
    """Whether the caller may send every resource of it, as it sends it."""
    return all(
        call.grant.permits(entry.kind, UPDATE if entry.method == "PUT" else CREATE)
        for entry in document.entries
        if entry.kind not in _ENVELOPES
    )


def _answered(call: Call, document: Document, mapped: Mapped) -> Judged:
    whole = next((one for one in mapped.verdicts if one.place == "document"), None)
    if whole is not None and whole.why:
        return _refused(whole.why[0])
    if call.kind is not None:
        return _single(call, mapped)
    if document.root.text("type") == "transaction":
        return _transaction(mapped)
    return Judged(HTTPStatus.OK, _bundle("batch-response", mapped.verdicts))


def _single(call: Call, mapped: Mapped) -> Judged:
    """A resource by itself; of what it contains each part counts by itself."""
    own = next(one for one in mapped.verdicts if one.place == _WRAPPED)
    if own.verdict is Verdict.REFUSED:
        found = [_unwrapped(why, call) for why in own.why]
        issues = map(refusal, found)
        return Judged(status_of(found[0].reason), outcome(*issues), State.REFUSED, found[0])
    created = call.method == "POST"
    about = taken(_said(own), (_unwrapped(why, call) for why in mapped.rejected[:_TOLD]))
    return Judged(HTTPStatus.CREATED if created else HTTPStatus.OK, about)


def _unwrapped(why: Rejected, call: Call) -> Rejected:
    """A refusal that names the place as the sender knows it."""
    kind = call.kind or ""
    part = why.part and why.part.replace(_WRAPPED, kind, 1)
    return replace(why, detail=why.detail.replace(_WRAPPED, kind, 1), part=part)


def _transaction(mapped: Mapped) -> Judged:
    if mapped.rejected:
        issues = [refusal(why) for why in mapped.rejected[:_TOLD]]
        first = mapped.rejected[0]
        return Judged(HTTPStatus.UNPROCESSABLE_ENTITY, outcome(*issues), State.REFUSED, first)
    return Judged(HTTPStatus.OK, _bundle("transaction-response", mapped.verdicts))


def _bundle(kind: str, verdicts: Sequence[EntryVerdict]) -> Json:
    """The answer to a Bundle: what became of each entry, in their order."""
    listed = sorted((one for one in verdicts if _place(one) is not None), key=_order)
    return {"resourceType": "Bundle", "type": kind, "entry": [_entry(one) for one in listed]}


def _place(verdict: EntryVerdict) -> int | None:
    """The number of an entry; None for what is contained in one, or for the whole."""
    number = verdict.place.removeprefix("entry[").removesuffix("]")
    return int(number) if number.isdecimal() else None


def _order(verdict: EntryVerdict) -> int:
    return _place(verdict) or 0


def _entry(verdict: EntryVerdict) -> Json:
    if verdict.verdict is Verdict.REFUSED:
        return response(status_of(verdict.why[0].reason), outcome(*map(refusal, verdict.why)))
    return response(HTTPStatus.OK, taken(_said(verdict), verdict.why))


def _said(verdict: EntryVerdict) -> str:
    if verdict.verdict is Verdict.IGNORED:
        return "taken; it states nothing that is followed here"
    return "taken" if verdict.verdict is Verdict.USED else "taken in part"
