"""The OpenAPI document as bytes: made when first asked for, by a process of its own, and kept for the next start.

With hundreds of routes it takes seconds and a hundred megabytes to make, which no start and no service should pay.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from hashlib import blake2b
from pathlib import Path

import orjson

from serve.kernel.envelope import dumps
from serve.kernel.errors import Unavailable
from serve.platform.docs.older import as_3_0

CODE = Path(__file__).parents[2]
WAIT_S = 180
log = logging.getLogger("throughline.docs")


class DocumentNotReady(Unavailable):
    code, message = "DOCUMENT_NOT_READY", "The document could not be made; the log has the reason."


class Document:
    """``kept`` is the folder for documents of this and earlier programs."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._bytes: tuple[bytes, bytes] | None = None
        self._making: asyncio.Task[tuple[bytes, bytes]] | None = None

    async def current(self) -> bytes:
        return (await self._both())[0]

    async def older(self) -> bytes:
        """In the words of OpenAPI 3.0."""
        return (await self._both())[1]

    async def _both(self) -> tuple[bytes, bytes]:
        if self._bytes is None:
            if self._making is None or self._making.done():
                self._making = asyncio.create_task(self._found_or_made())
            # Whoever asks may be given up, which takes nothing from those who ask next.
            self._bytes = await asyncio.shield(self._making)
        return self._bytes

    async def _found_or_made(self) -> tuple[bytes, bytes]:
        file = self._kept / f"{await asyncio.to_thread(fingerprint)}.json"
        content = file.read_bytes() if file.exists() else await self._make(file)
        return content, await asyncio.to_thread(lambda: dumps(as_3_0(orjson.loads(content))))

    async def _make(self, file: Path) -> bytes:
        """Raises DocumentNotReady."""
        command = [sys.executable, "-c", "from serve.cli import main; main()", "openapi"]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=CODE.parent
        )
        try:
            said, wrong = await asyncio.wait_for(process.communicate(), WAIT_S)
        except TimeoutError as error:
            process.kill()
            raise DocumentNotReady from error
        if process.returncode:
            log.error("the OpenAPI document could not be made: %s", wrong.decode(errors="replace")[-2000:])
            raise DocumentNotReady
        content = dumps(orjson.loads(said))
        self._kept.mkdir(parents=True, exist_ok=True)
        for old in self._kept.glob("*.json"):
            old.unlink(missing_ok=True)
        aside = file.with_suffix(f".{os.getpid()}")
        aside.write_bytes(content)
        aside.replace(file)
        return content


def fingerprint() -> str:
    """Names the program as it lies on disk."""
    digest = blake2b(digest_size=16)
    for path in sorted(CODE.rglob("*.py")):
        found = path.stat()
        digest.update(f"{path.relative_to(CODE)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
