"""Rows of all tenants that every process keeps in memory: what has changed since the last look, and nothing twice over.

Whatever a snapshot did not see was written by a transaction at or above its horizon, so that is where the next look
begins: a transaction that commits late is not missed. A horizon that went back is that of a restored database; then
everything is read again. Rows must not be deleted, or nobody would hear of it.
"""

from __future__ import annotations

from typing import Any

import orjson

from serve.kernel.db import Database


class Followed:
    """``function`` is a security-definer function of ours that gives the rows stamped at or above a transaction id."""

    def __init__(self, database: Database, function: str) -> None:
        self._database, self._horizon = database, 0
        self._sql = (
            "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon,"
            f" (select json_agg(r) from {function}($1) r) as rows"
        )

    async def news(self) -> list[dict[str, Any]]:
        """Raises Unavailable."""
        (found,) = await self._database.fetch_alone(self._sql, self._horizon)
        if found["horizon"] < self._horizon:
            (found,) = await self._database.fetch_alone(self._sql, 0)
        self._horizon = found["horizon"]
        rows: list[dict[str, Any]] = orjson.loads(found["rows"]) if found["rows"] else []
        return rows
