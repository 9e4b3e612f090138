"""What kinds of files are taken, and how each is known by its content.

The name says what a file is meant to be; the content must be that, wholly, and nothing else besides. What a client
says in ``Content-Type`` counts for nothing but the way a text is written.
"""

from __future__ import annotations

import codecs
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

import puremagic

from serve.platform.files import archives, pictures
from serve.platform.files.errors import FileRefused, FileTypeRefused
from serve.platform.files.names import extension

_HEAD_BYTES = 4096
_CHUNK = 1 << 20
_READ_AT_THE_START_BYTES = 1024
"""So far a reader of PDF looks for its beginning, and a browser for markup."""

_FOREIGN = (b"<script", b"<?php", b"<iframe", b"<!doctype", b"__halt_compiler", b"javascript:", b"<svg")
_FOREIGN_BYTES = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c")
_ELSEWHERE = ((257, b"ustar"), (32_769, b"CD001"), (128, b"DICM"))
"""Formats that begin later, so that another one has room before them."""

_MARKUP = (
    b"<!doctype",
    b"<html",
    b"<svg",
    b"<script",
    b"<?xml",
    b"<?php",
    b"<body",
    b"<iframe",
    b"<head",
    b"{\\rtf",
    b"#!",
)
_CHARSETS = frozenset({"utf-8", "utf-16", "iso8859-1", "iso8859-15", *(f"cp125{n}" for n in range(9))})


@dataclass(frozen=True, slots=True)
class Found:
    """What a file is."""

    kind: Kind
    charset: str | None = None
    width_px: int | None = None
    height_px: int | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that lies aside, as it is looked at."""

    file: IO[bytes]
    size_bytes: int
    head: bytes
    charset: str | None
    """What the client says about a text."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``begins`` knows it by its first bytes, ``look`` looks through the whole. Raises FileRefused."""

    media_type: str
    extensions: tuple[str, ...]
    begins: Callable[[bytes], bool]
    look: Callable[[Upload, Kind], Found]


def recognise(file: IO[bytes], size_bytes: int, name: str, charset: str | None) -> Found:
    """What the file is, that nothing speaks against it. Raises FileRefused or FileTypeRefused."""
    if not size_bytes:
        raise FileRefused("is empty")
    file.seek(0)
    upload = Upload(file, size_bytes, file.read(_HEAD_BYTES), charset)
    ending = extension(name)
    if ending:
        kind = _BY_EXTENSION.get(ending)
        if kind is None:
            raise FileTypeRefused(f"is named {ending}; there may be {', '.join(sorted(_BY_EXTENSION))}")
        if not kind.begins(upload.head):
            raise FileTypeRefused(f"is named {ending}, but its content is {_said(upload.head)}")
    else:
        kind = next((each for each in KINDS if each.begins(upload.head)), None)
        if kind is None:
            raise FileTypeRefused(f"is {_said(upload.head)}; give its name the ending of its kind")
    return kind.look(upload, kind)


def refuse_foreign(upload: Upload) -> None:
    """Raises FileRefused for a file that is something else at the same time: a polyglot."""
    file = upload.file
    if zipfile.is_zipfile(file):
        raise FileRefused("is an archive at the same time")
    if b"%PDF-" in upload.head[:_READ_AT_THE_START_BYTES] and not upload.head.startswith(b"%PDF-"):
        raise FileRefused("is a PDF at the same time")
    for place, sign in _ELSEWHERE:
        file.seek(place)
        if file.read(len(sign)) == sign:
            raise FileRefused("is a file of another kind at the same time")
    file.seek(0)
    last = b""
    while chunk := file.read(_CHUNK):
        text = last + chunk
        small = text.lower()
        if any(sign in small for sign in _FOREIGN) or any(sign in text for sign in _FOREIGN_BYTES):
            raise FileRefused("has a program or markup in it")
        last = text[-20:]


# Each kind


def _picture(upload: Upload, kind: Kind) -> Found:
    refuse_foreign(upload)
    _CHECKS[kind.media_type](upload)
    width, height = pictures.dimensions(upload.file, kind.media_type.removeprefix("image/").upper())
    return Found(kind, width_px=width, height_px=height)


