"""Values that nobody should read from the database alone: secrets of settings, personal values in events.

AES-256-GCM under a key of this installation (``Home.secret``). A person's values are sealed with a key of that person,
which lies in the person's row, itself sealed: when the row's key is dropped, no copy of the history can be read again.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Unreadable(ValueError):
    """Sealed with another key, or touched since."""


class Vault:
    def __init__(self, secret: str) -> None:
        self._main = AESGCM(sha256(secret.encode()).digest())

    def seal(self, content: bytes) -> bytes:
        return _seal(self._main, content)

    def open(self, sealed: bytes) -> bytes:
        """Raises Unreadable."""
        return _open(self._main, sealed)

    def new_person_key(self) -> bytes:
        """A key as it lies in the person's row."""
        return self.seal(secrets.token_bytes(32))

    def seal_values(self, person_key: bytes, values: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Each value as it stands in an event: ``{"sealed": "…"}``."""
        key = AESGCM(self.open(person_key))
        return {
            name: {"sealed": base64.b64encode(_seal(key, orjson.dumps(value))).decode()}
            for name, value in values.items()
            if value is not None
        }

    def open_values(self, person_key: bytes | None, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of an event with the sealed ones readable; without the key they stay sealed."""
        key = AESGCM(self.open(person_key)) if person_key else None
        return {name: _read(key, value) for name, value in values.items()}


def _read(key: AESGCM | None, value: Any) -> Any:
    if not (isinstance(value, dict) and value.keys() == {"sealed"}):
        return value
    if key is None or not isinstance(value["sealed"], str):
        return {"sealed": None}
    return orjson.loads(_open(key, base64.b64decode(value["sealed"])))


def _seal(key: AESGCM, content: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + key.encrypt(nonce, content, None)


def _open(key: AESGCM, sealed: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
    except InvalidTag as error:
        raise Unreadable("sealed with another key, or touched since") from error
