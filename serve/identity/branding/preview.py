"""A look before it is published: a page, a mail or a paper with words of ours in it."""

from __future__ import annotations

import base64
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Literal

from fastapi import Response

from serve.identity.branding import letters, theme
from serve.identity.branding.brand import Brand, with_logo
from serve.identity.branding.papers import pdf
from serve.identity.branding.schemas import Look
from serve.kernel.db import Transaction
from serve.ports.storage import Storage

PAGES = Path(__file__).parents[2] / "pages"
STYLES = ("base.css", "board.css", "panels.css", "phone.css")
CONTENT: dict[str, Any] = {
    "text/html": {"schema": {"type": "string"}},
    "application/pdf": {"schema": {"type": "string", "format": "binary"}},
}
SUBJECT = "Your van is ready"
TEXT = (
    "Hello,\n\nyour van HB-R 1 is ready. Pick it up until 18:00.\n\nThe invoice: https://example.org/i/101\n"
)
PAPER = {
    "title": "Invoice 101",
    "address": ["Ada Byron", "Example Street 1", "28195 Bremen"],
    "paragraphs": ["Inspection of HB-R 1 on 21 November 2026: 119.00 EUR.", "Thank you for your trust."],
}


async def answer(
    kind: Literal["page", "mail", "pdf"], look: Look, db: Transaction, storage: Storage
) -> Response:
    brand = await with_logo(db, storage, look)
    if kind == "pdf":
        return _response(await pdf("letter", PAPER, brand), "application/pdf")
    if kind == "mail":
        html = letters.html_of(look, SUBJECT, TEXT, logo_source=_as_data(brand))
        return _response(html.encode(), "text/html; charset=utf-8")
    return _response(page(brand).encode(), "text/html; charset=utf-8")


def page(brand: Brand) -> str:
    """A page that stands for ours: its style sheets and classes, no script, no address but pictures in itself.

    The policy in it names the styles by their hash, so nothing else can style or run, wherever it is shown.
    """
    look, name = brand.look, escape(theme.product_name(brand.look))
    styles = _ours() + theme.stylesheet(look)
    allowed = base64.b64encode(sha256(styles.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; img-src data:; base-uri 'none'; form-action 'none'"
    source = _as_data(brand)
    head = (
        f'<img class="logo" src="{source}" alt="{name}">'
        if source
        else f'<span class="brand-name">{name}</span>'
    )
    foot = "".join(f"<span>{escape(line)}</span>" for line in look.branding.legal_lines)
    return _template().substitute(policy=policy, styles=styles, name=name, head=head, foot=foot)


def _as_data(brand: Brand) -> str | None:
    if brand.logo is None:
        return None
    return f"data:{brand.logo.media_type};base64,{base64.b64encode(brand.logo.content).decode()}"


def _response(body: bytes, kind: str) -> Response:
    return Response(body, 200, {"Cache-Control": "private, no-store"}, kind)


@cache
def _ours() -> str:
    return "\n".join((PAGES / "styles" / name).read_text() for name in STYLES) + "\n"


@cache
def _template() -> Template:
    return Template((Path(__file__).parent / "preview.html").read_text())