def _check_png(upload: Upload) -> None:
    """Chunk by chunk to the last one, and nothing behind it."""
    file, place = upload.file, 8
    while place + 12 <= upload.size_bytes:
        file.seek(place)
        length, name = int.from_bytes(file.read(4), "big"), file.read(4)
        if not name.isalpha():
            break
        place += 12 + length
        if name == b"IEND":
            if place == upload.size_bytes:
                return
            raise FileRefused("has something behind its picture")
    raise FileRefused("is no whole picture; it may be cut off")


def _check_jpeg(upload: Upload) -> None:
    # A camera appends what it likes (a film, a second picture): that is looked through with everything else.
    if upload.head[4:6] == b"/*":
        raise FileRefused("could be run as a script")


def _check_gif(upload: Upload) -> None:
    if upload.head[6:8] in (b"/*", b"=\0", b"=1", b"= "):
        raise FileRefused("could be run as a script")
    upload.file.seek(max(0, upload.size_bytes - 16))
    if not upload.file.read().rstrip(b"\0").endswith(b";"):
        raise FileRefused("is no whole picture, or has something behind it")


def _check_webp(upload: Upload) -> None:
    _check_riff(upload)
    if upload.head[4:6] == b"/*":
        raise FileRefused("could be run as a script")


def _check_riff(upload: Upload) -> None:
    claimed = int.from_bytes(upload.head[4:8], "little") + 8
    if claimed + claimed % 2 != upload.size_bytes + upload.size_bytes % 2:
        raise FileRefused("is not as long as it says: it is cut off, or has something behind it")


_CHECKS: dict[str, Callable[[Upload], None]] = {
    "image/png": _check_png,
    "image/jpeg": _check_jpeg,
    "image/gif": _check_gif,
    "image/webp": _check_webp,
}


def _pdf(upload: Upload, kind: Kind) -> Found:
    if zipfile.is_zipfile(upload.file):
        raise FileRefused("is an archive at the same time")
    start = upload.head[:_READ_AT_THE_START_BYTES].lower()
    if any(sign in start for sign in _FOREIGN):
        raise FileRefused("has a program or markup in it")
    upload.file.seek(max(0, upload.size_bytes - _READ_AT_THE_START_BYTES))
    if b"%%EOF" not in upload.file.read():
        raise FileRefused("is no whole PDF; it may be cut off")
    return Found(kind)


def _media(upload: Upload, kind: Kind) -> Found:
    refuse_foreign(upload)
    if upload.head.startswith(b"RIFF"):
        _check_riff(upload)
    return Found(kind)


def _archive(upload: Upload, kind: Kind) -> Found:
    archives.look_through(upload.file, upload.size_bytes)
    return Found(kind)


def _office(part: str) -> Callable[[Upload, Kind], Found]:
    def look(upload: Upload, kind: Kind) -> Found:
        archive = archives.look_through(upload.file, upload.size_bytes)
        if not {"[Content_Types].xml", part} <= archive.names:
            raise FileTypeRefused(f"is named {kind.extensions[0]}, but is another kind of archive")
        if any(name.lower().endswith(("vbaproject.bin", "macrosheets")) for name in archive.names):
            raise FileRefused("has macros in it")
        return Found(kind)

    return look


def _open_document(upload: Upload, kind: Kind) -> Found:
    archive = archives.look_through(upload.file, upload.size_bytes)
    if archive.first_text.strip() != kind.media_type.encode() or "content.xml" not in archive.names:
        raise FileTypeRefused(f"is named {kind.extensions[0]}, but is another kind of archive")
    if any(name.startswith(("Basic/", "Scripts/")) for name in archive.names):
        raise FileRefused("has macros in it")
    return Found(kind)


def _text(upload: Upload, kind: Kind) -> Found:
    charset = _charset(upload.charset)
    decoder = codecs.getincrementaldecoder(charset)()
    upload.file.seek(0)
    start = ""
    try:
        while chunk := upload.file.read(_CHUNK):
            text = decoder.decode(chunk)
            start = start or text[:_READ_AT_THE_START_BYTES]
            if any(letter in text for letter in _CONTROLS):
                raise FileTypeRefused("is no text: it has characters that no text has")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        hint = "" if upload.charset else ": write it so, or say its charset in the part's Content-Type"
        raise FileTypeRefused(f"is no text in {charset}{hint}") from error
    begin = start.lstrip("\ufeff \t\r\n").lower().encode()
    if begin.startswith(_MARKUP):
        raise FileTypeRefused(f"is no plain text, but {_said(begin)}")
    return Found(kind, charset=charset)


