"""Rows of imports: the caller's own tenant, and of tables that the caller may write."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.db import ReadDb, guarded
from serve.kernel.paging import page_meta
from serve.kernel.resources.import_runs import IMPORTERS
from serve.kernel.resources.imports import SHOWN
from serve.platform.imports.errors import ImportNotFound
from serve.platform.imports.schemas import ImportsQuery

MOST_MISTAKES = 1000
_MISTAKES = f"""
    (
        select coalesce(jsonb_agg(jsonb_build_object('line', e.line) || e.mistake order by e.line, e.place), '[]')
        from (
            select r.line, m.mistake, m.place
            from import_rejects r, jsonb_array_elements(r.mistakes) with ordinality m (mistake, place)
            where r.import_id = imports.id and r.tenant_id = $2 and g.tenants is not null
            order by r.line, m.place limit {MOST_MISTAKES}
        ) e
    ) as errors
"""
_LEFT = f"""
    (
        select coalesce(jsonb_agg(jsonb_build_object('id', e.row_id, 'reason', e.reason) order by e.row_id), '[]')
        from (
            select l.row_id, l.reason from import_leftovers l
            where l.import_id = imports.id and l.tenant_id = $2 and g.tenants is not null
            order by l.row_id limit {MOST_MISTAKES}
        ) e
    ) as "left"
"""
_OWN = "from imports where tenant_id = $2 and resource = any($3::text[]) and g.tenants is not null"


def _seen_by(caller: Caller) -> tuple[UUID, list[str]]:
    tables = [name for name, (resource, _) in IMPORTERS.items() if resource.writing in caller.permissions]
    return caller.tenant_id, tables


async def one(db: ReadDb, caller: Caller, import_id: UUID) -> dict[str, Any]:
    """Raises ImportNotFound."""
    rows = await db.fetch(
        guarded(f"select {SHOWN}, {_MISTAKES}, {_LEFT} {_OWN} and id = $4"), *_seen_by(caller), import_id
    )
    if not rows:
        raise ImportNotFound
    return dict(rows[0])


async def page(
    db: ReadDb, caller: Caller, asked: ImportsQuery
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    limit, offset = window = asked.window()
    where = f"{_OWN} and ($4::text is null or resource = $4) and ($5::text is null or status = $5)"
    values = (*_seen_by(caller), asked.resource, asked.status)
    order = "order by created_at desc, id desc"
    rows = await db.fetch(guarded(f"select {SHOWN} {where} {order} limit {limit}", offset=offset), *values)
    (counted,) = await db.fetch(guarded(f"select count(*) as total {where}"), *values)
    return [dict(row) for row in rows], page_meta(window, counted["total"])
