"""A text as a mail in somebody's look: HTML with colours written beside each part, and the text with its foot.

Programs that read mail know few style sheets and load no pictures from elsewhere; so every colour stands where it is
used, and the logo goes with the mail as a part of it. Nothing of a text is ever markup.
"""

from __future__ import annotations

import re
from html import escape

from serve.identity.branding import theme
from serve.identity.branding.schemas import Look
from serve.kernel.speech import OTHERWISE

LOGO = "logo@throughline"
"""The Content-ID of the logo."""
_ADDRESS = re.compile(r"https://[^\s<>\"'()]+[^\s<>\"'().,;:!?]")
_HELP = {"en": "Help: {}", "de": "Hilfe: {}", "fr": "Aide\u00a0: {}", "es": "Ayuda: {}"}
_FONT = "Arial, Helvetica, sans-serif"


def dressed(
    look: Look, subject: str, text: str, *, has_logo: bool, language: str = OTHERWISE
) -> dict[str, str]:
    """Both parts of the mail. With a logo whoever sends it adds the picture under the name that the HTML has for it.

    ``language`` is that of the text (``spoken``).
    """
    source = f"cid:{LOGO}" if has_logo else None
    html = html_of(look, subject, text, logo_source=source, language=language)
    return {"text": text_of(look, text, language), "html": html}


def text_of(look: Look, text: str, language: str = OTHERWISE) -> str:
    """The text with the foot under a line by which programs know it."""
    foot = _foot(look, language)
    return text if not foot else "\n".join([text.rstrip("\n"), "", "-- ", *foot, ""])


def html_of(
    look: Look, subject: str, text: str, *, logo_source: str | None, language: str = OTHERWISE
) -> str:
    """``logo_source`` is where the picture is found: ``cid:…`` in a mail."""
    colours, name = theme.colours(look, "light"), escape(theme.product_name(look))
    ink, muted, hairline = colours["ink"], colours["muted"], colours["hairline"]
    radius_px = look.customization.radius_px
    head = (
        f'<img src="{escape(logo_source)}" alt="{name}" height="40" style="display:block;max-height:40px;border:0">'
        if logo_source
        else f'<span style="color:{ink};font:bold 20px {_FONT}">{name}</span>'
    )
    paragraphs = "".join(
        f'<p style="margin:0 0 14px;color:{ink};font:15px/1.5 {_FONT}">{_lines(part, colours["accent"])}</p>'
        for part in re.split(r"\n{2,}", text.strip("\n"))
    )
    foot = "".join(
        f'<p style="margin:0;color:{muted};font:12px/1.5 {_FONT}">{escape(line)}</p>'
        for line in _foot(look, language)
    )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(subject)}</title></head>'
        f'<body style="margin:0;padding:0;background-color:{colours["ground"]}">'
        f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0" bgcolor="{colours["ground"]}">'
        '<tr><td align="center" style="padding:24px 12px">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"'
        f' style="max-width:600px;background-color:{colours["surface"]};border:1px solid {hairline};'
        f'border-top:4px solid {colours["accent"]};border-radius:{radius_px}px">'
        f'<tr><td style="padding:24px 28px 8px">{head}</td></tr>'
        f'<tr><td style="padding:16px 28px 10px">{paragraphs}</td></tr>'
        f'<tr><td style="padding:14px 28px 22px;border-top:1px solid {hairline}">{foot}</td></tr>'
        "</table></td></tr></table></body></html>"
    )


def _foot(look: Look, language: str) -> list[str]:
    branding = look.branding
    help_at = [_HELP[language[:2]].format(branding.support_address)] if branding.support_address else []
    return [*branding.legal_lines, *help_at]


def _lines(part: str, accent: str) -> str:
    """Escaped, with addresses as links."""
    written, end = [], 0
    for found in _ADDRESS.finditer(part):
        address = escape(found[0])
        written += [
            escape(part[end : found.start()]),
            f'<a href="{address}" style="color:{accent}">{address}</a>',
        ]
        end = found.end()
    return "".join([*written, escape(part[end:])]).replace("\n", "<br>")
