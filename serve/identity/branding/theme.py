"""A look as a style sheet, and as values for those who make their own pages."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from serve.identity.branding import css
from serve.identity.branding.colours import Scheme, all_of, unreadable
from serve.identity.branding.errors import ContrastTooLow
from serve.identity.branding.schemas import Font, Look, Spacing, Theme, Tokens

OUR_NAME = "Throughline"
PATH = "/api/v1/b2b/white-label"
FONTS: dict[Font, str] = {
    "system": 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
    "humanist": 'Seravek, "Gill Sans Nova", Ubuntu, Calibri, "DejaVu Sans", sans-serif',
    "geometric": 'Avenir, Montserrat, Corbel, "URW Gothic", sans-serif',
    "serif": 'Charter, "Bitstream Charter", "Iowan Old Style", Cambria, Georgia, serif',
    "slab": 'Rockwell, "Rockwell Nova", "Roboto Slab", "DejaVu Serif", serif',
    "mono": 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
}
SPACES_PX: dict[Spacing, tuple[int, int]] = {"compact": (10, 12), "normal": (14, 16), "roomy": (20, 22)}
"""Between panels, and within them."""
_SHADOWS: dict[Scheme, str] = {
    "light": "0 1px 2px rgb(16 24 40 / 6%), 0 1px 3px rgb(16 24 40 / 4%)",
    "dark": "none",
}
_ON: dict[Theme, tuple[Scheme, Scheme]] = {
    "system": ("light", "dark"),
    "light": ("light", "light"),
    "dark": ("dark", "dark"),
}
"""What is shown on a light device and on a dark one."""


def check(look: Look) -> None:
    """Raises ContrastTooLow naming each pair and its contrast, or StyleRefused."""
    details = [
        (
            f"branding.{scheme}.{text if text in chosen or ground not in chosen else ground}",
            f"{text} on {ground} has a contrast of {found:.2f} to 1; text needs 4.5 to 1",
        )
        for scheme, chosen in _palettes(look).items()
        for text, ground, found in unreadable(all_of(scheme, chosen))
    ]
    if details:
        raise ContrastTooLow(details=details)
    css.styles(look.customization.custom_css or "")


def stylesheet(look: Look) -> str:
    """Tokens for both schemes, then the client's own rules. Raises StyleRefused."""
    custom = look.customization
    on_light, on_dark = _ON[custom.theme]
    gap_px, pad_px = SPACES_PX[custom.spacing]
    shared = {
        "radius": f"{custom.radius_px}px",
        "gap": f"{gap_px}px",
        "pad": f"{pad_px}px",
        "font": FONTS[custom.font],
    }
    scheme = "light dark" if custom.theme == "system" else custom.theme
    root = [f"  color-scheme: {scheme};", *_lines(colours(look, on_light) | _shadow(on_light) | shared)]
    dark = _lines(colours(look, on_dark) | _shadow(on_dark))
    return (
        ":root {\n"
        + "\n".join(root)
        + "\n}\n\n@media (prefers-color-scheme: dark) {\n:root {\n"
        + "\n".join(dark)
        + "\n}\n}\n\n"
        + css.styles(custom.custom_css or "")
    )


def colours(look: Look, scheme: Scheme) -> dict[str, str]:
    return all_of(scheme, _palettes(look)[scheme])


def digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=10).hexdigest()


def stylesheet_url(slug: str, look: Look) -> str:
    """Its address has its content in it, so whoever has it may keep it."""
    return f"{PATH}/{slug}/theme.css?v={digest(stylesheet(look))}"


def product_name(look: Look) -> str:
    return look.branding.product_name or OUR_NAME


def public(slug: str, look: Look) -> dict[str, Any]:
    """What everybody may know of it."""
    branding, custom = look.branding, look.customization
    return {
        "product_name": product_name(look),
        "theme": custom.theme,
        "light": _shown(look, "light"),
        "dark": _shown(look, "dark"),
        "font_stack": FONTS[custom.font],
        "radius_px": custom.radius_px,
        "spacing": custom.spacing,
        "stylesheet_url": stylesheet_url(slug, look),
        "logo_url": _picture_url(slug, "logo", branding.logo_id),
        "favicon_url": _picture_url(slug, "favicon", branding.favicon_id),
        "support_address": branding.support_address,
        "legal_lines": branding.legal_lines,
    }


def _palettes(look: Look) -> dict[Scheme, dict[str, str]]:
    return {"light": look.branding.light.chosen, "dark": look.branding.dark.chosen}


def _shown(look: Look, scheme: Scheme) -> dict[str, str]:
    found = colours(look, scheme)
    return {name: found[name] for name in Tokens.model_fields}


def _picture_url(slug: str, kind: str, file_id: object) -> str | None:
    return f"{PATH}/{slug}/{kind}?v={str(file_id)[-12:]}" if file_id else None


def _shadow(scheme: Scheme) -> dict[str, str]:
    return {"shadow": _SHADOWS[scheme]}


def _lines(tokens: dict[str, str]) -> list[str]:
    return [f"  --{name.replace('_', '-')}: {value};" for name, value in tokens.items()]
