"""Recording decisions, and asking how they stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.identity.consents.errors import PurposeUnknown, TextUnknown
from serve.identity.consents.rules import Verdict, verdict
from serve.identity.consents.schemas import ConsentQuery, Decided
from serve.identity.privacy.errors import NoPerson
from serve.identity.privacy.people import OWN, Person, find, merged_with
from serve.identity.privacy.registry import PEOPLE
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.paging import page_meta

_TABLES = PEOPLE | {"account": "accounts", "employee": "employees"}
_COLUMNS = (
    "id, subject_kind, subject_id, purpose_id, channel, decision, decided_at, text_version, source, evidence,"
    " recorded_by, created_at"
)
_INSERT = f"""
    insert into consents (
        tenant_id, subject_kind, subject_id, purpose_id, channel, decision, decided_at, text_version, source, evidence,
        recorded_by
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning {_COLUMNS}
"""
# The last word about a channel counts; what was said of `any` counts for channels that were never spoken of since.
_STANDING = f"""
    select p.id as purpose_id, p.key as purpose_key, p.lawful_basis, p.is_active, ch.channel, last.decision,
        last.decided_at
    from consent_purposes p
    cross join unnest($3::text[]) ch (channel)
    left join lateral (
        select c.decision, c.decided_at from consents c
        where c.{OWN} and c.subject_kind = $1 and c.subject_id = any($2::uuid[]) and c.purpose_id = p.id
            and c.channel in ('any', ch.channel)
        order by c.decided_at desc, c.id desc limit 1
    ) last on true
    where p.{OWN} and p.deleted_at is null and ($4::text is null or p.key = $4)
    order by p.key, ch.channel
"""
_RESTRICTED = f"""
    select exists (
        select from privacy_requests where {OWN} and status = 'done' and (
            kind in ('restriction', 'erasure') and subject_kind = $1 and subject_id = $2
            or kind = 'restriction' and (
                (subject_kind, subject_id) in (select * from unnest($3::text[], $4::uuid[]))
                or lower(email) = any($5::text[])
            )
        )
    ) as is_restricted
"""
CHANNELS = ("email", "sms", "phone", "whatsapp", "post", "web")


async def may(db: Transaction, subject: tuple[str, UUID | str], purpose: str, channel: str) -> Verdict:
    """Whether the person's data may be used for this (by the purpose's key), by this channel; and why.

    A purpose that nobody has declared allows nothing.
    """
    found = await standing(db, *subject, channels=(channel,), purpose=purpose)
    return Verdict(found[0]["may"], found[0]["why"]) if found else Verdict(False, "there is no such purpose")


async def standing(
    db: Transaction,
    kind: str,
    subject_id: UUID | str,
    *,
    channels: Sequence[str] = CHANNELS,
    purpose: str | None = None,
) -> list[dict[str, Any]]:
    """How it stands with each purpose and channel."""
    try:  # whoever asked for a restriction, by whichever row or address, is the person that `find` knows
        person = await find(db, kind, subject_id)
    except NoPerson:  # a company
        person = Person({kind: {str(subject_id)}})
    restricted = await db.fetch_one(_RESTRICTED, kind, subject_id, *person.pairs(), sorted(person.emails))
    assert restricted is not None
    ids = await merged_with(db, kind, [subject_id])  # what was said to one of them is said to the other
    rows = [dict(row) for row in await db.fetch(_STANDING, kind, ids, list(channels), purpose)]
    for row in rows:
        row["may"], row["why"] = verdict(
            row["lawful_basis"],
            row["decision"],
            is_active=row.pop("is_active"),
            is_restricted=restricted["is_restricted"],
        )
    return rows


async def decide(db: Transaction, kind: str, subject_id: UUID, said: Decided) -> dict[str, Any]:
    """Write a decision down. Raises NoPerson, PurposeUnknown, TextUnknown or Invalid."""
    await check_person(db, kind, subject_id)
    purpose = await db.fetch_one(
        f"select is_active from consent_purposes where {OWN} and id = $1 and deleted_at is null for share",
        said.purpose_id,
    )
    if purpose is None or (said.decision == "granted" and not purpose["is_active"]):
        raise PurposeUnknown
    if said.text_version is not None and not await db.fetch_one(
        f"select 1 as found from consent_texts where {OWN} and purpose_id = $1 and version = $2 limit 1",
        *(said.purpose_id, said.text_version),
    ):
        raise TextUnknown
    now = datetime.now(UTC)
    if said.decided_at is not None and said.decided_at > now:
        raise Invalid(details=[("decided_at", "lies in the future")])
    row = await db.fetch_one(
        _INSERT,
        *(db.caller.tenant_id, kind, subject_id, said.purpose_id, said.channel, said.decision),
        *(said.decided_at or now, said.text_version, said.source, said.evidence, db.caller.user_id),
    )
    assert row is not None
    return dict(row)


async def check_person(db: Transaction, kind: str, subject_id: UUID) -> None:
    """Raises NoPerson unless the row is one of the caller's own tenant."""
    if kind == "user":
        sql = f"select 1 as found from tenant_members() m where m.user_id = $1 and m.{OWN}"
    else:
        sql = f"select 1 as found from {_TABLES[kind]} where {OWN} and id = $1"
    if await db.fetch_one(sql, subject_id) is None:
        raise NoPerson


async def history(db: Transaction, asked: ConsentQuery) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Decisions, the newest first."""
    limit, offset = asked.window()
    names = ("subject_kind", "subject_id", "purpose_id", "channel", "decision")
    given = {name: value for name in names if (value := getattr(asked, name)) is not None}
    where = " and ".join(["true", *(f"{name} = ${n}" for n, name in enumerate(given, 1))])
    values = list(given.values())
    rows = await db.fetch(
        f"select {_COLUMNS} from consents where {where} order by decided_at desc, id desc"
        f" limit {limit:d} offset {offset:d}",
        *values,
    )
    total = await db.fetch_one(f"select count(*) as total from consents where {where}", *values)
    assert total is not None
    return [dict(row) for row in rows], page_meta((limit, offset), total["total"])


async def add_text(db: Transaction, purpose_id: UUID, language: str, text: str) -> dict[str, Any]:
    """A new version in this language; the first text in another language has the version of the newest."""
    row = await db.fetch_one(
        "insert into consent_texts (tenant_id, purpose_id, version, language, text)"
        " select $1, $2, coalesce((select max(version) from consent_texts where purpose_id = $2 and language = $3) + 1,"
        "  (select max(version) from consent_texts where purpose_id = $2), 1), $3, $4"
        " returning id, version, language, text, created_at",
        *(db.caller.tenant_id, purpose_id, language, text),
    )
    assert row is not None
    return dict(row)


async def texts(db: Transaction, purpose_id: UUID) -> list[dict[str, Any]]:
    rows = await db.fetch(
        "select id, version, language, text, created_at from consent_texts where purpose_id = $1"
        " order by version desc, language",
        purpose_id,
    )
    return [dict(row) for row in rows]


async def is_used(db: Transaction, purpose_id: UUID) -> bool:
    return bool(await db.fetch("select 1 as found from consents where purpose_id = $1 limit 1", purpose_id))
