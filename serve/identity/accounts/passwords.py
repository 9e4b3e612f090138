"""What everybody asks of a new password of somebody who has an account."""

from __future__ import annotations

from uuid import UUID

from serve.identity.account_tokens.service import void_tokens
from serve.identity.accounts.rules import check_password
from serve.kernel.db import Database, Transaction
from serve.kernel.tasks.acting import acting_for
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current

SHORTEST = 10


async def check_new_password(database: Database, user_id: UUID | None, password: str) -> None:
    """What the person's companies, and we, ask of it: a password opens all of them. Raises Invalid.

    Without a person what we ask, so that who holds no link learns nothing by the answer.
    """
    async with database.transaction() as db:
        user = await db.fetch_one("select email, full_name from auth_user($1)", user_id)
        tenants = await db.fetch("select tenant_id from auth_memberships($1)", user_id)
    shortest = SHORTEST
    for tenant in tenants:
        async with database.transaction(acting_for(UUID(tenant["tenant_id"]), None)) as db:
            security = (await current(db, [CATEGORIES["security"]]))["security"].values
        shortest = max(shortest, security.password_min_length)
    about = (user["email"], user["full_name"]) if user else ()
    check_password(password, shortest=shortest, about=about)


async def void_links(db: Transaction, user_id: UUID) -> None:
    """Nothing goes on that was asked for under the password of before: who knew that one may have asked for it."""
    for purpose in ("password_reset", "email_confirmation"):
        await void_tokens(db, purpose, user_id=user_id)
