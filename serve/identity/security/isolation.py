"""The report of isolation: what catalogue, storage and release say now, judged by serve/kernel/isolation.py."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.routing import BaseRoute

from serve.identity.security import trials
from serve.identity.security.data_types import domains, tables_of
from serve.identity.security.errors import TenantNotReadable
from serve.identity.security.proofs import PROMISES, proofs, proved, route_names
from serve.identity.security.schemas import IsolationQuery
from serve.kernel import isolation
from serve.kernel.db import Transaction
from serve.kernel.tables import all_tables
from serve.ports.storage import Storage
from warehouse.releases import ReleaseNotFound, ReleaseReader

_LAST = """
    select id, outcome, finished_at, held_count, broken_count, not_tried_count from isolation_checks
    where tenant_id = $1 order by finished_at desc limit 1
"""
_FILES = "select count(*)::integer as count from files where tenant_id = $1 and deleted_at is null"
_NAMED_BY = ["program", "release", "tenant", "route", "format", "parameters"]


async def report(
    db: Transaction, asked: IsolationQuery, state: Any, routes: Iterable[BaseRoute], public: Iterable[str]
) -> dict[str, Any]:
    """Raises TenantNotReadable."""
    tenant_id = asked.tenant_id or db.caller.tenant_id
    if tenant_id not in db.caller.tenant_ids:
        raise TenantNotReadable
    tables = tables_of(asked.data_type) if asked.data_type else None
    only = asked.isolation_level
    found: dict[str, Any] = {
        "row": await _rows(db, tables) if only in (None, "row") else None,
        "file": await _files(db, state.files.storage, tenant_id) if only in (None, "file") else None,
        "release": await _release(state.answers.reader) if only in (None, "release") else None,
        "cache": _cache(tenant_id) if only in (None, "cache") else None,
    }
    shortcoming_count = sum(map(_count, found.values()))
    last = await db.fetch_one(_LAST, tenant_id)
    return {
        "tenant_id": tenant_id,
        "holds": shortcoming_count == 0,
        "shortcoming_count": shortcoming_count,
        "looked_at": datetime.now(UTC),
        **found,
        "routes": _routes(routes, public),
        "last_check": dict(last) if last else None,
    }


async def _rows(db: Transaction, only: frozenset[str] | None) -> dict[str, Any]:
    entities = {name: table.info.get("entity") for name, table in all_tables().tables.items()}
    functions = await db.fetch(isolation.FUNCTIONS)
    tables = [row for row in await db.fetch(isolation.TABLES) if only is None or row["table_name"] in only]
    return {
        "tables": [
            {
                "table": (name := row["table_name"]),
                "domain": domains().get(name),
                "entity": entities.get(name),
                **{word: row[word] for word in ("is_enabled", "is_forced", "partition_count", "reached_by")},
                "policies": [policy["name"] for policy in row["policies"]],
                "exception": isolation.OTHERWISE_GUARDED.get(name),
                "shortcomings": list(isolation.table_shortcomings(row)),
            }
            for row in tables
        ],
        "more_policies": [
            {"table": table, "policy": policy, "role": role, "reason": reason}
            for (table, policy, role), reason in isolation.MORE_POLICIES.items()
            if only is None or table in only
        ],
        "roles": [
            {
                **{
                    word: row[word] for word in ("role", "is_superuser", "passes_row_security", "owned_count")
                },
                "exception": isolation.POWERS.get(row["role"]),
                "shortcomings": list(isolation.role_shortcomings(row)),
            }
            for row in await db.fetch(isolation.ROLES)
        ],
        "definer_function_count": len(functions),
        "functions": _lacking(functions, "function", isolation.function_shortcomings),
        "views": _lacking(await db.fetch(isolation.VIEWS), "view", isolation.view_shortcomings),
    }


def _lacking(rows: Iterable[Mapping[str, Any]], name: str, shortcomings: Any) -> list[dict[str, Any]]:
    found = [{"name": row[name], "shortcomings": list(shortcomings(row))} for row in rows]
    return [each for each in found if each["shortcomings"]]


async def _files(db: Transaction, storage: Storage, tenant_id: UUID) -> dict[str, Any]:
    counted = await db.fetch_one(_FILES, tenant_id)
    assert counted is not None
    tried = await asyncio.to_thread(lambda: list(trials.of_files(storage, tenant_id, None)))
    return {
        "layout": "<tenant>/<file>",
        "file_count": counted["count"],
        "shortcomings": [f"{each.about}: {each.found}" for each in tried if each.outcome == "broken"],
    }


async def _release(reader: ReleaseReader) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        try:
            with reader.query(uuid4()) as session:
                tried = [trials.published(session, table) for table in sorted(session.release.rows)]
                release_id = session.release.id
        except ReleaseNotFound:
            return {"release_id": None, "filtered_tables": [], "shared_tables": [], "shortcomings": []}
        return {
            "release_id": release_id,
            "filtered_tables": [each.about for each in tried if each.outcome == "held"],
            "shared_tables": [each.about for each in tried if each.outcome == "not_tried"],
            "shortcomings": [f"{each.about}: {each.found}" for each in tried if each.outcome == "broken"],
        }

    return await asyncio.to_thread(look)


def _cache(tenant_id: UUID) -> dict[str, Any]:
    broken = [each.tried for each in trials.of_cache(tenant_id) if each.outcome == "broken"]
    return {"named_by": _NAMED_BY, "shortcomings": broken}


def _routes(routes: Iterable[BaseRoute], public: Iterable[str]) -> dict[str, Any]:
    written, names = proofs(), route_names(routes, public)
    found = proved(names, written)
    return {
        "route_count": len(names),
        "proved_count": len(found["proved"]),
        **{word: written[word] for word in ("proved_at", "commit", "roles", "tenants")},
        "promises": list(PROMISES.values()),
        "broken": found["broken"],
        "not_asked": found["not_asked"],
        "unproved": found["unproved"],
    }


def _count(part: Any) -> int:
    """Shortcomings anywhere in a part of the report."""
    if isinstance(part, dict):
        return len(part.get("shortcomings", ())) + sum(map(_count, part.values()))
    return sum(map(_count, part)) if isinstance(part, list) else 0
