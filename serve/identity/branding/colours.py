"""Colours of a look: what follows from the few that are chosen, and whether everything can be read.

Contrast is that of WCAG 2.2 (relative luminance of sRGB). ``PAIRS`` are all texts on all grounds that the pages can
show, also by style rules of a tenant, which have no colours of their own (``css``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

Scheme = Literal["light", "dark"]
Colours = Mapping[str, str]
"""Hex colours by token: ``{"ink": "#151b26"}``."""

LEAST = 4.5
CHOSEN = ("ground", "surface", "ink", "muted", "accent", "accent_ink")
"""The tokens that a tenant chooses; the others follow from them or are ours."""

OURS: dict[Scheme, dict[str, str]] = {
    "light": {
        "ground": "#f4f5f8",
        "surface": "#ffffff",
        "sunken": "#eef0f4",
        "ink": "#151b26",
        "muted": "#566072",
        "hairline": "#dfe3ea",
        "accent": "#1d4ed8",
        "accent_ink": "#ffffff",
        "accent_soft": "#dbe6ff",
        "good": "#137a45",
        "good_soft": "#dcf3e6",
        "warn": "#8a5300",
        "warn_soft": "#fcefd3",
        "bad": "#b3261e",
        "bad_soft": "#fbe3e1",
        "cost": "#a3adbd",
        "margin": "#0b7f74",
    },
    "dark": {
        "ground": "#0d1117",
        "surface": "#161b23",
        "sunken": "#1f2630",
        "ink": "#e7ebf2",
        "muted": "#9aa5b6",
        "hairline": "#2a323e",
        "accent": "#82aaff",
        "accent_ink": "#0d1526",
        "accent_soft": "#22345c",
        "good": "#5fd08f",
        "good_soft": "#15352a",
        "warn": "#f0b84f",
        "warn_soft": "#3a2d12",
        "bad": "#ff8f86",
        "bad_soft": "#44201f",
        "cost": "#5d6879",
        "margin": "#4fd1c2",
    },
}
"""As ``serve/pages/styles/base.css`` has them; a test compares the two."""

TEXTS = ("ink", "muted", "accent")
GROUNDS = ("ground", "surface", "sunken")
PAIRS = (
    *((text, ground) for text in (*TEXTS, "good", "warn", "bad") for ground in GROUNDS),
    ("accent_ink", "accent"),
    ("ink", "accent_soft"),
)


def all_of(scheme: Scheme, chosen: Colours) -> dict[str, str]:
    """Every token, where ``chosen`` are those that the tenant has said."""
    colours = {**OURS[scheme], **chosen}
    if chosen:
        colours |= {
            "sunken": mixed(colours["ground"], colours["ink"], 0.04),
            "hairline": mixed(colours["surface"], colours["ink"], 0.13),
            "accent_soft": mixed(colours["surface"], colours["accent"], 0.15),
        }
    return colours


def unreadable(colours: Colours) -> Iterator[tuple[str, str, float]]:
    """(text, ground, contrast) of each pair that is below the least contrast."""
    for text, ground in PAIRS:
        found = contrast(colours[text], colours[ground])
        if found < LEAST:
            yield text, ground, found


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21.

    >>> round(contrast("#000000", "#ffffff"), 2)
    21.0
    >>> round(contrast("#767676", "#ffffff"), 2)
    4.54
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(ground: str, other: str, share: float) -> str:
    """``ground`` with that share of the other colour.

    >>> mixed("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = zip(_channels(ground), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return float(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
