"""Papers in somebody's look, typeset by ``typst``: the same bytes each time, with fonts that are inside of it.

Templates are ours (``papers/*.typ``), never a client's, and take what they show as data: no text becomes markup. The
typesetter sees one folder made for this paper and nothing else of the machine, and has no packages to fetch.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import orjson
import typst

from serve.identity.branding import theme
from serve.identity.branding.brand import Brand
from serve.identity.branding.schemas import Font

log = logging.getLogger("throughline.branding")

FOLDER = Path(__file__).parent / "papers"
LETTERHEAD = "letterhead.typ"
INSIDE = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
"""Those of the wheel alone: a paper looks the same on every machine."""
SERIF, MONO = "Libertinus Serif", "DejaVu Sans Mono"
FONTS: dict[Font, str] = dict.fromkeys(theme.FONTS, SERIF) | {"mono": MONO}
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_PACKAGE = re.compile(r"@\w+/")

Format = Literal["pdf", "png"]


class PaperFailed(RuntimeError):
    """A programming mistake in a template."""


async def pdf(template: str, data: Mapping[str, Any], brand: Brand, *, made_at: datetime = EARLIEST) -> bytes:
    """The paper ``papers/<template>.typ`` with this data (plain values), under the brand's letterhead.

    A logo that cannot be typeset is left out. ``made_at`` is what the document says of its own making; with the same
    one, everything is the same.
    """
    source = _source(template)
    try:
        [paper] = await asyncio.to_thread(typeset, source, data, brand, made_at=made_at)
    except PaperFailed:
        if brand.logo is None:
            raise
        log.warning("a logo cannot be typeset; the paper goes without", exc_info=True)
        [paper] = await asyncio.to_thread(typeset, source, data, replace(brand, logo=None), made_at=made_at)
    return paper


def typeset(
    source: str,
    data: Mapping[str, Any],
    brand: Brand,
    *,
    made_at: datetime = EARLIEST,
    format: Format = "pdf",
) -> list[bytes]:
    """One PDF, or a picture of each page (72 pixels an inch). Raises PaperFailed."""
    if found := _PACKAGE.search(source):
        raise PaperFailed(f"templates fetch no packages: {found[0]}")
    with TemporaryDirectory(prefix="paper-") as folder:
        root = Path(folder)
        (root / "paper.typ").write_text(source)
        (root / LETTERHEAD).write_text((FOLDER / LETTERHEAD).read_text())
        (root / "data.json").write_bytes(orjson.dumps({"brand": _shown(brand), "paper": dict(data)}))
        if brand.logo is not None:
            (root / "logo").write_bytes(brand.logo.content)
        try:
            made = typst.compile(
                root / "paper.typ",
                root=root,
                font_paths=INSIDE,
                ignore_system_fonts=True,
                package_path=root / "packages",
                package_cache_path=root / "packages",
                format=format,
                ppi=72.0,
                timestamp=made_at,
            )
        except typst.TypstError as error:
            raise PaperFailed(str(error)) from error
    return [made] if isinstance(made, bytes) else list(made)


def _source(template: str) -> str:
    return (FOLDER / f"{template}.typ").read_text()


def _shown(brand: Brand) -> dict[str, Any]:
    """What the letterhead knows."""
    look = brand.look
    colours = theme.colours(look, "light")
    return {
        "name": theme.product_name(look),
        "legal_lines": look.branding.legal_lines,
        "support_address": look.branding.support_address,
        "font": FONTS[look.customization.font],
        "has_logo": brand.logo is not None,
        "logo_format": brand.logo.subtype.replace("jpeg", "jpg") if brand.logo else None,
        **{name: colours[name] for name in ("ink", "muted", "hairline", "accent")},
    }
