"""What may be an address of a provider: where people and secrets are sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def is_address(text: Any, *, plain_too: bool) -> bool:
    """Whether it is an address of the web that a browser and we read alike; without HTTPS only with ``plain_too``.

    >>> is_address("https://login.example.com/sso?x=1", plain_too=False)
    True
    >>> [is_address(each, plain_too=True) for each in ("https://[bad", "https://x:port/", "https:///", "ftp://x")]
    [False, False, False, False]
    """
    schemes = ("https://", "http://") if plain_too else ("https://",)
    if not isinstance(text, str) or not text.startswith(schemes):
        return False
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
