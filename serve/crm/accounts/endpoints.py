"""Customers: companies and households."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from serve.crm.accounts import tree as trees
from serve.crm.accounts.merging import Accounts
from serve.crm.accounts.models import accounts as table
from serve.crm.accounts.rules import MOST_LEVELS, check_account
from serve.crm.accounts.schemas import AccountFields, AccountRead, Tree
from serve.crm.notes.endpoints import add_notes
from serve.crm.people.duplicates import warning
from serve.crm.people.endpoints import add_merge
from serve.crm.people.schemas import CreatedMeta
from serve.crm.tags.endpoints import add_tags
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.resources.advanced import add_advanced_filter
from serve.kernel.resources.words import Id, plain, reading
from serve.kernel.routing import also

accounts = Accounts(
    table,
    fields=AccountFields,
    read=AccountRead,
    rule=check_account,
    beside=warning("account"),
    created_meta=CreatedMeta,
)
router = accounts.router()


@router.get(
    "/{id}/tree",
    response_model=Success[Tree, Meta],
    dependencies=[reading(accounts)],
    responses=problems(accounts.NotFound, DatabaseUnavailable),
    name="accounts.tree",
)
async def tree(
    id: Id,
    db: TenantDb,
    levels: Annotated[
        int, Query(ge=1, le=MOST_LEVELS, description="How far down; all the way unless said.")
    ] = MOST_LEVELS,
) -> Response:
    """What an account belongs to, up to the topmost, and what belongs to it: the first 1,000 in order of the tree.

    A deleted account is in no tree; what stands below it stands alone until it is restored or moved.
    """
    found = await trees.tree_of(db, id, most_levels=levels)
    if found is None:
        await accounts.get(db, id)  # it may have been merged into another one, and says so
        raise accounts.NotFound
    return plain(found)


add_merge(router, accounts)
add_advanced_filter(router, accounts)
add_notes(router, accounts)
add_tags(router, accounts)
further = [
    also(router, "accounts.list", "GET /api/v1/crm/customers"),
    also(router, "accounts.create", "POST /api/v1/crm/customers"),
]
