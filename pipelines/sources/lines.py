"""A text file as a private copy in UTF-8, checked on the way: compression, byte-order mark, encoding, endless lines."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pipelines.sources.problems import SourceFileError

CHUNK_BYTES = 1 << 20
LINE_BYTES = 1 << 20  # a longer line is no data but a missing quote or another kind of file
GZIP = b"\x1f\x8b"
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FOREIGN = {
    b"PK\x03\x04": "a zip archive or a workbook",
    b"PAR1": "a Parquet file",
    b"\x28\xb5\x2f\xfd": "zstd",
}


def copy_text(path: Path, target: Path, encoding: str) -> list[str]:
    """Write the file's text to ``target``, unzipped and in UTF-8; returns notes. Raises SourceFileError."""
    notes: list[str] = []
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise SourceFileError(
            path, f"no such encoding '{encoding}'", "correct 'encoding' in the profile"
        ) from None
    lines = since_newline = 0
    with path.open("rb") as file, target.open("wb") as copy:
        for chunk in _unzipped(path, file):
            if lines == since_newline == 0:
                chunk = _without_mark(path, chunk, encoding, notes)
            text = _decoded(path, decoder, chunk, encoding, lines)
            content = text.encode()
            if b"\0" in content:
                line = lines + content[: content.index(b"\0")].count(b"\n") + 1
                raise SourceFileError(path, f"line {line} holds a NUL byte", _encoding_hint(chunk, encoding))
            newline = content.find(b"\n")
            length = since_newline + (len(content) if newline < 0 else newline)  # of the line that goes on
            if length > LINE_BYTES:
                raise SourceFileError(
                    path,
                    f"line {lines + 1} is longer than {LINE_BYTES // 1024:,} KiB",
                    "is a quotation mark not closed, or is this no text file?",
                )
            lines += content.count(b"\n")
            since_newline = length if newline < 0 else len(content) - content.rfind(b"\n") - 1
            copy.write(content)
        copy.write(_decoded(path, decoder, b"", encoding, lines, final=True).encode())
    if target.stat().st_size == 0:
        raise SourceFileError(path, "the file is empty once it is unzipped", "deliver it again")
    return notes


def _unzipped(path: Path, file: BinaryIO) -> Iterator[bytes]:
    start = file.peek(4)[:4] if hasattr(file, "peek") else b""
    if any(start.startswith(mark) for mark in FOREIGN):
        kind = next(kind for mark, kind in FOREIGN.items() if start.startswith(mark))
        raise SourceFileError(path, f"its name says text, but it is {kind}", "give it its right name")
    if not start.startswith(GZIP):
        if path.suffix == ".gz":
            raise SourceFileError(path, "its name says gzip, but it is not", "rename it or deliver it again")
        yield from iter(lambda: file.read(CHUNK_BYTES), b"")
        return
    done = 0
    with gzip.GzipFile(fileobj=file) as unzipped:
        try:
            while chunk := unzipped.read(CHUNK_BYTES):
                done += len(chunk)
                yield chunk
        except EOFError:
            raise SourceFileError(
                path, f"the gzip file is cut off after {done:,} bytes of text", "deliver it again, wholly"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise SourceFileError(
                path, f"the gzip file is damaged after {done:,} bytes of text ({error})", "deliver it again"
            ) from None


def _without_mark(path: Path, chunk: bytes, encoding: str, notes: list[str]) -> bytes:
    for mark, its_encoding in MARKS.items():
        if chunk.startswith(mark):
            if codecs.lookup(encoding).name != codecs.lookup(its_encoding).name:
                raise SourceFileError(
                    path,
                    f"it begins with the byte-order mark of {its_encoding}, but the profile says {encoding}",
                    f"write 'encoding: {its_encoding}' for these files in the profile",
                )
            notes.append("begins with a byte-order mark, which was left out")
            return chunk[len(mark) :] if mark == codecs.BOM_UTF8 else chunk
    return chunk


def _decoded(
    path: Path,
    decoder: codecs.IncrementalDecoder,
    chunk: bytes,
    encoding: str,
    lines: int,
    *,
    final: bool = False,
) -> str:
    try:
        return decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        line = lines + error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        raise SourceFileError(
            path, f"line {line} is not {encoding}: byte 0x{byte:02x}", _encoding_hint(error.object, encoding)
        ) from None


def _encoding_hint(sample: bytes, encoding: str) -> str:
    guess = "utf-16" if sample.count(b"\0") > len(sample) // 4 else "cp1252"
    return f"write the files' encoding in the profile, perhaps 'encoding: {guess}', or save the file as {encoding}"
