"""What whoever runs the installation does with tenants: ``throughline tenant …``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from serve.app import database_address
from serve.identity.auth.people import account_of
from serve.identity.tenants import service, suspending
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import NotFound
from serve.kernel.resources.errors import meaning
from serve.settings import Settings
from warehouse.settings import Home


class NoSuchAccount(NotFound):
    code, message = "NO_SUCH_ACCOUNT", "Nobody has an account with that address."


async def create(owner_email: str, **fields: Any) -> str:
    """A tenant of nobody's, whose owner has an account already; its id. Raises Problem."""

    async def do(db: Transaction) -> str:
        owner = await account_of(db, owner_email)
        if owner is None:
            raise NoSuchAccount
        return str(await service.onboard(db, owner_user_id=owner["id"], **fields))

    return str(await _done("api", do))


async def suspend(slug: str, reason: str) -> bool:
    """Whether there is such a tenant that went on until now."""
    return bool(await _done("worker", lambda db: _held(db, slug, reason)))


async def resume(slug: str) -> bool:
    """Whether there is such a tenant that was suspended."""
    return bool(await _done("worker", lambda db: _held(db, slug, None)))


async def _held(db: Transaction, slug: str, reason: str | None) -> bool:
    found = await db.fetch_one("select tenant_of_slug($1) as id", slug)
    if found is None or found["id"] is None:
        return False
    if reason is None:
        return await suspending.let_go(db, found["id"])
    return await suspending.hold(db, found["id"], reason)


async def _done(role: str, do: Callable[[Transaction], Awaitable[Any]]) -> Any:
    settings = Settings()
    home = Home(settings.throughline_home)
    database = Database(lambda: database_address(home, settings, role), size=1, meaning=meaning)
    try:
        async with database.transaction() as db:
            await db.execute("select set_config('app.actor', 'operator', true)")
            return await do(db)
    finally:
        await database.close()
