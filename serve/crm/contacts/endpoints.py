"""People at accounts."""

from serve.crm.contacts.models import contacts as table
from serve.crm.contacts.schemas import ContactFields
from serve.crm.notes.endpoints import add_notes
from serve.crm.tags.endpoints import add_tags
from serve.kernel.resources import Resource
from serve.kernel.routing import also

contacts = Resource(table, fields=ContactFields)
router = contacts.router()
add_notes(router, contacts)
add_tags(router, contacts)
further = [also(router, "contacts.export", "GET /api/v1/export/contacts")]
