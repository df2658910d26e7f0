"""What was read once is looked up, as long as there is room for it."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest

from schemas.remembered import DAYS, HOURS, OF_THE_HOUR, Memo


def test_it_is_worked_out_once() -> None:
    asked: list[str] = []

    def read(text: str) -> int:
        asked.append(text)
        return len(text)

    memo = Memo(read, most=2)
    assert [memo["a"], memo["a"], memo["bb"]] == [1, 1, 2]
    assert asked == ["a", "bb"]
    assert memo["ccc"] == 3  # no room: all is forgotten, and learned again
    assert (memo["a"], asked) == (1, ["a", "bb", "ccc", "a"])
    assert len(memo) <= 2


def test_what_is_refused_is_not_remembered() -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="not plainly a date"):
            DAYS["2024-W05-1"]
    assert "2024-W05-1" not in DAYS


def test_a_moment_is_its_hour_and_the_rest() -> None:
    day, at = HOURS["2024-03-05T08"]
    assert (day, at) == (DAYS["2024-03-05"][0], DAYS["2024-03-05"][1] + 8 * 3_600_000_000)
    assert OF_THE_HOUR[":30:00Z"] == (1_800_000_000, UTC)
    assert OF_THE_HOUR[":30:00+01:00"] == (-1_800_000_000, timezone(timedelta(hours=1)))


@pytest.mark.parametrize("text", ["2024-03-05T24", "2024-03-05T8:", "2024-03-05 08", "2024-03-05T"])
def test_no_hour(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library's words are its own
        HOURS[text]
