"""Files that harm whoever takes them, and ordinary ones that must not be mistaken for them.

Made by code, not kept as files: half of them would be stopped by a scanner on the way.
"""

from __future__ import annotations

import io
import random
import struct
import wave
import zipfile
import zlib
from collections.abc import Callable, Mapping

import xlsxwriter
from PIL import Image

Named = tuple[str, bytes]
SCRIPT = b"<script>alert(document.domain)</script>"
MB = 1 << 20


def picture(kind: str, size: tuple[int, int] = (20, 10), **more: object) -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(made, kind, **more)
    return made.getvalue()


def packed(
    entries: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED, *, comment: bytes = b""
) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.comment = comment
        for name, content in entries.items():
            archive.writestr(name, content)
    return made.getvalue()


def office(kind: str = "word/document.xml", **more: bytes) -> bytes:
    parts = {"[Content_Types].xml": b"<Types/>", "_rels/.rels": b"<Relationships/>", kind: b"<w:document/>"}
    return packed(parts | {name.replace("__", "/"): content for name, content in more.items()})


def document(kind: str, content: bytes = b"<office:document-content/>", **more: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        for name, part in {"content.xml": content, **more}.items():
            archive.writestr(name, part)
    return made.getvalue()


def workbook() -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        book.add_worksheet().write_row(0, 0, ["name", "price", 7])
    return made.getvalue()


def sound() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 8)
    return made.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_with(name: bytes, content: bytes) -> bytes:
    """A chunk more, before the picture itself."""
    whole = picture("PNG")
    return whole[:33] + chunk(name, content) + whole[33:]


