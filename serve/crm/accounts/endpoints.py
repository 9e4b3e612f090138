"""Customers: companies and households."""

from serve.crm.accounts.models import accounts as table
from serve.crm.accounts.rules import check_account
from serve.crm.accounts.schemas import AccountFields, AccountRead
from serve.crm.notes.endpoints import add_notes
from serve.crm.people.duplicates import warning
from serve.crm.people.endpoints import add_merge
from serve.crm.people.mergeable import Mergeable
from serve.crm.people.schemas import CreatedMeta
from serve.crm.tags.endpoints import add_tags
from serve.kernel.resources.advanced import add_advanced_filter
from serve.kernel.routing import also

accounts = Mergeable(
    table,
    fields=AccountFields,
    read=AccountRead,
    rule=check_account,
    beside=warning("account"),
    created_meta=CreatedMeta,
)
router = accounts.router()
add_merge(router, accounts)
add_advanced_filter(router, accounts)
add_notes(router, accounts)
add_tags(router, accounts)
further = [
    also(router, "accounts.list", "GET /api/v1/crm/customers"),
    also(router, "accounts.create", "POST /api/v1/crm/customers"),
]
