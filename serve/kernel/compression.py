"""Answers made smaller for clients that ask: gzip, where the kind of answer gains by it."""

from __future__ import annotations

import asyncio
import zlib

from starlette.types import Message, Send

LEAST_BYTES = 1_024
LEVEL = 4
_WORTH_A_THREAD_BYTES = 65_536
_KINDS = (
    b"text/",
    b"application/json",
    b"application/problem+json",
    b"application/x-ndjson",
    b"application/jsonl",
    b"application/javascript",
    b"application/vnd.apache.arrow",
    b"image/svg",
)
Headers = list[tuple[bytes, bytes]]


def wants_gzip(accept_encoding: bytes) -> bool:
    """Whether the client takes gzip, by name or by ``*``, and does not weigh it at nothing.

    >>> [wants_gzip(each) for each in (b"gzip, br", b"br;q=1, *;q=0.1", b"gzip;q=0", b"br", b"")]
    [True, True, False, False, False]
    """
    if b"gzip" not in accept_encoding and b"*" not in accept_encoding:
        return False
    weights = {}
    for part in accept_encoding.lower().split(b","):
        name, _, weight = part.partition(b";")
        weights[name.strip()] = weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return weights.get(b"gzip", weights.get(b"*", False))


class Gzip:
    """Sends on what it is given, compressed where that is worth it. Call it as ``send``.

    A compressed answer is another sequence of bytes, so its strong ETag becomes a weak one: it still names the version,
    which is all that If-None-Match and If-Match ask here. So does that of a short answer and of a 304, which must bear
    the name that the whole answer had.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._stream: zlib._Compress | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [_weak(header) for header in message.get("headers", ())]}
        if message["type"] == "http.response.start" and _gains(message):
            self._start = message
        elif self._start is not None:
            await self._first(self._start, message)
        elif self._stream is not None:
            await self._next(message)
        else:
            await self._send(message)

    async def _first(self, start: Message, message: Message) -> None:
        self._start = None
        body = message.get("body", b"")
        if message.get("more_body", False):
            self._stream = _compressor()
            await self._send(_compressed(start, None))
            await self._next(message)
        elif len(body) < LEAST_BYTES:
            await self._send(start)
            await self._send(message)
        else:
            made = (
                await asyncio.to_thread(_whole, body) if len(body) > _WORTH_A_THREAD_BYTES else _whole(body)
            )
            await self._send(_compressed(start, len(made)))
            await self._send({**message, "body": made})

    async def _next(self, message: Message) -> None:
        assert self._stream is not None
        made = self._stream.compress(message.get("body", b""))
        if not message.get("more_body", False):
            made += self._stream.flush()
        elif not made:
            return
        await self._send({**message, "body": made})


def _gains(start: Message) -> bool:
    """Not for parts of a file, empty answers, what is compressed already, or events that must not wait."""
    if start["status"] in (204, 206, 304):
        return False
    headers = dict(start.get("headers", ()))
    kind = headers.get(b"content-type", b"")
    if b"content-encoding" in headers or b"content-range" in headers:
        return False
    return kind.startswith(_KINDS) and not kind.startswith(b"text/event-stream")


def _compressed(start: Message, size: int | None) -> Message:
    headers: Headers = [(b"content-encoding", b"gzip")]
    headers += [
        header for header in start["headers"] if header[0] not in (b"content-length", b"accept-ranges")
    ]
    if size is not None:
        headers.append((b"content-length", b"%d" % size))
    return {**start, "headers": headers}


def _weak(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    name, value = header
    return (name, b"W/" + value) if name == b"etag" and not value.startswith(b"W/") else header


def _compressor() -> zlib._Compress:
    return zlib.compressobj(LEVEL, wbits=31)  # 31: with the header and the checksum of gzip


def _whole(body: bytes) -> bytes:
    made = _compressor()
    return made.compress(body) + made.flush()