def png_of(width: int, height: int) -> bytes:
    """The header says so; the picture behind it is next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(9)))
        + chunk(b"IEND", b"")
    )


def jpeg_with_comment(comment: bytes) -> bytes:
    whole = picture("JPEG")
    return whole[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + whole[2:]


def nested(levels: int, content: bytes = b"deep") -> bytes:
    for level in range(levels):
        content = packed({f"level{level}.zip" if level else "end.txt": content})
    return content


def wide(levels: int, copies: int) -> bytes:
    """As 42.zip: each level holds many of the next, and the last is nothing but zeros."""
    content = packed({"0.bin": bytes(4 * MB)})
    for level in range(levels):
        content = packed({f"{level}-{number}.zip": content for number in range(copies)})
    return content


def stretched(size_mb: int) -> bytes:
    """Just below the ratio, by noise beside the zeros: only the total can stop it."""
    made, draw = io.BytesIO(), random.Random(7)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("noise", draw.randbytes(size_mb * MB // 90), zipfile.ZIP_STORED)
        with archive.open("zeros", "w") as zeros:
            for _ in range(size_mb):
                zeros.write(bytes(MB))
    return made.getvalue()


def overlapping(copies: int = 500) -> bytes:
    """Many names in the directory, all of the same packed megabytes."""
    made = packed({"a0000": bytes(MB)})
    end = made.rindex(b"PK\x05\x06")
    start = struct.unpack("<I", made[end + 16 : end + 20])[0]
    entry = made[start:end]
    more = b"".join(entry.replace(b"a0000", b"a%04d" % number) for number in range(copies))
    head = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, copies, copies, len(more), start, 0)
    return made[:start] + more + head


def patched(whole: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    for old, new in changes:
        assert old in whole
        whole = whole.replace(old, new)
    return whole


def encrypted() -> bytes:
    made = bytearray(packed({"a.txt": b"secret"}))
    made[6] |= 1
    made[made.index(b"PK\x01\x02") + 8] |= 1
    return bytes(made)


def link() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        entry = zipfile.ZipInfo("passwords")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return made.getvalue()


def twice() -> bytes:
    return patched(packed({"a.txt": b"1", "b.txt": b"2"}), (b"b.txt", b"a.txt"))


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">%b]><w:document>&i;</w:document>""" % b"".join(
    b'<!ENTITY %c "%b">' % (letter, b"&%c;" % (letter - 1) * 10) for letter in b"bcdefghi"
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
GIF, PNG, JPEG, WEBP = (picture(kind) for kind in ("GIF", "PNG", "JPEG", "WEBP"))
ZIP = packed({"a.txt": b"hello"})
MP3 = b"ID3\x04\0\0\0\0\0\0" + (b"\xff\xfb\x90\x00" + bytes(413)) * 4
MP4 = (
    struct.pack(">I4s4sI", 24, b"ftyp", b"isom", 512)
    + b"isommp42"
    + struct.pack(">I4s", 1000, b"mdat")
    + bytes(992)
)
M4A = struct.pack(">I4s4sI", 24, b"ftyp", b"M4A ", 512) + b"M4A mp42" + bytes(200)
WEBM = (
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webmB\x87\x81\x04"
    + bytes(200)
)
OGG = b"OggS\0\2" + bytes(22) + b"\x01\x1e\x01vorbis" + bytes(200)
MZ = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff" + bytes(200)
ELF = b"\x7fELF\2\1\1" + bytes(200)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><foreignObject/></svg>'

POLYGLOTS: dict[str, Named] = {
    "GIF and JAR": ("a.gif", GIF + packed({"META-INF/MANIFEST.MF": b"x", "A.class": b"\xca\xfe\xba\xbe"})),
    "GIF and script": ("a.gif", b"GIF89a/*" + GIF[8:] + b"*/=1;alert(1);//;"),
    "GIF and script, assigned": ("a.gif", b"GIF89a=1" + GIF[8:]),
    "GIF with a script in its comment": ("a.gif", picture("GIF", comment=SCRIPT)),
    "GIF and tar": ("a.gif", GIF[:-1].ljust(257, b"\0") + b"ustar\x0000" + bytes(300) + b";"),
    "PNG and ZIP": ("a.png", PNG + ZIP),
    "PNG and page": ("a.png", PNG + b"<html>" + SCRIPT),
    "PNG and anything": ("a.png", PNG + b"more"),
    "PNG with PHP in a text": ("a.png", png_with(b"tEXt", b"Comment\0<?php system($_GET[0]);")),
    "PNG with a script in a text": ("a.png", png_with(b"tEXt", b"Comment\0" + SCRIPT.upper())),
    "PNG and PDF": ("a.png", png_with(b"tEXt", b"Comment\0%PDF-1.4 ...")),
    "PNG with a page in a chunk of its own": ("a.png", png_with(b"prVt", b"<!DOCTYPE html>" + SCRIPT)),
    "JPEG and ZIP": ("a.jpg", JPEG + ZIP),
    "JPEG and RAR": ("a.jpg", JPEG + b"Rar!\x1a\x07\x01\0" + bytes(40)),
    "JPEG and 7z": ("a.jpg", JPEG + b"7z\xbc\xaf\x27\x1c" + bytes(40)),
    "JPEG with PHP in its comment": ("a.jpg", jpeg_with_comment(b"<?php phpinfo();")),
    "JPEG with a page in its comment": ("a.jpeg", jpeg_with_comment(SCRIPT)),
    "JPEG and PHAR": ("a.jpg", jpeg_with_comment(b"<?= 1; __HALT_COMPILER(); ?>")),
    "JPEG and script": ("a.jpg", JPEG[:4] + b"/*" + JPEG[6:] + b"*/=alert(1);"),
    "JPEG and PDF": ("a.jpg", jpeg_with_comment(PDF)),
    "WebP and ZIP": ("a.webp", WEBP + ZIP),
    "WebP and anything": ("a.webp", WEBP + b"tail"),
    "WebP and script": ("a.webp", b"RIFF/*\0\0WEBP" + WEBP[12:] + b"*/=1;"),
    "PDF and ZIP": ("a.pdf", PDF + ZIP),
    "PDF in a ZIP's skin": ("a.zip", PDF + ZIP),
    "PDF and page": ("a.pdf", b"%PDF-1.4\n<!DOCTYPE html>" + SCRIPT + PDF[9:]),
    "page and PDF": ("a.pdf", b"<html>" + SCRIPT + PDF),
    "WAV and ZIP": ("a.wav", sound() + ZIP),
    "WAV and anything": ("a.wav", sound() + b"more than it says"),
    "MP3 with a page in its tag": ("a.mp3", MP3[:10] + SCRIPT + MP3[10:]),
    "MP4 and ISO": ("a.mp4", MP4.ljust(32_769, b"\0") + b"CD001" + bytes(100)),
    "MP4 and ZIP": ("a.mp4", MP4 + ZIP),
    "WebM and page": ("a.webm", WEBM + SCRIPT),
    "ZIP behind a program": ("a.zip", MZ + ZIP),
    "ZIP before a program": ("a.zip", ZIP + MZ),
    "ZIP with a page as its comment": ("a.zip", packed({"a.txt": b"x"}, comment=SCRIPT)),
    "JAR as a letter": ("a.docx", packed({"META-INF/MANIFEST.MF": b"x", "A.class": b"\xca\xfe\xba\xbe"})),
    "letter as a table": ("a.xlsx", office()),
    "text document as a table": ("a.ods", document("text")),
}

DISGUISED: dict[str, Named] = {
    "page as PNG": ("a.png", b"<html>" + SCRIPT),
    "page as text": ("a.txt", b"\n  <!DOCTYPE html>" + SCRIPT),
    "page as text, with a mark": ("a.txt", b"\xef\xbb\xbf<html>" + SCRIPT),
    "page as CSV": ("a.csv", b"<script>1</script>,b\n"),
    "SVG": ("a.svg", SVG),
    "SVG as PNG": ("a.png", SVG),
    "SVG as text": ("a.txt", b"<?xml version='1.0'?>" + SVG),
    "SVG without a name's ending": ("logo", SVG),
    "PHP": ("a.php", b"<?php phpinfo();"),
    "PHP as text": ("a.txt", b"<?php phpinfo();"),
    "PHP as PNG": ("a.php.png", b"<?php phpinfo();"),
    "shell script as text": ("a.txt", b"#!/bin/sh\nrm -rf /\n"),
    "script": ("a.js", b"alert(1)"),
    "page": ("a.html", b"<html>" + SCRIPT),
    "settings of a web server": (".htaccess", b"AddType application/x-httpd-php .png"),
    "program": ("a.exe", MZ),
    "program as PDF": ("a.pdf", MZ),
    "program as text": ("a.txt", MZ),
    "program without a name's ending": ("setup", ELF),
    "program as JPEG": ("a.jpg", ELF),
    "PNG as JPEG": ("a.jpg", PNG),
    "JPEG as PNG": ("a.png", JPEG),
    "PDF as text": ("a.txt", PDF),
    "old Word": ("a.doc", OLE),
    "old Excel as new": ("a.xlsx", OLE),
    "RTF as text": ("a.txt", b"{\\rtf1\\ansi{\\object}}"),
    "bytes as text": ("a.txt", bytes(range(256))),
    "text with NUL": ("a.txt", b"one\0two"),
    "text in another charset": ("a.csv", "Müller;Öl\n".encode("cp1252")),
    "text in UTF-16 that says nothing": ("a.txt", "a page".encode("utf-16")),
    "gzip as ZIP": ("a.zip", b"\x1f\x8b\x08" + bytes(60)),
    "letter with macros": ("a.docx", office(**{"word__vbaProject.bin": b"x"})),
    "table with macros": ("a.xlsx", office("xl/workbook.xml", **{"xl__vbaProject.bin": b"x"})),
    "text document with macros": ("a.odt", document("text", **{"Basic/script-lc.xml": b"<x/>"})),
}

BROKEN: dict[str, Named] = {
    **{
        f"empty {ending}": (f"a.{ending}", b"")
        for ending in ("png", "jpg", "pdf", "txt", "csv", "zip", "docx", "mp4")
    },
    "PNG cut off": ("a.png", PNG[:-20]),
    "PNG of nothing": ("a.png", PNG[:8]),
    "PNG with a wild length": ("a.png", PNG[:8] + b"\xff\xff\xff\xff" + PNG[12:]),
    "JPEG of three bytes": ("a.jpg", b"\xff\xd8\xff"),
    "GIF cut off": ("a.gif", GIF[:-8]),
    "WebP cut off": ("a.webp", WEBP[:-8]),
    "PDF cut off": ("a.pdf", PDF[:40]),
    "ZIP cut off": ("a.zip", ZIP[:-10]),
    "ZIP of nothing": ("a.zip", packed({})),
    "letter cut off": ("a.docx", office()[:200]),
    "letter with broken XML": (
        "a.docx",
        office("word/document.xml", **{"word__styles.xml": b"no XML at all"}),
    ),
    "ZIP with a wrong sum": (
        "a.zip",
        patched(packed({"a.txt": b"hello"}, zipfile.ZIP_STORED), (b"hello", b"jello")),
    ),
}

BOMBS: dict[str, Callable[[], Named]] = {
    "a hundred megabytes of zeros": lambda: ("a.zip", packed({"0.bin": bytes(100 * MB)})),
    "two hundred megabytes, just below the ratio": lambda: ("a.zip", stretched(201)),
    "zeros that claim to be few": lambda: (
        "a.zip",
        patched(packed({"0.bin": bytes(50 * MB)}), (struct.pack("<I", 50 * MB), struct.pack("<I", 100))),
    ),
    "zeros in a letter": lambda: ("a.docx", office(**{"word__media__0.bin": bytes(60 * MB)})),
    "zeros in a table's sheet": lambda: (
        "a.xlsx",
        office("xl/workbook.xml", **{"xl__worksheets__sheet1.xml": b"<a>" + b" " * 60 * MB + b"</a>"}),
    ),
    "zeros in a text document": lambda: ("a.odt", packed_document(60 * MB)),
    "archives of archives, as 42.zip": lambda: ("a.zip", wide(levels=2, copies=16)),
    "an archive in an archive in an archive …": lambda: ("a.zip", nested(40)),
    "four levels": lambda: ("a.zip", nested(4)),
    "archives in a letter": lambda: ("a.docx", office(**{"word__embeddings__a.zip": nested(3)})),
    "entries that lie over one another": lambda: ("a.zip", overlapping()),
    "too many entries": lambda: ("a.zip", packed({f"{number}.txt": b"" for number in range(2_001)})),
    "gzip inside": lambda: ("a.zip", packed({"a.gz": b"\x1f\x8b\x08" + bytes(60)})),
    "billion laughs in a letter": lambda: ("a.docx", office(**{"word__footnotes.xml": LAUGHS})),
    "billion laughs in a table": lambda: (
        "a.xlsx",
        office("xl/workbook.xml", **{"xl__sharedStrings.xml": LAUGHS}),
    ),
    "billion laughs in UTF-16": lambda: (
        "a.docx",
        office(
            **{
                "word__footnotes.xml": LAUGHS.decode()
                .replace("?>", ' encoding="utf-16"?>', 1)
                .encode("utf-16")
            }
        ),
    ),
    "billion laughs in a text document": lambda: ("a.odt", document("text", LAUGHS)),
    "billion laughs in an embedded table": lambda: (
        "a.docx",
        office(**{"word__embeddings__t.xlsx": office("xl/workbook.xml", **{"xl__styles.xml": LAUGHS})}),
    ),
    "an entity from outside": lambda: ("a.docx", office(**{"word___rels__document.xml.rels": OUTSIDE})),
    "XML that never begins": lambda: (
        "a.docx",
        office(**{"word__styles.xml": b"<!-- " + b"x" * MB + b" --><a/>"}),
    ),
    "a password": lambda: ("a.zip", encrypted()),
    "an unusual way to pack": lambda: ("a.zip", packed({"a.txt": b"x" * 100}, zipfile.ZIP_LZMA)),
    "an entry above": lambda: ("a.zip", packed({"../../etc/cron.d/x": b"x"})),
    "an entry from the root": lambda: ("a.zip", packed({"/etc/passwd": b"x"})),
    "an entry on a drive": lambda: ("a.zip", packed({"C:/Windows/x": b"x"})),
    "an entry above, by other slashes": lambda: (
        "a.zip",
        patched(packed({"..|..|x": b"x"}), (b"..|..|x", b"..\\..\\x")),
    ),
    "an entry that leads elsewhere": lambda: ("a.zip", link()),
    "two entries with one name": lambda: ("a.zip", twice()),
    "a picture of ten thousand megapixels": lambda: ("a.png", png_of(100_000, 100_000)),
    "a picture just too large": lambda: ("a.png", png_of(10_001, 5_000)),
    "a GIF of four thousand megapixels": lambda: ("a.gif", GIF[:6] + b"\xff\xff\xff\xff" + GIF[10:]),
    "a text of 100 MB in a PNG": lambda: (
        "a.png",
        png_with(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100 * MB))),
    ),
}


