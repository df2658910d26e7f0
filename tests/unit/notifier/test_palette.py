"""Contrast of the colours, computed: WCAG 2.1, 1.4.3 (text: 4.5) and 1.4.11 (marks: 3)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.notifier.inbox import app

CSS, DARK = (
    (Path(app.STATIC) / name).read_text(encoding="utf-8") for name in ("inbox.css", "dark.css")
)
TEXT = ("text", "quiet", "link", "critical", "urgent", "important", "advisory", "threshold")
MARKS = ("focus", "window-edge", "thread", "quiet")


def palettes() -> dict[str, dict[str, str]]:
    """The light colours, and the dark ones over them."""
    blocks = re.findall(r":root \{(.*?)\}", CSS + DARK, flags=re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks)
    assert set(light) == set(dark)
    return {"light": light, "dark": dark}


def luminance(colour: str) -> float:
    """Relative luminance, by the formula of WCAG 2.1."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_formula() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "card"])
@pytest.mark.parametrize("name", TEXT)
def test_text_can_be_read(scheme: str, ground: str, name: str) -> None:
    colours = palettes()[scheme]
    assert contrast(colours[name], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["text", "quiet", "window-edge"])
@pytest.mark.parametrize("ground", ["window", "band", "caution"])
def test_text_on_shades_can_be_read(scheme: str, name: str, ground: str) -> None:
    colours = palettes()[scheme]
    assert contrast(colours[name], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_on_filled_labels_and_buttons_can_be_read(scheme: str) -> None:
    colours = palettes()[scheme]
    assert contrast(colours["card"], colours["text"]) >= 4.5
    assert contrast(colours["card"], colours["link"]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", MARKS)
def test_marks_can_be_seen(scheme: str, name: str) -> None:
    colours = palettes()[scheme]
    assert contrast(colours[name], colours["card"]) >= 3


def test_no_colour_outside_the_palette() -> None:
    rules = re.sub(r":root \{.*?\}", "", DARK + CSS, flags=re.DOTALL)
    screen = rules.split("@media print")[0]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", screen) == []
