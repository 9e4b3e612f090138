"""Making tenants, and reading and changing those of the caller: the own one and its children."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.identity.tenants import rules
from serve.identity.tenants.errors import NoUmbrella, TenantNotFound
from serve.identity.tenants.schemas import ChildFields, TenantQuery, TenantRead
from serve.kernel.db import Transaction
from serve.kernel.errors import Forbidden, Invalid
from serve.kernel.events import event
from serve.kernel.ids import uuid7
from serve.kernel.paging import order_by
from serve.kernel.resources import Row
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.store import check_version

event("tenant.created", "A new tenant.", permission="tenants:read")
event("tenant.updated", "The tenant is named or counted otherwise.", permission="tenants:read")

_COLUMNS = ", ".join(f"t.{name}" for name in TenantRead.model_fields)
_SELECT = f"select {_COLUMNS}, t.change_xid as _version from own_tenants() t"
_SORTED = {name: f"t.{name}" for name in ("name", "slug", "kind", "state", "country", "created_at")}
_CHOSEN = """
    ($1::text is null or t.name ilike $1 or t.slug ilike $1)
    and ($2::text[] is null or t.kind = any ($2)) and ($3::text[] is null or t.state = any ($3))
    and ($4::text[] is null or t.country = any ($4))
    and ($5::boolean is null or $5 = (t.id <> current_setting('app.tenant_id')::uuid))
"""


async def onboard(
    db: Transaction,
    *,
    name: str,
    slug: str | None = None,
    kind: str,
    country: str,
    timezone: str,
    currency: str,
    owner_user_id: UUID | str | None,
    parent_id: UUID | None = None,
) -> UUID:
    """A new tenant with its first owner and the settings that its country suggests; its id.

    Nobody need have logged in. Raises Invalid naming the field, and Duplicate naming the slug.
    """
    _check(slug, country=country, timezone=timezone, currency=currency)
    wanted = [slug] if slug else rules.slugs_of(name)
    found = await db.fetch_one("select free_slug($1::text[]) as slug", wanted)
    if found is None or found["slug"] is None:
        raise Duplicate(details=[("slug", "is taken already")])
    tenant_id = uuid7()
    await db.execute(
        "select make_tenant($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *(tenant_id, parent_id, found["slug"], name, kind, country, timezone, currency),
        *(owner_user_id, rules.general_of(country)),
    )
    return tenant_id


async def make_child(db: Transaction, asked: ChildFields) -> Row:
    """A child of the caller's tenant. Its first owner is the caller, or else (`first_owners`) has yet to come.

    Raises NoUmbrella, Invalid or Duplicate.
    """
    caller = db.caller
    if (await get(db, caller.tenant_id))["parent_id"] is not None:
        raise NoUmbrella
    owner = caller.user_id if asked.first_owner is None else None
    fields = asked.model_dump(exclude={"first_owner", "has_seat"})
    return await get(db, await onboard(db, **fields, owner_user_id=owner, parent_id=caller.tenant_id))


async def get(db: Transaction, tenant_id: UUID) -> Row:
    """The caller's own tenant or a child of it. Raises TenantNotFound."""
    found = await db.fetch_one(f"{_SELECT} where t.id = $1", tenant_id)
    if found is None:
        raise TenantNotFound
    return Row(found)


async def own(db: Transaction, tenant_id: UUID, *, lock: bool = True) -> Row:
    """The caller's own tenant: of a child the umbrella changes nothing. Raises TenantNotFound.

    Held for a change, not against rows that refer to it, which every writer of the tenant makes.
    """
    if tenant_id != db.caller.tenant_id:
        raise TenantNotFound
    if lock:
        await db.fetch_one("select 1 from tenants where id = $1 for no key update", tenant_id)
    return await get(db, tenant_id)


def check_owner(db: Transaction) -> None:
    """Raises Forbidden."""
    if db.caller.role != "owner":
        raise Forbidden("Only an owner of the tenant may do that.")


async def page(db: Transaction, asked: TenantQuery, limit: int, offset: int) -> tuple[list[Row], int]:
    """Tenants of the caller, and how many there are."""
    order = order_by(asked.sort, _SORTED, tie="t.id desc") if asked.sort else "t.created_at desc, t.id desc"
    escaped = asked.search and asked.search.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    chosen = (escaped and f"%{escaped}%", asked.kind, asked.state, asked.country, asked.is_child)
    rows = await db.fetch(
        f"{_SELECT} where {_CHOSEN} order by {order} limit $6 offset $7", *chosen, limit, offset
    )
    counted = await db.fetch_one(f"select count(*) as n from own_tenants() t where {_CHOSEN}", *chosen)
    assert counted is not None
    return [Row(row) for row in rows], counted["n"]


async def change(db: Transaction, tenant_id: UUID, sent: Mapping[str, Any], if_match: str | None) -> Row:
    """Raises TenantNotFound, LostUpdate, or Duplicate naming the slug."""
    before = await own(db, tenant_id)
    check_version(if_match, before)
    changed = {name: value for name, value in sent.items() if before[name] != value}
    if changed:
        sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(changed, 2))
        await db.execute(f"update tenants set {sets} where id = $1", tenant_id, *changed.values())
    return await get(db, tenant_id)


def _check(slug: str | None, *, country: str, timezone: str, currency: str) -> None:
    """As the models of the API say; others than they call too. Raises Invalid."""
    wrong = []
    if slug is not None and (problem := rules.slug_problem(slug)) is not None:
        wrong.append(("slug", problem))
    known = {"country": rules.countries(), "timezone": rules.timezones(), "currency": rules.currencies()}
    given = {"country": country, "timezone": timezone, "currency": currency}
    wrong += [(name, "is not known") for name, value in given.items() if value not in known[name]]
    if wrong:
        raise Invalid(details=wrong)