_CONTROLS = [chr(code) for code in range(32) if chr(code) not in "\t\n\r\f\x1b"] + ["\x7f"]


def _charset(said: str | None) -> str:
    if said is None:
        return "utf-8"
    try:
        name = codecs.lookup(said).name
    except LookupError:
        name = ""
    if name not in _CHARSETS:
        raise FileTypeRefused(f"says that it is written in {said[:40]!r}; use utf-8")
    return name


def _said(head: bytes) -> str:
    """What the beginning looks like, for people."""
    try:
        return f"of the kind {puremagic.magic_string(head)[0].name or 'that nobody takes'}"
    except (puremagic.PureError, ValueError):
        return "of no kind that is known"


def _starts(*signs: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signs)


def _sniffed(*endings: str) -> Callable[[bytes], bool]:
    """As ``puremagic`` knows it."""

    def begins(head: bytes) -> bool:
        try:
            return any(match.extension in endings for match in puremagic.magic_string(head))
        except (puremagic.PureError, ValueError):
            return False

    return begins


def _is_riff(kind: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(b"RIFF") and head[8:12] == kind


def _is_text(head: bytes) -> bool:
    """More is said when it is read as a whole."""
    return not head.startswith((archives.START, b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"MZ\x90", b"\x7fELF"))


_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"
_ZIP = _starts(archives.START)
KINDS = (
    Kind("image/png", (".png",), _starts(b"\x89PNG\r\n\x1a\n"), _picture),
    Kind("image/jpeg", (".jpg", ".jpeg"), _starts(b"\xff\xd8\xff"), _picture),
    Kind("image/gif", (".gif",), _starts(b"GIF87a", b"GIF89a"), _picture),
    Kind("image/webp", (".webp",), _is_riff(b"WEBP"), _picture),
    Kind("application/pdf", (".pdf",), _starts(b"%PDF-1.", b"%PDF-2."), _pdf),
    Kind("audio/wav", (".wav",), _is_riff(b"WAVE"), _media),
    Kind("audio/mpeg", (".mp3",), _sniffed(".mp3", ".mpga"), _media),
    Kind("audio/ogg", (".ogg", ".oga", ".opus"), _starts(b"OggS"), _media),
    Kind("audio/mp4", (".m4a",), _sniffed(".m4a", ".mp4"), _media),
    Kind("video/mp4", (".mp4",), _sniffed(".mp4", ".m4v"), _media),
    Kind("video/webm", (".webm",), _sniffed(".webm"), _media),
    Kind("application/zip", (".zip",), _ZIP, _archive),
    Kind(f"{_OOXML}.wordprocessingml.document", (".docx",), _ZIP, _office("word/document.xml")),
    Kind(f"{_OOXML}.spreadsheetml.sheet", (".xlsx",), _ZIP, _office("xl/workbook.xml")),
    Kind(f"{_OOXML}.presentationml.presentation", (".pptx",), _ZIP, _office("ppt/presentation.xml")),
    Kind(f"{_ODF}.text", (".odt",), _ZIP, _open_document),
    Kind(f"{_ODF}.spreadsheet", (".ods",), _ZIP, _open_document),
    Kind(f"{_ODF}.presentation", (".odp",), _ZIP, _open_document),
    Kind("text/plain", (".txt", ".log"), _is_text, _text),
    Kind("text/csv", (".csv",), _is_text, _text),
    Kind("text/markdown", (".md",), _is_text, _text),
    Kind("text/json", (".json",), _is_text, _text),  # apart from the answers of this API
    Kind("text/calendar", (".ics",), _is_text, _text),
    Kind("text/vcard", (".vcf",), _is_text, _text),
)
_BY_EXTENSION = {ending: kind for kind in KINDS for ending in kind.extensions}
