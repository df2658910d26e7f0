"""What explains an alert agrees with what raised it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from support.histories import histories
from support.living import as_released, facts_of, live, the_end

if TYPE_CHECKING:
    from support.telling import History

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
