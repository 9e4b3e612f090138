"""Keeps what every process knows of tenants as their rows say."""

from __future__ import annotations

import asyncio
from uuid import UUID

from serve.kernel.db import Database
from serve.kernel.following import Followed
from serve.kernel.realtime.hub import Hub
from serve.kernel.standing import Standings

LOOK_S = 0.5


class Watch:
    """Whoever listens for a tenant that stands still from now on is sent away."""

    def __init__(self, database: Database, standings: Standings, hub: Hub) -> None:
        self._rows, self._standings, self._hub = Followed(database, "tenants_since"), standings, hub
        self._turn = asyncio.Lock()  # of two looks at once the earlier one might have the last word

    async def look(self) -> None:
        """Take over what has changed since the last look. Raises Unavailable."""
        async with self._turn:
            for row in await self._rows.news():
                tenant_id, parent_id = UUID(row["id"]), row["parent_id"] and UUID(row["parent_id"])
                self._standings.put(tenant_id, parent_id, row["state"])
                if self._standings.is_held(tenant_id):
                    self._hub.end_tenant(tenant_id, "suspended")
