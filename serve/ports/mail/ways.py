"""What this installation allows and offers for mail."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from serve.kernel.ids import uuid7
from warehouse.settings import write_atomic


@dataclass(frozen=True, slots=True)
class Outbox:
    """A folder of ``.eml`` files, which every mail program opens: nothing leaves the machine."""

    folder: Path

    async def send(self, message: EmailMessage) -> Path:
        """Write the mail; the file is whole or not there."""
        return await asyncio.to_thread(self._write, message.as_bytes(policy=SMTP))

    def _write(self, content: bytes) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{uuid7()}.eml"
        write_atomic(path, content, mode=0o600)
        return path


@dataclass(frozen=True, slots=True)
class MailWays:
    """``outbox`` is where mail goes of a tenant without an SMTP server, None where that is not allowed."""

    outbox: Outbox | None
    private_hosts: bool
    timeout_s: float
