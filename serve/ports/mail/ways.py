"""What this installation allows and offers for mail."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from serve.ports.mail.writing import written
from warehouse.settings import write_atomic


@dataclass(frozen=True, slots=True)
class Outbox:
    """A folder of ``.eml`` files, which every mail program opens: nothing leaves the machine."""

    folder: Path

    async def send(self, message: EmailMessage) -> None:
        """Write the mail; the file is whole or not there, and there is one for each Message-ID."""
        await asyncio.to_thread(self._write, message["Message-ID"], written(message))

    def path(self, message_id: str) -> Path:
        """Where the mail with this Message-ID lies, if it does."""
        name = re.sub(r"[^A-Za-z0-9.@-]", "", message_id)
        return self.folder / f"{name[:200]}.eml"

    def _write(self, message_id: str, content: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path(message_id), content, mode=0o600)


@dataclass(frozen=True, slots=True)
class MailWays:
    """``outbox`` is where mail goes of a tenant without an SMTP server, None where that is not allowed."""

    outbox: Outbox | None
    private_hosts: bool
    timeout_s: float
