"""Where an account stands once another one is merged into it.

What stood below the merged account stands below the survivor: the merge moves it like all that refers to it. That must
make no circle, so a survivor from below takes the merged account's place first, and one from above stays where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.crm.accounts.tree import is_below
from serve.crm.people.mergeable import Mergeable
from serve.crm.people.schemas import MergeAsked
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.resources import Row

_LOCK = "select pg_advisory_xact_lock(hashtext('accounts.parent_id'), hashtext($1))"


class Accounts(Mergeable):
    async def before_merge(self, db: Transaction) -> None:
        # As the trigger does, and before any row: or two changes wait for one another's.
        await db.fetch(_LOCK, str(db.caller.tenant_id))

    async def make_way(
        self, db: Transaction, survivor: Row, merged: Row, asked: MergeAsked
    ) -> tuple[Row, Mapping[str, Any]]:
        """Raises Invalid for a place that would be below the survivor itself."""
        if await is_below(db, survivor, merged):
            place = {"parent_id": merged["parent_id"]}
            return await self.update(db, survivor, place, event="account.took_over"), merged
        if await is_below(db, merged, survivor):
            if "parent_id" in asked.take:
                raise Invalid(details=[("take", "parent_id: it stands below this account")])
            return survivor, {**merged, "parent_id": None}
        return survivor, merged
