"""Request bodies: how large, and how deeply nested where they are JSON."""

from __future__ import annotations

import re

from starlette.types import Message, Receive

from serve.kernel.errors import BodyTooLarge, TooDeep

MOST_LEVELS = 64
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class Body:
    """Gives the application its body and looks at it on the way. Call it as ``receive``."""

    def __init__(self, receive: Receive, *, most_bytes: int, declared: bytes, is_json: bool) -> None:
        """``declared`` is the Content-Length; a body without one is counted as it comes."""
        self._receive, self._most_bytes = receive, most_bytes
        self._json: bytearray | None = bytearray() if is_json else None
        self.size = 0
        self._is_too_large = declared.isdigit() and int(declared) > most_bytes

    async def __call__(self) -> Message:
        if self._is_too_large:
            raise self._too_large()
        message = await self._receive()
        part = message.get("body", b"")
        if part:
            self.size += len(part)
            if self.size > self._most_bytes:
                raise self._too_large()
            if self._json is not None:
                self._json += part
        if self._json and not message.get("more_body", False):
            if is_too_deep(bytes(self._json)):
                raise TooDeep(f"The JSON body nests deeper than {MOST_LEVELS} levels.")
            self._json = None
        return message

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The request body is larger than {self._most_bytes:,} bytes.")


def is_too_deep(body: bytes, most_levels: int = MOST_LEVELS) -> bool:
    """Whether brackets nest deeper, without parsing: a parser is what this protects.

    >>> is_too_deep(b'[[["]]]]"]]]', 3), is_too_deep(b"[[[[]]]]", 3), is_too_deep(b'["[[[["]', 3)
    (False, True, False)
    """
    if body.count(b"[") + body.count(b"{") <= most_levels:
        return False
    level = 0
    for bracket in _TEXT.sub(b"", body).translate(None, _NO_BRACKETS):
        level += 1 if bracket in b"[{" else -1
        if level > most_levels:
            return True
    return False
