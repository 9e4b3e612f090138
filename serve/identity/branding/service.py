"""Versions of a client's look: made, published, taken back. All of it acts for the client (``clients.client``)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from serve.identity.branding import theme
from serve.identity.branding.errors import NothingPublished, PictureRefused, ScriptRefused, VersionNotFound
from serve.identity.branding.features import features, switch
from serve.identity.branding.schemas import Look
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.etag import matches
from serve.kernel.events import event
from serve.kernel.resources.errors import LostUpdate

log = logging.getLogger("throughline.branding")

DRAFTED = event("brand.drafted", "A version of the look was made that is not shown yet.")
PUBLISHED = event(
    "brand.published", "A version of the look is shown from now on; it may be an earlier one again."
)
REPLACED = event("brand.replaced", "A version of the look is not shown any more: another one took its place.")
WITHDRAWN = event("brand.withdrawn", "The look was taken back: the product looks like itself again.")

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
MOST_PICTURE_BYTES = 1_000_000
MOST_PIXELS = 4_000_000
OURS = Look()

_COLUMNS = "number, content, note, made_by, restored_from, is_published, published_at, created_at"
_OWN = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"  # not those of an umbrella's children
_PUBLISHED = f"select {_COLUMNS} from brand_versions where is_published and {_OWN}"
_NEWEST = f"select coalesce(max(number), 0) as number from brand_versions where {_OWN}"
_ONE = f"select {_COLUMNS} from brand_versions where number = $1 and {_OWN}"
_PAGE = f"select {_COLUMNS} from brand_versions where {_OWN} order by number desc limit $1 offset $2"
_LOCK = "select pg_advisory_xact_lock(hashtextextended('branding ' || $1, 0))"
_NAMED = "select set_config('app.event', $1, true)"
_MAKE = """
    insert into brand_versions
        (tenant_id, number, content, note, made_by, restored_from, is_published, published_at)
    values ($1, $2, $3, $4, $5, $6, $7, case when $7 then now() end)
"""
_HIDE = "update brand_versions set is_published = false where is_published"
_SHOW = "update brand_versions set is_published = true, published_at = now() where number = $1"
_PICTURE = f"""
    select media_type, size_bytes, width_px, height_px from files where id = $1 and deleted_at is null and {_OWN}
