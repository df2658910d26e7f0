"""A correction that is taken back leaves no trace in what the facts say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import histories
from support.living import (
    Spoken,
    as_released,
    derived,
    doubts,
    facts_of,
    in_batches,
    live,
    said,
    the_end,
    verdicts,
)

from schemas.events import Patient, Status

if TYPE_CHECKING:
    from support.telling import History

    from schemas.events import ClinicalEvent

LATER = timedelta(days=4000)
"""After everything else in a history, so that the correction is the last word on its fact."""


def _bare(step: Spoken) -> tuple[object, ...]:
    """A step without the release of its evidence, which a correction moves by nature."""
    return (step.identity, sorted(step.roles.items()) if step.stands else None)


@settings(max_examples=250)
@given(histories(people=False), st.data())
def test_a_correction_and_its_reversal_end_where_it_began(
    history: History, data: st.DataObject
) -> None:
    kept = {version.event_id: version for version in history.versions}
    last = {e: max(v.issued_at for v in history.versions if v.event_id == e) for e in kept}  # type: ignore[type-var]
    standing = [
        version
        for version in history.versions
        if version.issued_at == last[version.event_id] and version.status is Status.FINAL
    ]
    only = [v for v in standing if sum(o.event_id == v.event_id for o in history.versions) == 1]
    # Of two that tell of the person the later release is cited, and a correction is one.
    only = [v for v in only if not isinstance(v, Patient)]
    if not only:
        return
    chosen = data.draw(st.sampled_from(only))
    other = data.draw(st.sampled_from(_alternatives(chosen, history)))
    begin = chosen.issued_at
    assert begin is not None
    same = {name: getattr(chosen, name) for name in ("event_id", "source", "patient_id")}
    changed = other.model_copy(update={"issued_at": begin + LATER, **same})
    back = chosen.model_copy(update={"issued_at": begin + 2 * LATER, "status": Status.CORRECTED})
    before, after = facts_of(history.versions), facts_of((*history.versions, changed, back))
    end = the_end(after)
    now = derived(before, end)
    then = live(as_released(after), end).monitor
    assert {w: _bare(s) for w, s in said(then).items()} == {
        w: _bare(s) for w, s in said(now).items()
    }
    assert [d[:-2] for d in doubts(then)] == [d[:-2] for d in doubts(now)]


def _alternatives(chosen: ClinicalEvent, history: History) -> list[ClinicalEvent]:
    """What a correction may turn a fact into: another of its kind, or nothing."""
    kin = [v for v in history.versions if type(v) is type(chosen)]
    return [chosen.model_copy(update={"status": Status.ENTERED_IN_ERROR}), *kin]


@settings(max_examples=250)
@given(histories(), st.randoms(use_true_random=False))
def test_a_log_with_a_correction_says_what_the_corrected_log_says(
    history: History, chance: object
) -> None:
    """Only the winning version of each fact counts, but for when it was first known."""
    facts = facts_of(history.versions)
    end = the_end(facts)
    whole = derived(facts, end)
    chance.shuffle(facts)  # type: ignore[attr-defined]
    pieces = live(in_batches(facts, range(0, len(facts), 2)), end).monitor
    owners = sorted({version.patient_id for version in history.versions})
    winners = [fact for one in owners for fact, _ in whole.chart(one).versions()]
    assert verdicts(derived(winners, end)) == verdicts(pieces)
