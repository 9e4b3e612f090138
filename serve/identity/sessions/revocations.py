"""What makes access tokens and keys void before their end, known to every process within a second."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from serve.identity.api_keys.ring import KeyRing
from serve.kernel.db import Database
from serve.kernel.following import Followed
from serve.kernel.tokens import Tokens

LOOK_S = 0.5


class Revocations:
    """Tells ``tokens`` and ``keys`` what the database has taken back."""

    def __init__(self, database: Database, tokens: Tokens, keys: KeyRing) -> None:
        self._rows, self._tokens, self._keys = Followed(database, "revocations_since"), tokens, keys

    async def look(self) -> None:
        """Take over what is new since the last look. After a change of our own it counts here at once."""
        for row in await self._rows.news():
            self._take(row)

    def _take(self, row: dict[str, Any]) -> None:
        session_id, user_id, tenant_id, api_key_id = (
            UUID(row[name]) if row[name] else None
            for name in ("session_id", "user_id", "tenant_id", "api_key_id")
        )
        moment = datetime.fromisoformat(row["revoked_at"]).timestamp()
        if session_id is not None and row["goes_on"]:
            self._tokens.void(moment, session_id=session_id)
        elif session_id is not None:
            self._tokens.revoke(session_id)
        elif api_key_id is not None:
            self._keys.forget(api_key_id)
        else:
            self._tokens.void(moment, user_id=user_id, tenant_id=tenant_id, role=row["role"])
            self._keys.forget_those_of(user_id=user_id, tenant_id=tenant_id, role=row["role"])
