"""What a case's page shows, worked out from its view. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas.alerts import OPEN_STATES, State
from services.notifier.inbox import words
from services.notifier.inbox.facts import standing
from services.notifier.inbox.pages.alert import AlertPage, told
from services.notifier.inbox.pages.history import Told, lines
from services.notifier.inbox.pages.patient import about
from services.notifier.inbox.rulewords import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.alerts import AlertRevision
    from services.notifier.inbox.book import Event
    from services.notifier.inbox.reading.contract import CaseView, FindingView, Frame
    from services.notifier.inbox.rulewords import RuleWords

_WITHDRAWN: Final = (
    "If {} of its evidence is withdrawn, or corrected so that the criterion is no longer met, it "
    "is taken back, and everybody who was told hears so."
)
_CLOSED: Final = (
    "A case is closed by a reason that somebody gives, or by the record: a new line of treatment, "
    "or the death of the patient."
)


@dataclass(frozen=True, slots=True)
class Basis:
    """A finding with all on which it rests.

    page: charts, evidence and proof. rule: in words; None of one that isn't in the catalogue.
    missing: what is not known, or has not come. away: what would make the finding go away.
    """

    finding: FindingView
    page: AlertPage
    key: str
    rule: RuleWords | None
    missing: tuple[str, ...]
    away: tuple[str, ...]


def shown(view: CaseView, frame: Frame, record: Sequence[Event]) -> dict[str, Any]:
    """Each finding with its basis, and the history in words.

    Args:
        view: the case.
        frame: what surrounds the page.
        record: all versions of the patient's facts; empty where the record isn't at hand.
    """
    found = [_basis(one, number, record, frame) for number, one in enumerate(view.findings)]
    return {
        "bases": found,
        "history": list[Told](lines(view.history)),
        "person": about(standing(record)),
        "followed": bool(record),
    }


def _basis(one: FindingView, number: int, record: Sequence[Event], frame: Frame) -> Basis:
    key = f"f{number}-"
    scale = frame.chosen.preferred
    page = told([one.alert], record, frame.now, key=f"{key}chart", scale=scale)
    rule = words_of(one.alert.rule)
    return Basis(one, page, key, rule, tuple(missing(one.alert)), tuple(away(one.alert)))


def missing(alert: AlertRevision) -> Iterator[str]:
    """What a reader has to know is not there."""
    if alert.state is State.OVERDUE:
        yield f"the evidence that the rule waits for: {words.prose(alert.summary)}"
    if alert.state is State.SUSPECTED:
        by = f" (by {words.day(alert.confirm_by)})" if alert.confirm_by else ""
        late = ", which is overdue" if alert.confirmation_overdue else ""
        yield f"the test that would confirm or refute it{by}{late}"
    for item in alert.readiness:
        if item.value == "not known":
            yield words.item_name(item.item)


def away(alert: AlertRevision) -> Iterator[str]:
    """What would make an alert go away; it is what the states of `schemas.alerts` mean.

    An alert's evidence is what its verdict needs and no more, so any piece of it that falls takes
    the alert back.
    """
    if alert.state not in OPEN_STATES:
        yield "It has been taken back already."
        return
    if alert.state is State.SUSPECTED:
        yield "A later result that does not meet the criterion refutes the suspicion."
    if alert.state is State.OVERDUE:
        yield "It clears when the missing evidence arrives."
    if alert.state is State.WINDOW:
        yield "A tier is left only for a later one, or by a correction."
    if alert.evidence:
        yield _WITHDRAWN.format(_facts(len(alert.evidence)))
    yield _CLOSED


def _facts(many: int) -> str:
    return "the fact" if many == 1 else f"any of the {many} facts"
