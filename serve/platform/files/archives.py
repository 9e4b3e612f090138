"""Archives looked through before anybody opens them: a few kilobytes can claim to be gigabytes.

Everything in it is unpacked once and counted, whatever sizes it claims, also of archives in it. Nothing is kept.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO
from xml.parsers import expat

from serve.platform.files.errors import FileRefused

MOST_ENTRIES = 2_000
MOST_RATIO = 100
MOST_UNPACKED_BYTES = 200 * 1024 * 1024
MOST_LEVELS = 3
"""An archive, an office file in it, a table inside of that."""

FREE_BYTES = 1 << 20
"""So much is no harm, however small it was packed."""

START, END = b"PK\x03\x04", b"PK\x05\x06"
_END_BYTES = 22
_COMMENT = re.compile(rb"[ !-;=-~\r\n]{0,200}")  # no less-than sign: it would be markup
_CHUNK = 1 << 18
_PROLOG_BYTES = 1 << 16
_OTHER_ARCHIVES = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x28\xb5\x2f\xfd",
)
_XML = (".xml", ".rels", ".vml", ".rdf")


@dataclass
class Archive:
    """What is inside."""

    names: frozenset[str]
    first_text: bytes
    """The first entry, where it is not packed: OpenDocument says there what it is."""


@dataclass
class _Budget:
    """What all levels may still use."""

    packed_bytes: int
    entries: int = MOST_ENTRIES
    unpacked_bytes: int = 0

    def take(self, count: int) -> None:
        self.unpacked_bytes += count
        if self.unpacked_bytes > MOST_UNPACKED_BYTES:
            raise FileRefused(f"is more than {MOST_UNPACKED_BYTES // 2**20} MB when unpacked")
        if self.unpacked_bytes > max(FREE_BYTES, MOST_RATIO * self.packed_bytes):
            raise FileRefused(f"becomes more than {MOST_RATIO} times as large when unpacked")


def look_through(file: IO[bytes], size_bytes: int) -> Archive:
    """Raises FileRefused."""
    return _Look(_Budget(size_bytes)).archive(file, size_bytes, level=1)


@dataclass
class _Look:
    budget: _Budget
    seen: int = field(default=0)

    def archive(self, file: IO[bytes], size_bytes: int, *, level: int) -> Archive:
        if level > MOST_LEVELS:
            raise FileRefused(f"has archives in archives, more than {MOST_LEVELS} levels deep")
        try:
            with zipfile.ZipFile(file) as parts:
                return self._entries(parts, file, size_bytes, level)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            OSError,
        ) as error:
            raise FileRefused("is no whole archive; it may be cut off") from error
        except (ValueError, OverflowError, KeyError) as error:  # odd numbers in its directory
            raise FileRefused("is an archive whose directory is wrong") from error

    def _entries(self, parts: zipfile.ZipFile, file: IO[bytes], size_bytes: int, level: int) -> Archive:
        entries = parts.infolist()
        self.budget.entries -= len(entries)
        if self.budget.entries < 0:
            raise FileRefused(f"has more than {MOST_ENTRIES:,} entries")
        if not entries:
            raise FileRefused("is an archive with nothing in it")
        file.seek(max(0, size_bytes - _END_BYTES - len(parts.comment)))
        if min(entry.header_offset for entry in entries) != 0 or file.read(4) != END:
            raise FileRefused("has something before or behind its archive")
        if not _COMMENT.fullmatch(parts.comment):
            raise FileRefused("has more than a short text as its comment")
        if sum(entry.compress_size for entry in entries) > size_bytes:
            raise FileRefused("has entries that lie over one another")
        names = [entry.filename for entry in entries]
        if len(set(names)) < len(names):
            raise FileRefused("has several entries with one name")
        is_office = "[Content_Types].xml" in names or names[0] == "mimetype"
        first = b""
        for entry in entries:
            text = self._entry(parts, entry, is_office, level)
            if entry is entries[0] and entry.compress_type == zipfile.ZIP_STORED:
                first = text
        return Archive(frozenset(names), first)

    def _entry(self, parts: zipfile.ZipFile, entry: zipfile.ZipInfo, is_office: bool, level: int) -> bytes:
        """The beginning of it. Raises FileRefused."""
        _check_place(entry)
        if entry.flag_bits & 0x1:
            raise FileRefused("has entries with a password: nobody can look into them")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FileRefused("is packed in an unusual way")
        chunks = _unpacked(parts, entry)
        begin = next(chunks, b"")
        self.budget.take(len(begin))
        if begin.startswith(_OTHER_ARCHIVES):
            raise FileRefused("has an archive in it that cannot be looked into")
        if is_office and entry.filename.lower().endswith(_XML):
            check_prolog(begin)
        if begin.startswith(START):
            with SpooledTemporaryFile(max_size=1 << 22) as inner:
                inner.write(begin)
                for chunk in chunks:
                    self.budget.take(len(chunk))
                    inner.write(chunk)
                size_bytes = inner.tell()
                self.archive(inner, size_bytes, level=level + 1)
        else:
            for chunk in chunks:
                self.budget.take(len(chunk))
        return begin[:200]


def _unpacked(parts: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """All that is really packed there, whatever size the archive says that it has."""
    entry.file_size = 2**62
    with parts.open(entry) as packed:
        while chunk := packed.read(_CHUNK):
            yield chunk


def _check_place(entry: zipfile.ZipInfo) -> None:
    """Nobody who unpacks it writes outside of where they wanted to."""
    name = entry.orig_filename
    steps = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in steps or ":" in steps[0] or "\0" in name:
        raise FileRefused("has entries that would be unpacked somewhere else")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise FileRefused("has entries that lead somewhere else")


class _Begun(Exception):
    """The first element: a document type would have stood before it."""


def check_prolog(text: bytes) -> None:
    """Raises FileRefused for XML that declares a document type, by which a line can become gigabytes."""

    def refuse(*_: object) -> None:
        raise FileRefused("declares entities in its XML")

    def begun(*_: object) -> None:
        raise _Begun

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = begun
    try:
        parser.Parse(text[:_PROLOG_BYTES], False)
    except _Begun:
        return
    except expat.ExpatError as error:
        raise FileRefused("has XML that cannot be read") from error
    raise FileRefused("has XML without a beginning")
