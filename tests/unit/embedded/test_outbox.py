"""Committed revisions reach every subscriber in order, at least once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.alerts import AlertRevision
    from services.embedded.delivery import Delivery


def test_a_crash_between_commit_and_delivery_tells_later(
    open_ward: Callable[..., Any], script: list[Delivery]
) -> None:
    ward = open_ward()
    ward.runtime.outbox.deliver = lambda: None  # the process ends after the commit
    ward.runtime.take(script)
    assert ward.told == []
    again = open_ward()
    assert len(again.told) == again.book.latest_sequence() > 0
    assert open_ward().told == []


def test_a_subscriber_that_fails_is_told_again_and_holds_up_nobody(
    open_ward: Callable[..., Any], script: list[Delivery]
) -> None:
    ward = open_ward()
    heard: list[AlertRevision] = []

    def stumble(revision: AlertRevision) -> None:
        if len(heard) == 3:
            heard.append(revision)
            raise ConnectionError("not now")
        heard.append(revision)

    ward.runtime.outbox.subscribe("stumbling", stumble)
    ward.runtime.take(script)
    assert len(ward.told) == ward.book.latest_sequence()
    assert len(heard) == 4
    ward.runtime.outbox.deliver()
    assert [*heard[:3], *heard[4:]] == ward.told


def test_subscribers_come_at_their_own_pace(
    open_ward: Callable[..., Any], script: list[Delivery]
) -> None:
    open_ward().runtime.take(script)
    ward = open_ward()
    late: list[AlertRevision] = []
    ward.runtime.outbox.subscribe("late", late.append)
    ward.runtime.outbox.deliver()
    assert ward.told == []
    assert len(late) == ward.book.latest_sequence()