def packed_document(size_bytes: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text", zipfile.ZIP_STORED)
        archive.writestr("content.xml", b"<a>" + b" " * size_bytes + b"</a>")
    return made.getvalue()


NAMES = (
    *(
        "../../etc/passwd.png",
        "..\\..\\boot.png",
        "/etc/cron.d/a.png",
        "C:\\Windows\\a.png",
        "a/b.png",
        "~/../a.png",
    ),
    *(
        "%2e%2e%2fa.png",
        "..%252f..%252fa.png",
        "%5c%5cserver%5ca.png",
        "..\uff0fa.png",
        "\u2024\u2024\uff0fa.png",
    ),
    *(
        "a\0.png",
        "a.png\0.txt",
        "a%00.png",
        "a\r\nX-Evil: 1.png",
        "a\x07.png",
        "a\u202egnp.png",
        "a\u200b.png",
    ),
    *("", ".", "..", " ", "...png/", "a" * 300 + ".png", "a.png.exe", "a.png;.php", "a.png ."),
)
"""Under which a picture is sent."""

GOOD: dict[str, Named] = {
    "PNG": ("a.png", PNG),
    "PNG with a text": ("a.PNG", png_with(b"tEXt", b"Author\0Ada")),
    "JPEG": ("photo.JPG", JPEG),
    "JPEG with Exif": ("a.jpeg", picture("JPEG", exif=Image.Exif().tobytes())),
    "JPEG with a second picture behind it, as phones do": ("a.jpg", JPEG + picture("JPEG", (5, 5))),
    "GIF": ("a.gif", GIF),
    "WebP": ("a.webp", WEBP),
    "PDF": ("Angebot März (2).pdf", PDF),
    "ZIP": ("a.zip", ZIP),
    "ZIP with a letter in it": ("a.zip", packed({"a.docx": office(), "b/c.txt": b"x"})),
    "ZIP with a comment": ("a.zip", packed({"a.txt": b"x"}, comment=b"f00ba4")),
    "letter": ("a.docx", office()),
    "letter with a table in it": ("a.docx", office(**{"word__embeddings__t.xlsx": workbook()})),
    "table": ("a.xlsx", workbook()),
    "slides": ("a.pptx", office("ppt/presentation.xml")),
    "text document": ("a.odt", document("text")),
    "calc sheet": ("a.ods", document("spreadsheet")),
    "text": ("a.txt", "Grüße, 你好 🙂\n".encode()),
    "text without an ending": ("README", b"Read me.\n"),
    "text about pages": ("how.md", b"# How\n\nUse `<script>` with care.\n"),
    "CSV": ("a.csv", b"a;b\n=1+1;2\n"),
    "JSON": ("a.json", b'{"a": [1, 2]}'),
    "calendar": ("a.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),
    "card": ("a.vcf", b"BEGIN:VCARD\r\nEND:VCARD\r\n"),
    "WAV": ("a.wav", sound()),
    "MP3": ("a.mp3", MP3),
    "OGG": ("a.ogg", OGG),
    "M4A": ("a.m4a", M4A),
    "MP4": ("a.mp4", MP4),
    "WebM": ("a.webm", WEBM),
    "name with a joiner": ("👩‍🔧.png", PNG),
}
