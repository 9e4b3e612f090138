"""Customers: companies and households."""

from serve.crm.accounts.models import accounts as table
from serve.crm.accounts.rules import check_account
from serve.crm.accounts.schemas import AccountFields, AccountRead
from serve.kernel.resources import Resource

accounts = Resource(table, fields=AccountFields, read=AccountRead, rule=check_account)
router = accounts.router()
