"""Several messages under way at once: those of one case leave in their order all the same."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.notifying import PATIENT, told

from schemas.actions import Disposition
from schemas.alerts import State
from services.cli import main
from services.notifier.cases.commands import Dispose
from services.notifier.channels.contract import Kind, temporary
from services.notifier.service.inputs import asked

if TYPE_CHECKING:
    from support.notifying import Bench

    from services.notifier.service.sorting import Ready

MINUTE = timedelta(minutes=1)


def begun(bench: Bench, most: int) -> list[Ready]:
    """Begin as many on each channel; nothing ends."""
    free = {one.name: most for one in bench.house.channels}
    return bench.delivery.turn([], bench.now, free)


def test_a_correction_does_not_overtake_what_it_corrects(bench: Bench) -> None:
    """Or somebody would be told last what does not hold."""
    bench.channel("bell").answers = [temporary("busy")]
    bench.take(told())
    assert bench.send() == 1
    bench.take(told(State.RETRACTED, revision=2))
    assert bench.send() == 0, "it is its turn when the alert has come to its end"
    bench.pass_time(10 * MINUTE, stride=MINUTE)
    kinds = [one.kind for one in bench.got("bell")]
    assert kinds == [Kind.ALERT, Kind.ALERT, Kind.CORRECTION]


def test_two_of_a_case_are_never_under_way_beside_each_other(bench: Bench) -> None:
    bench.take(told(), told(State.RETRACTED, revision=2))
    first = begun(bench, 5)
    assert [one.message.kind for one in first] == [Kind.ALERT]
    assert begun(bench, 5) == [], "nor is the second begun while the first is under way"


def test_cases_don_t_wait_for_each_other(bench: Bench) -> None:
    bench.take(*(told(patient=f"HOSP|{number}", alert_id=f"p{number}") for number in range(9)))
    found = begun(bench, 5)
    assert len(found) == 5
    patients = {one.entry.parcel.origin and one.entry.parcel.origin.patient_id for one in found}
    assert len(patients) == 5


def test_a_long_row_of_what_need_not_leave_holds_up_nothing(bench: Bench) -> None:
    """However few are looked at together."""
    for number in range(12):
        patient = f"HOSP|1{number}"
        answer = Dispose(by="anne", disposition=Disposition.DUPLICATE)
        given = told(patient=patient, alert_id=f"p{number}")
        bench.take(given, asked(patient, None, answer, patient))
    bench.take(told())
    (found,) = begun(bench, 1)
    assert found.entry.parcel.origin is not None
    assert found.entry.parcel.origin.patient_id == PATIENT


@pytest.mark.parametrize("number", ["0", "33", "many"])
def test_how_many_is_bounded(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--database", "n.db", "--site", "site", "--abreast", number]
    with pytest.raises(SystemExit):
        main(["notify", "run", *words])
    assert "a number from 1 to 32" in capsys.readouterr().err