"""


@dataclass(frozen=True, slots=True)
class State:
    """What is shown and what there is."""

    newest: int
    published: Record | None

    @property
    def etag(self) -> str:
        return f'"{self.newest}-{self.published["number"] if self.published else 0}"'

    @property
    def look(self) -> Look:
        return look_of(self.published["content"]) if self.published else OURS


@dataclass(frozen=True, slots=True)
class Publicly:
    """A look that everybody may see; ``tenant_id`` is whose pictures are in it."""

    tenant_id: UUID | None
    look: Look


def look_of(content: dict[str, Any]) -> Look:
    """What was stored; where it no longer fits what a look is, ours."""
    try:
        return Look.model_validate(content)
    except (ValidationError, ScriptRefused):
        log.exception("a stored look does not fit any more")
        return OURS


async def state(db: Transaction) -> State:
    newest = await db.fetch_one(_NEWEST)
    assert newest is not None
    return State(newest["number"], await db.fetch_one(_PUBLISHED))


async def publicly(database: Database, slug: str) -> Publicly:
    """What is published under a name; one that nobody has cannot be told from one that publishes nothing."""
    rows = await database.fetch_alone("select * from public_brand($1)", slug)
    return Publicly(UUID(rows[0]["tenant_id"]), look_of(rows[0]["content"])) if rows else Publicly(None, OURS)


async def version(db: Transaction, number: int) -> Record:
    """Raises VersionNotFound."""
    found = await db.fetch_one(_ONE, number)
    if found is None:
        raise VersionNotFound
    return found


async def versions(db: Transaction, window: tuple[int, int]) -> tuple[list[Record], int]:
    """A page of them, the newest first, and how many there are: numbers have no gaps."""
    newest = await db.fetch_one(_NEWEST)
    assert newest is not None
    return await db.fetch(_PAGE, *window), newest["number"]


async def check(db: Transaction, look: Look) -> None:
    """Raises ContrastTooLow, StyleRefused or PictureRefused."""
    theme.check(look)
    details = [
        (f"branding.{name}", why)
        for name in ("logo_id", "favicon_id")
        if (file_id := getattr(look.branding, name)) and (why := await _picture_refusal(db, file_id))
    ]
    if details:
        raise PictureRefused(details=details)


async def make(
    db: Transaction,
    look: Look,
    *,
    note: str | None,
    publish: bool,
    if_match: str | None,
    restored_from: int | None = None,
) -> None:
    """A new version, shown at once or kept as a draft. Raises what ``check`` and ``switch`` do, or LostUpdate."""
    before = await _alone(db, if_match)
    await check(db, look)
    if publish:
        await _hide(db, before, REPLACED)
        await switch(db, look.features)
    await db.execute(_NAMED, PUBLISHED if publish else DRAFTED)
    caller = db.caller
    content = look.model_dump(mode="json")
    await db.execute(
        _MAKE, caller.tenant_id, before.newest + 1, content, note, caller.user_id, restored_from, publish
    )
    await db.execute(_NAMED, "")


async def publish(db: Transaction, number: int, *, if_match: str | None) -> None:
    """Show the version. Raises what ``make`` does, or VersionNotFound."""
    before = await _alone(db, if_match)
    chosen = await version(db, number)
    if chosen["is_published"]:
        return
    look = look_of(chosen["content"])
    await check(db, look)
    await _hide(db, before, REPLACED)
    await switch(db, look.features)
    await db.execute(_NAMED, PUBLISHED)
    await db.execute(_SHOW, number)
    await db.execute(_NAMED, "")


async def roll_back(db: Transaction, number: int, *, note: str | None, if_match: str | None) -> None:
    """A new version with what an earlier one had, shown at once. Raises what ``publish`` does."""
    chosen = await version(db, number)
    said = note or f"As version {number}"
    look = look_of(chosen["content"])
    await make(db, look, note=said, publish=True, if_match=if_match, restored_from=number)


async def withdraw(db: Transaction, *, if_match: str | None) -> None:
    """Look like ourselves again, without features; the versions stay. Raises NothingPublished or LostUpdate."""
    before = await _alone(db, if_match)
    if before.published is None:
        raise NothingPublished
    await switch(db, ())
    await _hide(db, before, WITHDRAWN)


async def shown(db: Transaction, slug: str) -> tuple[dict[str, Any], str]:
    """The look as clients read it, and its ETag."""
    found = await state(db)
    look, published = found.look, found.published
    content = look.model_dump(mode="json")
    return {
        "version": published["number"] if published else None,
        "newest_version": found.newest or None,
        "published_at": published["published_at"] if published else None,
        "branding": content["branding"],
        "customization": content["customization"],
        "features": await features(db),
        "stylesheet_url": theme.stylesheet_url(slug, look),
    }, found.etag


def summary(row: Record) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "content"}


def whole(row: Record) -> dict[str, Any]:
    return summary(row) | look_of(row["content"]).model_dump(mode="json")


async def _alone(db: Transaction, if_match: str | None) -> State:
    """One change of a client's look at a time. Raises LostUpdate when ``if_match`` is another state."""
    await db.execute(_LOCK, str(db.caller.tenant_id))
    before = await state(db)
    if if_match is not None and if_match.strip() != "*" and not matches(if_match, before.etag):
        raise LostUpdate(headers={"ETag": before.etag})
    return before


async def _hide(db: Transaction, before: State, name: str) -> None:
    if before.published is not None:
        await db.execute(_NAMED, name)
        await db.execute(_HIDE)
        await db.execute(_NAMED, "")


async def _picture_refusal(db: Transaction, file_id: UUID) -> str | None:
    found = await db.fetch_one(_PICTURE, file_id)
    if found is None:
        return "names none of the client's files"
    if found["media_type"] not in PICTURES:
        return "must be PNG, JPEG, GIF or WebP"
    if found["size_bytes"] > MOST_PICTURE_BYTES:
        return f"must not have more than {MOST_PICTURE_BYTES:,} bytes"
    if (found["width_px"] or 0) * (found["height_px"] or 0) > MOST_PIXELS:
        return f"must not have more than {MOST_PIXELS // 1_000_000} million pixels"
    return None
