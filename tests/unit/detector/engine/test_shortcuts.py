"""The short ways that most facts and alerts take come out where the long ways do."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from support.lanes import fact
from support.living import as_released, facts_of, live, the_end
from support.retellings import cases

from schemas.alerts import AlertRevision
from schemas.base import Model
from services.detector.engine.lane import Lane
from services.detector.engine.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from services.detector.engine.finding import Finding
    from services.detector.engine.seats import Place

FEW = 6
"""Cases of each rule: enough to see all its states."""


def journals() -> Iterator[list[AlertRevision]]:
    """What is said in some cases of every rule that alerts."""
    for sent in cases().values():
        for events in islice(sent, FEW):
            facts = facts_of(events)
            yield live(as_released(facts), the_end(facts)).revisions


def test_one_new_finding_is_published_as_a_comparison_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[bool] = []
    sole_news = Lane.sole_news

    def counted(lane: Lane, *, told: bool) -> tuple[Place, Finding] | None:
        found = sole_news(lane, told=told)
        taken.append(found is not None)
        return found

    monkeypatch.setattr(Lane, "sole_news", counted)
    short = list(journals())
    assert any(taken)
    monkeypatch.setattr(Lane, "sole_news", lambda _, *, told: None)  # noqa: ARG005 - its name
    assert short == list(journals())


def test_what_is_put_together_is_valid() -> None:
    """No field is left out, none has a value or a type that validation would not give."""
    states = set()
    for one in (revision for journal in journals() for revision in journal):
        again = AlertRevision.model_validate(one.model_dump())
        assert (again, again.to_json()) == (one, one.to_json())
        assert _complete(one)
        states.add(one.state)
    assert len(states) > len(("suspected", "confirmed", "refuted", "overdue", "cleared"))


def _complete(message: Model) -> bool:
    """Whether a message and all its parts have exactly their fields."""
    fields = vars(message)
    parts = [part for value in fields.values() for part in _parts(value)]
    return fields.keys() == type(message).model_fields.keys() and all(map(_complete, parts))


def _parts(value: object) -> list[Model]:
    values = value if isinstance(value, tuple) else (value,)
    return [part for part in values if isinstance(part, Model)]


def test_the_newest_of_what_nobody_watches_is_found_all_the_same() -> None:
    told = [fact(f"f{at}", at, str(at)) for at in (3, 1, 2)]
    for timeline in (Timeline(), Timeline(watched=("psa",)), Timeline(watched=("alp",))):
        for one in told:
            timeline.merge(one)
        assert timeline.newest("psa", told[0].day) is told[0]
        assert timeline.newest("psa", told[2].day) is told[2]
        assert timeline.newest("psa", told[1].day - 1) is None
        timeline.merge(fact("f3", 3, late=1, status="cancelled"))
        assert timeline.newest("psa", told[0].day) is told[2]
