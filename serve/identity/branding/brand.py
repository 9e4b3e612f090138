"""A published look with its logo at hand, for mails and papers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

from serve.identity.branding import service
from serve.identity.branding.schemas import Look
from serve.kernel.db import Transaction
from serve.ports.storage import Storage

_PICTURE = "select tenant_id, media_type from files where id = $1 and deleted_at is null"


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    media_type: str

    @property
    def subtype(self) -> str:
        return self.media_type.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Brand:
    """``logo`` is empty too when its file is gone: then the name stands in its place."""

    look: Look
    logo: Picture | None = None


async def brand_of(db: Transaction, storage: Storage) -> Brand:
    """That of the tenant which the transaction acts for; ours where nothing is published."""
    return await with_logo(db, storage, (await service.state(db)).look)


async def with_logo(db: Transaction, storage: Storage, look: Look) -> Brand:
    return Brand(look, await picture(db, storage, look.branding.logo_id))


async def picture(db: Transaction, storage: Storage, file_id: UUID | str | None) -> Picture | None:
    """The file's content; None when it is gone or is no picture that we show."""
    found = await db.fetch_one(_PICTURE, file_id) if file_id else None
    if found is None or found["media_type"] not in service.PICTURES:
        return None
    try:
        content = await asyncio.to_thread(_content, storage, UUID(found["tenant_id"]), UUID(str(file_id)))
    except FileNotFoundError:
        return None
    return Picture(content, found["media_type"])


def _content(storage: Storage, tenant_id: UUID, file_id: UUID) -> bytes:
    with storage.open(tenant_id, file_id) as file:
        return file.read(service.MOST_PICTURE_BYTES)
