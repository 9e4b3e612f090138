"""Customers: companies and households."""

from serve.crm.accounts.models import accounts as table
from serve.crm.accounts.rules import check_account
from serve.crm.accounts.schemas import AccountFields, AccountRead
from serve.crm.notes.endpoints import add_notes
from serve.crm.tags.endpoints import add_tags
from serve.kernel.resources import Resource
from serve.kernel.routing import also

accounts = Resource(table, fields=AccountFields, read=AccountRead, rule=check_account)
router = accounts.router()
add_notes(router, accounts)
add_tags(router, accounts)
further = [
    also(router, "accounts.list", "GET /api/v1/crm/customers"),
    also(router, "accounts.create", "POST /api/v1/crm/customers"),
]
