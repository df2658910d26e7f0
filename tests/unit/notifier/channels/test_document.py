"""docs/channels.md: its examples can be loaded, and every kind and key is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.notifier.channels.loading import load_settings
from services.notifier.channels.registry import known, settings_of

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


@pytest.mark.parametrize("kind", known())
def test_every_key_is_said(kind: str) -> None:
    part = PAGE.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
    common = PAGE.partition("\n## The site's file\n")[2].partition("\n## ")[0]
    keys = set(settings_of(kind).model_fields)
    said = set(re.findall(r"\w+", part + common))
    assert keys - said == set()
