"""What the database holds of a tenant, to compare with what it held before."""

from __future__ import annotations

from typing import Any

from tests.surface.calls import Surface

WRITTEN_BEHIND = {
    "account_mails": "sent, and emptied, in the background",
    "api_requests": "the log of requests is written in the background",
    "event_seals": "sealed in the background",
    "flag_exposures": "who saw a flag is noted beside the request",
    "flag_uses": "how often a flag was given is noted beside the request",
    "notifications": "told in the background of what was done before",
}
"""Tables that a snapshot leaves out, and why."""
OTHER_EVENTS = "and category = 'change' and name <> 'notification.new'"
"""A refusal may well be noted as a security event, and people are told in the background."""


def rows_of(surface: Surface, tenant: object) -> dict[str, tuple[int, str]]:
    """Every table's rows of that tenant as a count and a sum over their contents: equal means nothing changed."""
    parts = [
        f"select '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text"
        f" from {table} t where tenant_id = '{tenant}' {OTHER_EVENTS if table == 'events' else ''}"
        for table in tenant_tables(surface)
        if table not in WRITTEN_BEHIND
    ]
    found = surface.firm.sql(" union all ".join(parts))
    return {table: (count, contents) for table, count, contents in found}


def unchanged(surface: Surface, tenant: object, before: dict[str, tuple[int, str]]) -> None:
    after = rows_of(surface, tenant)
    assert after == before, [
        (table, before[table], after[table]) for table in after if after[table] != before[table]
    ]


def ids_of(surface: Surface, tenant: object) -> set[str]:
    """The ids of all that tenant's rows, and of its people, that a neighbour must not see."""
    parts = [
        f"select id::text from {table} t where tenant_id = '{tenant}'"
        for table in tenant_tables(surface, having="id")
    ]
    return {row_id for (row_id,) in surface.firm.sql(" union all ".join(parts))}


def tenant_tables(surface: Surface, having: str = "tenant_id") -> list[str]:
    """Tables whose rows belong to a tenant; partitions are part of their table."""
    return [
        table
        for (table,) in surface.firm.sql(
            "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace"
            " and c.relkind in ('r', 'p') and not c.relispartition and (select count(*) from pg_attribute a"
            "  where a.attrelid = c.oid and a.attname in ('tenant_id', %s)) = %s order by 1",
            having,
            1 if having == "tenant_id" else 2,
        )
    ]


def events_of_a(surface: Surface) -> set[tuple[Any, ...]]:
    return {
        tuple(row)
        for row in surface.firm.sql(
            "select position, entity_id, category from events"
            " where tenant_id = %s and name <> 'notification.new'",
            surface.firm.a,
        )
    }
