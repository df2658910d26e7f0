"""How long a worker takes until it serves."""

from __future__ import annotations

from services.detector.adapters.recovery import Recovery


def test_a_recovery_is_measured_from_its_first_look_to_its_end() -> None:
    recovery = Recovery(10.0)
    assert not recovery.look(11.0, recovering=True)
    assert recovery.look(14.0, recovering=False)
    assert recovery.seconds == 4.0
    assert not recovery.look(20.0, recovering=False)
    assert not recovery.look(21.0, recovering=True)
    assert recovery.seconds == 4.0
    assert recovery.look(23.0, recovering=False)
    assert recovery.seconds == 2.0
