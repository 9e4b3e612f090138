"""What goes with a mail: named in its row, and read from where it lies when the mail is sent.

A mail never keeps bytes of its own. Its row says which they are, so that each attempt sends the same ones, and a mail
whose attachment is gone, or is another one by now, is not sent without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.platform.files.service import files
from serve.ports.storage import Storage

MOST_ATTACHMENTS = 10
MOST_BYTES = 10_000_000
"""Of all of them together: a mail makes them a third longer, and many servers take no more than 20 MB."""

Read = Callable[[Transaction, Storage, UUID], Awaitable[bytes | None]]
"""The content under an id of the transaction's tenant; None where there is none any more."""

_READERS: dict[str, Read] = {}


@dataclass(frozen=True, slots=True)
class Attachment:
    """``kind`` says where the ``id`` is looked up; ``sha256`` (in hexadecimal) is of the content."""

    kind: str
    id: UUID
    name: str
    media_type: str
    size_bytes: int
    sha256: str


def attached_from(kind: str) -> Callable[[Read], Read]:
    """Declares how attachments of this kind are read."""

    def declare(read: Read) -> Read:
        _READERS[kind] = read
        return read

    return declare


class Gone(Exception):
    """What is to go with a mail is not what it was. The text says which, for people."""


async def file_attached(db: Transaction, file_id: UUID) -> Attachment:
    """A file that somebody has sent. Raises FileNotFound."""
    row = await files.get(db, file_id)
    named = {name: row[name] for name in ("name", "media_type", "size_bytes", "sha256")}
    return Attachment("file", file_id, **named)


def stored(attachments: Sequence[Attachment]) -> list[dict[str, Any]]:
    """As the mail's row has them. Raises Invalid for more than a mail can carry."""
    if len(attachments) > MOST_ATTACHMENTS:
        raise Invalid(details=[("attachments", f"are more than {MOST_ATTACHMENTS}")])
    if sum(each.size_bytes for each in attachments) > MOST_BYTES:
        raise Invalid(details=[("attachments", f"are larger than {MOST_BYTES:,} bytes together")])
    return [asdict(each) | {"id": str(each.id)} for each in attachments]


async def with_contents(
    db: Transaction, storage: Storage, attachments: Iterable[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any], bytes]]:
    """Each with its bytes. Raises Gone."""
    found = []
    for each in attachments:
        content = await _READERS[each["kind"]](db, storage, UUID(each["id"]))
        if content is None:
            raise Gone(f"the attachment {each['name']} is gone")
        if sha256(content).hexdigest() != each["sha256"]:
            raise Gone(f"the attachment {each['name']} is not the one that was to be sent")
        found.append((each, content))
    return found


@attached_from("file")
async def _of_file(db: Transaction, storage: Storage, file_id: UUID) -> bytes | None:
    row = await db.fetch_one(
        "select 1 from files where tenant_id = $1 and id = $2 and deleted_at is null",
        *(db.caller.tenant_id, file_id),
    )
    try:
        return row and await asyncio.to_thread(_bytes, storage, db.caller.tenant_id, file_id)
    except FileNotFoundError:
        return None


def _bytes(storage: Storage, tenant_id: UUID, file_id: UUID) -> bytes:
    with storage.open(tenant_id, file_id) as file:
        return file.read(MOST_BYTES + 1)
