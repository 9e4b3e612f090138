"""Forms with files in them, read as they come: a file goes aside in pieces and is never held in memory.

How many parts there may be, and how large each that is no file, is limited here; the headers of a part by the parser;
the body as a whole by the layer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from serve.kernel.errors import Invalid, Malformed, Problem
from serve.platform.files.errors import FileTooLarge, NotAForm
from serve.ports.storage import Aside, Storage

MOST_FIELDS = 20
MOST_FIELD_BYTES = 10_000
_WRITTEN_AT_ONCE_BYTES = 1 << 18


class Part(NamedTuple):
    """The head of a part; what follows is its content. ``filename`` is None for a plain field."""

    name: str
    filename: str | None
    charset: str | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file as it came, lying aside."""

    field: str
    filename: str
    charset: str | None
    aside: Aside


@dataclass(frozen=True, slots=True)
class Form:
    fields: dict[str, str] = field(default_factory=dict)
    files: list[Incoming] = field(default_factory=list)


@asynccontextmanager
async def received(
    request: Request, storage: Storage, *, name: str, most_files: int, most_file_bytes: int
) -> AsyncIterator[Form]:
    """The form, whose files are called ``name``. What was not kept at the end of the block is gone.

    Raises Malformed, NotAForm, Invalid, FileTooLarge, or BodyTooLarge.
    """
    form, body = Form(), request.stream()
    try:
        try:
            reading = _Reading(form, storage, name, most_files, most_file_bytes)
            await reading.read(_pieces(request.headers.get("content-type"), body))
        except Problem:
            async for _ in body:  # the rest, if any may come: whoever still writes would not read what we say
                pass
            raise
        if not form.files:
            raise Invalid(details=[(name, "is needed: a part with a file name")])
        yield form
    except ClientDisconnect as gone:
        raise Malformed("The body was cut off.") from gone
    finally:
        for incoming in form.files:
            await asyncio.to_thread(incoming.aside.discard)


@dataclass(slots=True)
class _Reading:
    """One form on its way."""

    form: Form
    storage: Storage
    name: str
    most_files: int
    most_file_bytes: int
    _text: bytearray = field(default_factory=bytearray)
    _part: Part | None = None
    _aside: Aside | None = None

    async def read(self, pieces: AsyncIterator[Part | bytes]) -> None:
        async for piece in pieces:
            if isinstance(piece, Part):
                await self._end()
                await self._begin(piece)
            else:
                self._text += piece
                await self._take()
        await self._end()

    async def _begin(self, part: Part) -> None:
        self._part = part
        if part.filename is None:
            if part.name in self.form.fields:
                raise Invalid(details=[(part.name, "is given more than once")])
            if len(self.form.fields) >= MOST_FIELDS:
                raise Invalid(f"The form has more than {MOST_FIELDS} fields.")
            return
        if part.name != self.name:
            raise Invalid(details=[(part.name, f"is no file of this form; send files as {self.name}")])
        if len(self.form.files) >= self.most_files:
            raise Invalid(details=[(part.name, f"has more than {self.most_files} files")])
        self._aside = await asyncio.to_thread(self.storage.aside)
        self.form.files.append(Incoming(part.name, part.filename, part.charset, self._aside))

    async def _take(self) -> None:
        if self._aside is None:
            if len(self._text) > MOST_FIELD_BYTES and self._part is not None:
                raise Invalid(details=[(self._part.name, f"is larger than {MOST_FIELD_BYTES:,} bytes")])
        elif len(self._text) >= _WRITTEN_AT_ONCE_BYTES:
            await self._write(self._aside)

    async def _write(self, aside: Aside) -> None:
        if aside.size_bytes + len(self._text) > self.most_file_bytes:
            raise FileTooLarge(self.most_file_bytes)
        await asyncio.to_thread(aside.write, bytes(self._text))
        self._text.clear()

    async def _end(self) -> None:
        """Of the part before."""
        if self._aside is not None:
            await self._write(self._aside)
            await asyncio.to_thread(self._aside.finish)
            self._aside = None
        elif self._part is not None:
            self.form.fields[self._part.name] = _decoded(bytes(self._text), self._part.name)
        self._text.clear()


async def _pieces(content_type: str | None, body: AsyncIterator[bytes]) -> AsyncIterator[Part | bytes]:
    """The parts of a form: the head of each, then its content in pieces. Raises NotAForm or Malformed."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise NotAForm
    found: list[Part | bytes] = []
    header: list[bytes] = [b"", b""]
    headers: dict[bytes, bytes] = {}
    ended: list[bool] = []

    def end_header() -> None:
        headers[header[0].lower()] = header[1]
        header[:] = [b"", b""]

    def end_headers() -> None:
        found.append(_part(headers))
        headers.clear()

    def take(place: int, data: bytes, start: int, end: int) -> None:
        header[place] += data[start:end]

    try:
        parser = MultipartParser(
            options[b"boundary"],
            {
                "on_header_field": lambda data, start, end: take(0, data, start, end),
                "on_header_value": lambda data, start, end: take(1, data, start, end),
                "on_header_end": end_header,
                "on_headers_finished": end_headers,
                "on_part_data": lambda data, start, end: found.append(data[start:end]),
                "on_end": lambda: ended.append(True),
            },
        )
        async for chunk in body:
            parser.write(chunk)
            for piece in found:
                yield piece
            found.clear()
    except (FormParserError, KeyError) as error:
        raise Malformed("The form cannot be read.") from error
    if not ended:
        raise Malformed("The form is cut off: its last boundary is missing.")


_PATH = re.compile(rb'filename="(?:.:\\|\\\\)')  # the parser would take the path off without a word


def _part(headers: dict[bytes, bytes]) -> Part:
    disposition, options = parse_options_header(said := headers.get(b"content-disposition", b""))
    if disposition != b"form-data" or b"name" not in options:
        raise Malformed("A part of the form has no name.")
    filename = options.get(b"filename")
    name = _decoded(options[b"name"], "form")
    if filename is not None and filename.startswith(b'"'):
        raise Malformed("The header of a part is cut off.")
    if _PATH.search(said):
        raise Invalid(details=[(name, "has a path in the place of a name")])
    _, more = parse_options_header(headers.get(b"content-type"))
    charset = more.get(b"charset", b"").decode("latin-1") or None
    if filename is not None:  # browsers write a quotation mark like this
        return Part(name, _decoded(filename.replace(b"%22", b'"'), name), charset)
    return Part(name, None, charset)


def _decoded(text: bytes, name: str) -> str:
    """Raises Invalid."""
    try:
        found = text.decode()
    except UnicodeDecodeError as error:
        raise Invalid(details=[(name, "is not written in UTF-8")]) from error
    if "\0" in found:
        raise Invalid(details=[(name, "must not contain the character NUL")])
    return found
