"""What an answer over MLLP means. Pure.

    AA, CA                                  delivered
    AR, CR                                  temporary: the receiver could not, the message may be
                                            good; permanent with ERR-3 200 to 203: a type, event,
                                            processing id or version that it doesn't take
    AE, CE                                  permanent: the same bytes would fail again; temporary
                                            with ERR-3 206 or 207: a locked record, or its own error
    an answer to something else, or none    unknown

Source: HL7 v2.5.1, chapter 2.9.2 and table 0357 (H).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.notifier.channels.contract import (
    Outcome,
    delivered,
    permanent,
    temporary,
    unknown,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAKEN: Final = frozenset({"AA", "CA"})
_REJECTED: Final = frozenset({"AR", "CR"})
_FAILED: Final = frozenset({"AE", "CE"})
_NEVER: Final = frozenset({"200", "201", "202", "203"})
_LATER: Final = frozenset({"206", "207"})


def judged(answer: bytes, control: str) -> Outcome:
    """What an answer means for the message with a control id.

    Args:
        answer: without its frame.
        control: MSH-10 of what was sent.
    """
    segments = [line.split("|") for line in answer.decode("latin-1").split("\r")]
    msa = next((one for one in segments if one[0] == "MSA"), [])
    code, about = _field(msa, 1), _field(msa, 2)
    if about != control:
        return unknown("hl7-answer-to-another")
    errors = {_field(one, 3).split("^")[0] for one in segments if one[0] == "ERR"}
    if code in _TAKEN:
        return delivered(control)
    if code in _REJECTED:
        return _refused(code, errors, lasting=bool(errors & _NEVER))
    if code in _FAILED:
        return _refused(code, errors, lasting=not errors & _LATER)
    return unknown("hl7-no-code")


def _refused(code: str, errors: set[str], *, lasting: bool) -> Outcome:
    known = min(errors & (_NEVER | _LATER), default="")
    reason = f"hl7-{code}-{known}" if known else f"hl7-{code}"
    return permanent(reason) if lasting else temporary(reason)


def _field(segment: Sequence[str], at: int) -> str:
    return segment[at].strip() if len(segment) > at else ""
