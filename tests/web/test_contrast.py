"""WCAG AA, computed from the stylesheet itself: every pair of tokens that meets on a page, light and dark."""

from __future__ import annotations

import re

import pytest

from web.pages import STATIC

CSS = (STATIC / "bellpull.css").read_text(encoding="utf-8")
TOKEN = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
TOKENS = {name: {"light": light, "dark": dark} for name, light, dark in TOKEN.findall(CSS)}

# Text wants 4.5 : 1 on what it stands on (WCAG 1.4.3).
GROUNDS = ("paper", "sheet", "well")
TEXT = [(ink, ground) for ink in ("ink", "ink-soft", "accent", "accent-strong", "error") for ground in GROUNDS]
TEXT += [(tone, f"{tone}-wash") for tone in ("ok", "info", "warning", "error", "accent")]
TEXT += [("ink", f"{tone}-wash") for tone in ("ok", "info", "warning", "error", "accent")]
TEXT += [("ink-soft", "accent-wash"), ("ink-soft", "warning-wash"), ("accent-strong", "accent-wash")]
TEXT += [(tone, "sheet") for tone in ("ok", "warning", "error")]
TEXT += [("accent-ink", "accent"), ("accent-ink", "accent-strong"), ("critical-ink", "critical")]
TEXT += [("danger-ink", "danger"), ("danger-ink", "danger-strong")]
# Borders of inputs, focus rings, icons and lines of plots want 3 : 1 (WCAG 1.4.11).
SIGNS = [("line-strong", ground) for ground in GROUNDS] + [("accent", ground) for ground in GROUNDS]
SIGNS += [("brass", ground) for ground in GROUNDS] + [("brass", "warning-wash")]
SIGNS += [(f"series-{n}", "sheet") for n in range(4)] + [("danger", "sheet"), ("danger", "warning-wash")]


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_formula_knows_black_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_on_every_ground_it_stands_on(scheme: str) -> None:
    weak = {
        f"{ink} on {ground}": round(contrast(TOKENS[ink][scheme], TOKENS[ground][scheme]), 2)
        for ink, ground in TEXT
        if contrast(TOKENS[ink][scheme], TOKENS[ground][scheme]) < 4.5
    }
    assert weak == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signs_and_borders_can_be_made_out(scheme: str) -> None:
    weak = {
        f"{sign} on {ground}": round(contrast(TOKENS[sign][scheme], TOKENS[ground][scheme]), 2)
        for sign, ground in SIGNS
        if contrast(TOKENS[sign][scheme], TOKENS[ground][scheme]) < 3
    }
    assert weak == {}


def test_colours_are_named_once() -> None:
    """Outside the tokens the stylesheet names no colour, so nothing escapes the tests above."""
    rest = CSS.split("\n}\n", 1)[1]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsl", rest) == []


def test_every_token_used_is_defined() -> None:
    used = set(re.findall(r"var\(--([\w-]+)", CSS))
    defined = set(re.findall(r"--([\w-]+):", CSS))
    assert used - defined == set()


def test_the_stylesheet_reaches_out_to_nobody() -> None:
    assert "@import" not in CSS
    assert "url(" not in CSS
