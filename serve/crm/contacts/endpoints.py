"""People at accounts."""

from serve.crm.contacts.models import contacts as table
from serve.crm.contacts.schemas import ContactFields
from serve.kernel.resources import Resource

contacts = Resource(table, fields=ContactFields)
router = contacts.router()
