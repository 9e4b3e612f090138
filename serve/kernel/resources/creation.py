"""A create in one statement, which is a transaction of its own.

Who acts, the row, its event (by the table's trigger) and the answer kept for an Idempotency-Key: little more than half
the work of the same in three round trips (measured).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.kernel.caller import Caller
from serve.kernel.db import ACTING, Database, acting
from serve.kernel.errors import Problem
from serve.kernel.idempotency import Claim, Kept, Show, Shown
from serve.kernel.ids import uuid7
from serve.kernel.resources.many import as_setting
from serve.kernel.resources.store import Store


class Creation:
    """The statements of one table, by the columns that have values."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._statements: dict[tuple[tuple[str, ...], bool], str] = {}

    async def run(
        self,
        database: Database,
        caller: Caller,
        request_id: str,
        values: Mapping[str, Any],
        claim: Claim | None,
    ) -> Shown:
        """The new row. Raises what the database's refusal means, also when the key was used before."""
        store, row_id, sealed = self.store, uuid7(), ""
        names = store.names_of(values)
        bound: list[Any] = [row_id, *(values[name] for name in names)]
        if store.personal:
            assert database.vault is not None
            person_key = database.vault.new_person_key()
            bound.append(person_key)
            sealed = as_setting(store.sealed(database.vault, person_key, row_id, after=values))
        if claim is not None:
            bound += [claim.row_id, claim.request_hash]
        sql = self._statements.get((names, claim is not None))
        if sql is None:
            sql = self._statements[names, claim is not None] = self._sql(names, is_kept=claim is not None)
        (record,) = await database.fetch_alone(sql, *acting(caller, request_id, sealed), *bound)
        return Shown(record["data"], record["_version"])

    async def repeated(
        self, database: Database, caller: Caller, claim: Claim, show: Show, problem: Problem
    ) -> Kept:
        """What the first request with the key was told. Raises ``problem`` when there was none."""
        async with database.transaction(caller) as db:
            kept = await claim.kept(db, show)
        if kept is None:
            raise problem
        return kept

    def _sql(self, names: tuple[str, ...], *, is_kept: bool) -> str:
        store = self.store
        given = ["id", *names, *(["person_key"] if store.personal else [])]
        places = [f"${n}" for n in range(7, len(given) + 7)]
        made = (
            f"insert into {store.name} as t (tenant_id, {', '.join(given)})"
            f" select g.tenant_id, {', '.join(places)} from g"
            f" returning {store.as_json(store.columns, 't')} as data, t.change_xid as _version"
        )
        if not is_kept:
            return f"with g as ({ACTING}) {made}"
        key, asked = f"${len(given) + 7}", f"${len(given) + 8}"
        return (
            f"with g as ({ACTING}), made as ({made}), kept as ("
            "insert into idempotency_keys (id, tenant_id, request_hash, status, record, version)"
            f" select {key}, g.tenant_id, {asked}, 201, made.data, made._version from g, made)"
            " select * from made"
        )
