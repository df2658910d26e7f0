"""docs/channels.md: its examples can be loaded, and every kind and key is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.notifier.cases.site import Site
from services.notifier.cases.words import Channel as Strength
from services.notifier.channels.loading import FILE_NAME, load_channels, load_settings
from services.notifier.channels.registry import known, settings_of
from services.notifier.roster.loading import load_house
from services.notifier.service.premises import Premises
from services.notifier.service.sitefolder import TEAMS

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "channels.md").read_text()
EXAMPLES = re.findall(r"^## (\w+)\n\n```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_kind_has_its_part() -> None:
    assert sorted(kind for kind, _ in EXAMPLES) == list(known())


@pytest.mark.parametrize(("kind", "text"), EXAMPLES, ids=[kind for kind, _ in EXAMPLES])
def test_an_example_can_be_used(kind: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "channels.yaml").write_text(text)
    (settings,) = load_settings(tmp_path / "channels.yaml").values()
    assert settings.type == kind


def test_the_example_of_a_site_has_all_that_a_notifier_needs() -> None:
    """Its members are those of the example's teams, and somebody calls the desks."""
    site = ROOT / "deploy" / "notifier"
    channels, services = load_channels(site / FILE_NAME)
    house = load_house(site / TEAMS)
    premises = Premises(Site(house.policy, house.teams, b"key"), house.teams, channels, "", "one")
    assert premises.uncarried == ()
    assert premises.for_closings == ("chart",)
    assert [one.name for one in services] == ["chart-opened"]
    reached = {name for team in house.teams.teams for one in team.members for name in one.reach}
    assert reached <= {str(one) for one in Strength} | {one.name for one in channels}


@pytest.mark.parametrize("kind", known())
def test_every_key_is_said(kind: str) -> None:
    part = PAGE.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
    common = PAGE.partition("\n## The site's file\n")[2].partition("\n## ")[0]
    keys = set(settings_of(kind).model_fields)
    said = set(re.findall(r"\w+", part + common))
    assert keys - said == set()
