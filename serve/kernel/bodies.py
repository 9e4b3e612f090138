"""Request bodies: how large, and how deeply nested where they are JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.types import Message, Receive, Scope

from serve.kernel.errors import BodyTooLarge, TooDeep

MOST_LEVELS = 64
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # one without an end goes on to the end
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
PROGRESS_BYTES = 1 << 20
"""What an upload must bring within the time of a request to be given that time once more."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def takes_files(endpoint: Endpoint) -> Endpoint:
    """Decorates an endpoint whose body is files: it may be larger than others, and may take as long as it comes."""
    endpoint.takes_files = True  # type: ignore[attr-defined]
    return endpoint


class Body:
    """Gives the application its body and looks at it on the way. Call it as ``receive``."""

    def __init__(
        self,
        receive: Receive,
        scope: Scope,
        *,
        most_bytes: int,
        most_upload_bytes: int,
        declared: bytes,
        is_json: bool,
        go_on: Callable[[], None],
    ) -> None:
        """``declared`` is the Content-Length; a body without one is counted as it comes. ``scope`` knows the route once
        the application reads, ``go_on`` is told that an upload comes along."""
        self._receive, self._scope, self._go_on = receive, scope, go_on
        self._most_bytes, self._most_upload_bytes = most_bytes, most_upload_bytes
        self._json: bytearray | None = bytearray() if is_json else None
        self._declared_bytes = int(declared) if declared.isdigit() else 0
        self._is_upload: bool | None = None
        self.size = 0

    async def __call__(self) -> Message:
        if self._is_upload is None:
            endpoint = getattr(self._scope.get("route"), "endpoint", None)
            self._is_upload = getattr(endpoint, "takes_files", False)
            if self._is_upload:
                self._most_bytes = self._most_upload_bytes
        if self._declared_bytes > self._most_bytes:
            raise self._too_large()
        message = await self._receive()
        part = message.get("body", b"")
        if part:
            before, self.size = self.size, self.size + len(part)
            if self.size > self._most_bytes:
                raise self._too_large()
            if self._is_upload and self.size // PROGRESS_BYTES > before // PROGRESS_BYTES:
                self._go_on()
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
