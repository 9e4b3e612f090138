"""Who asks for passkeys: they work for one domain, and for pages of these origins alone."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from serve.identity.factors.rules import ISSUER
from serve.settings import Settings


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """``id`` is the domain that passkeys are bound to, for good."""

    id: str
    origins: list[str]
    name: str = ISSUER

    @classmethod
    def of(cls, settings: Settings) -> RelyingParty:
        parts = urlsplit(settings.public_url or f"http://localhost:{settings.port}")
        return cls(
            parts.hostname or "localhost", [f"{parts.scheme}://{parts.netloc}", *settings.passkey_origins]
        )
