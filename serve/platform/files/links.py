"""Links that open one file for whoever has them, until their time is over. Nothing is kept of them but their signature.

A link ends early when its file is deleted. It is not said in the path but in the query, which no log keeps.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from typing import NamedTuple
from uuid import UUID

from serve.platform.files.errors import LinkExpired, LinkNotFound

_SAID = struct.Struct(">16s16sQ")
_DIGEST = "sha256"
_SIGNATURE_BYTES = 32


class Link(NamedTuple):
    """What a token says: the file of that tenant, until that second."""

    tenant_id: UUID
    file_id: UUID
    expires_at_s: int


class Links:
    """Signs and reads tokens with the installation's key."""

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    def token(self, link: Link) -> str:
        said = _SAID.pack(link.tenant_id.bytes, link.file_id.bytes, link.expires_at_s)
        return base64.urlsafe_b64encode(said + self._signature(said)).decode().rstrip("=")

    def read(self, token: str, *, now_s: float) -> Link:
        """Raises LinkNotFound for what we have not signed, LinkExpired for what is over."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise LinkNotFound from error
        said, signature = raw[: _SAID.size], raw[_SAID.size :]
        if len(raw) != _SAID.size + _SIGNATURE_BYTES or not _is_same(signature, self._signature(said)):
            raise LinkNotFound
        tenant, file, expires_at_s = _SAID.unpack(said)
        if expires_at_s <= now_s:
            raise LinkExpired
        return Link(UUID(bytes=tenant), UUID(bytes=file), expires_at_s)

    def _signature(self, said: bytes) -> bytes:
        return hmac.digest(self._key, b"file link\0" + said, _DIGEST)


def _is_same(one: bytes, other: bytes) -> bool:
    """In the same time, wherever they differ."""
    return hmac.compare_digest(one, other)
