"""What the database holds of a tenant, to compare with what it held before."""

from __future__ import annotations

from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg

from warehouse.postgres import Address

WRITTEN_BEHIND = {
    "account_mails": "sent, and emptied, in the background",
    "api_requests": "the log of requests is written in the background",
    "event_seals": "sealed in the background",
    "flag_exposures": "who saw a flag is noted beside the request",
    "flag_uses": "how often a flag was given is noted beside the request",
    "notifications": "told in the background of what was done before",
}
"""Tables that a snapshot leaves out, and why."""
COUNTED = {
    "account_tokens": "that a link went by the tenant's own server is noted when its mail goes, in the background",
}
"""Tables whose rows alone are counted, and why not who wrote them."""
OTHER_EVENTS = "and category = 'change' and name <> 'notification.new'"
"""A refusal may well be noted as a security event, and people are told in the background."""

Snapshot = dict[str, tuple[int, int]]


class Store:
    """Looks at all rows, past every policy.

    It is asked some thousand times in a run. One connection for all of it, and statements that are planned once, make a
    look at eighty tables thirty times as cheap as a new connection that meets each of them for the first time.
    """

    def __init__(self, address: Address) -> None:
        self._connection = psycopg.connect(
            address.url("super"), autocommit=True, cursor_factory=psycopg.RawCursor
        )
        self._connection.execute("set plan_cache_mode = force_generic_plan")
        self._sums = " union all ".join(
            f"select '{table}', count(*),"
            f" {'0' if table in COUNTED else 'coalesce(sum(xmin::text::bigint), 0)'}::bigint from {table}"
            f" where tenant_id = $1 {OTHER_EVENTS if table == 'events' else ''}"
            for table in self._tables()
            if table not in WRITTEN_BEHIND
        )
        self._ids = " union all ".join(
            f"select id from {table} where tenant_id = $1 and id = any($2)"
            for table in self._tables(having="id")
        )

    def close(self) -> None:
        self._connection.close()

    def rows_of(self, tenant: UUID) -> Snapshot:
        """Every table's rows of that tenant: how many, and the sum of the transactions that wrote them.

        Equal means that nothing was written: who writes comes later than all that it could take the place of.
        """
        return {table: (count, writers) for table, count, writers in self._ask(self._sums, tenant)}

    def unchanged(self, tenant: UUID, before: Snapshot) -> None:
        after = self.rows_of(tenant)
        assert after == before, [
            (table, before[table], after[table]) for table in after if after[table] != before[table]
        ]

    def owned(self, tenant: UUID, ids: set[str]) -> set[str]:
        """Those of the ids that are of rows of that tenant, or of its people."""
        found = self._ask(self._ids, tenant, [UUID(each) for each in ids])
        return {str(row_id) for (row_id,) in found}

    def newest_event(self) -> int:
        return int(self._ask("select coalesce(max(position), 0) from events")[0][0])

    def events_after(self, position: int, tenant: UUID) -> list[tuple[str, str, str]]:
        """(entity_id, category, name) of what was recorded of a tenant since."""
        found = self._ask(
            "select entity_id, category, name from events where tenant_id = $1 and position > $2"
            " and name <> 'notification.new'",
            *(tenant, position),
        )
        return [(str(entity_id), category, name) for entity_id, category, name in found]

    def _tables(self, having: str = "tenant_id") -> list[str]:
        """Tables whose rows belong to a tenant; partitions are part of their table."""
        found = self._ask(
            "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace"
            " and c.relkind in ('r', 'p') and not c.relispartition and (select count(*) from pg_attribute a"
            "  where a.attrelid = c.oid and a.attname = any($1) and a.atttypid = 'uuid'::regtype)"
            " = cardinality($1) order by 1",
            list({"tenant_id", having}),
        )
        return [table for (table,) in found]

    def _ask(self, query: str, *values: object) -> list[Any]:
        return self._connection.execute(cast(LiteralString, query), values, prepare=True).fetchall()
