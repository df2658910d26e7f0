"""What explains an alert agrees with what raised it, and the strategies reach every rule."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, given, seed, settings
from support.histories import History, histories
from support.living import as_released, facts_of, live, the_end
from support.stories import STORIES

if TYPE_CHECKING:
    from support.stories import Story

    from schemas.alerts import Explanation


@settings(max_examples=250)
@given(histories())
def test_the_explanation_of_what_is_raised_is_true(history: History) -> None:
    facts = facts_of(history.versions)
    for one in live(as_released(facts), the_end(facts)).revisions:
        if one.change == "withdrawn" or one.explanation is None:
            continue
        assert one.explanation.truth == "true", one.summary
        named = {item.event_id for item in one.evidence}
        assert _events(one.explanation) <= named, one.summary


def _events(node: Explanation) -> set[str]:
    return set(node.events).union(*map(_events, node.because))


LOUD = {"confirmed", "overdue", "window"}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.rule)
def test_the_histories_reach_what_a_rule_is_for(story: Story) -> None:
    """A property over histories in which nothing happens would prove nothing."""
    reached: dict[str, int] = defaultdict(int)

    @seed(1)
    @settings(max_examples=80, database=None, phases=(Phase.generate,))
    @given(histories((story,), people=False))
    def look(history: History) -> None:
        facts = facts_of(history.versions)
        for one in live(as_released(facts), the_end(facts)).revisions:
            reached[one.state.value] += one.rule == story.rule

    look()
    assert any(reached[state] for state in LOUD), dict(reached)
