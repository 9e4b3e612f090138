"""Reading and changing settings. Other domains read a category with ``current`` or ``of_people``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

from serve.kernel.caller import Caller, Lacks
from serve.kernel.db import Record, Transaction
from serve.kernel.envelope import Input
from serve.kernel.errors import Invalid
from serve.kernel.etag import content_etag, matches
from serve.kernel.permissions import Permission
from serve.kernel.resources.batches import parsed
from serve.kernel.resources.errors import LostUpdate
from serve.kernel.speech import spoken
from serve.kernel.vault import Unreadable, Vault
from serve.platform.settings.categories import CATEGORIES, Category
from serve.platform.settings.errors import CategoryNotFound
from serve.platform.settings.rules import changed, over_defaults

OF_THE_TENANT = ("name", "timezone", "currency")
"""What ``general`` shows and changes in the tenant's own row, because everything else counts by it."""

_ROWS = """
    select category, values, secrets, secrets_changed_at, change_xid, updated_at from settings
    where tenant_id = $1 and category = any($2) and (user_id is null or user_id = $3)
"""
_TENANT = f"select {', '.join(OF_THE_TENANT)}, change_xid from tenants where id = $1"
_WRITE = """
    insert into settings (tenant_id, user_id, category, values, secrets, secrets_changed_at)
    values ($1, $2, $3, $4, $5, case when $6 then now() end)
    on conflict (tenant_id, user_id, category) do update set
        values = excluded.values, secrets = excluded.secrets,
        secrets_changed_at = coalesce(excluded.secrets_changed_at, settings.secrets_changed_at)
"""


@dataclass(frozen=True, slots=True)
class Current:
    """A category as it holds now. ``stored`` is what was ever set, ``values`` everything."""

    category: Category
    values: Any
    stored: dict[str, Any]
    secrets: dict[str, str]
    version: str
    updated_at: datetime | None

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    def shown(self) -> dict[str, Any]:
        """As clients read it."""
        values = self.values.model_dump(mode="json", exclude=set(self.category.secrets))
        return values | {f"{name}_is_set": name in self.secrets for name in self.category.secrets}

    def meta(self) -> dict[str, Any]:
        category = self.category
        return {"category": category.name, "scope": category.scope, "updated_at": self.updated_at}


def named(names: Collection[str]) -> list[Category]:
    """Raises CategoryNotFound, which names those that there are."""
    for name in names:
        if name not in CATEGORIES:
            raise CategoryNotFound(
                f"There is no category {name[:50]!r} of settings; there are: {', '.join(CATEGORIES)}."
            )
    return [CATEGORIES[name] for name in names]


def require(caller: Caller, permission: Permission) -> None:
    """Raises Forbidden."""
    if permission not in caller.permissions:
        raise Lacks(caller, permission)


def visible(caller: Caller) -> list[Category]:
    return [category for category in CATEGORIES.values() if category.reading in caller.permissions]


async def current(db: Transaction, categories: Collection[Category]) -> dict[str, Current]:
    """The categories of the caller's tenant and of the caller, by name."""
    caller = db.caller
    names = [category.name for category in categories]
    rows = {row["category"]: row for row in await db.fetch(_ROWS, caller.tenant_id, names, caller.user_id)}
    tenant = await db.fetch_one(_TENANT, caller.tenant_id) if "general" in names else None
    return {
        category.name: _current(
            category, rows.get(category.name), tenant if category.name == "general" else None, db.vault
        )
        for category in categories
    }


async def customers_language(db: Transaction) -> str:
    """In which the tenant speaks to its customers now (``Speech``): that of its locale, as far as we speak it."""
    return spoken((await current(db, [CATEGORIES["general"]]))["general"].values.locale)


def joint_etag(states: Mapping[str, Current]) -> str:
    """One name for several categories together."""
    return content_etag(" ".join(f"{name}={states[name].version}" for name in sorted(states)).encode())


async def change(
    db: Transaction, sent: Mapping[Category, BaseModel], *, if_match: str | None, of_several: bool = False
) -> dict[str, Current]:
    """Change what was sent and leave the rest. Raises Invalid, or LostUpdate when ``if_match`` is another version.

    ``of_several`` says that the version is of several categories together: of those changed, or of all visible ones.
    """
    # One change of a tenant's settings at a time: a first value has no row yet that could be locked.
    await db.execute(
        "select pg_advisory_xact_lock(hashtextextended('settings ' || $1, 0))", str(db.caller.tenant_id)
    )
    before = await current(db, sent)
    if if_match is not None and if_match.strip() != "*":
        versions = [state.etag for state in before.values()]
        if of_several:
            versions = [joint_etag(before), joint_etag(await current(db, visible(db.caller)))]
        if not any(matches(if_match, version) for version in versions):
            raise LostUpdate(headers={"ETag": versions[-1]})
    for category, body in sent.items():
        try:
            await _write(db, before[category.name], body.model_dump(mode="json", exclude_unset=True))
        except Invalid as problem:
            if of_several:
                problem.details = [(f"{category.name}.{field}", said) for field, said in problem.details]
            raise
    return await current(db, sent)


async def of_people(db: Transaction, name: str, user_ids: Collection[UUID]) -> dict[UUID, Any]:
    """A category of each of these people, in the tenant that the transaction acts for."""
    model = CATEGORIES[name].model
    rows = await db.fetch(
        "select user_id, values from settings where category = $1 and user_id = any($2::uuid[])"
        " and tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid",
        *(name, [str(user_id) for user_id in user_ids]),
    )
    stored = {UUID(row["user_id"]): row["values"] for row in rows}
    return {user_id: over_defaults(model, stored.get(user_id, {})) for user_id in user_ids}


async def _write(db: Transaction, before: Current, sent: dict[str, Any]) -> None:
    category, caller = before.category, db.caller
    hidden = {name: sent.pop(name) for name in category.secrets if name in sent}
    stored, secrets = changed(before.stored, sent), changed(before.secrets, hidden)
    parsed(category.model, stored | secrets)
    if (stored, secrets) == (before.stored, before.secrets):
        return
    if category.name == "general":
        await db.execute(
            "update tenants set name = $2, timezone = $3, currency = $4 where id = $1",
            *(caller.tenant_id, *(stored[name] for name in OF_THE_TENANT)),
        )
    await db.execute("select set_config('app.event', $1, true)", category.changed)
    await db.execute(
        _WRITE,
        *(caller.tenant_id, caller.user_id if category.scope == "user" else None, category.name, stored),
        db.vault.seal(orjson.dumps(secrets)) if secrets else None,
        secrets != before.secrets,
    )
    await db.execute("select set_config('app.event', '', true)")


def _current(category: Category, row: Record | None, tenant: Record | None, vault: Vault) -> Current:
    stored: dict[str, Any] = dict(row["values"]) if row else {}
    secrets = _open(vault, row["secrets"]) if row else {}
    version = format(row["change_xid"], "x") if row else "none"
    if tenant is not None:
        stored |= {name: tenant[name] for name in OF_THE_TENANT}
        version += f"-{tenant['change_xid']:x}"
    values: Input = over_defaults(category.model, stored)
    kept = {name: value for name, value in stored.items() if name in values.model_fields_set}
    return Current(category, values, kept, secrets, version, row["updated_at"] if row else None)


def _open(vault: Vault, sealed: bytes | None) -> dict[str, str]:
    """What cannot be read any more, because the key was lost, is as good as not set."""
    try:
        return orjson.loads(vault.open(sealed)) if sealed else {}
    except Unreadable:
        return {}
