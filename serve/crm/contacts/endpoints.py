"""People at accounts."""

from serve.crm.contacts.models import contacts as table
from serve.crm.contacts.schemas import ContactFields
from serve.crm.notes.endpoints import add_notes
from serve.crm.people.duplicates import warning
from serve.crm.people.endpoints import add_merge
from serve.crm.people.mergeable import Mergeable
from serve.crm.people.schemas import CreatedMeta
from serve.crm.tags.endpoints import add_tags
from serve.kernel.resources.advanced import add_advanced_filter
from serve.kernel.routing import also

contacts = Mergeable(table, fields=ContactFields, beside=warning("contact"), created_meta=CreatedMeta)
router = contacts.router()
add_merge(router, contacts)
add_advanced_filter(router, contacts)
add_notes(router, contacts)
add_tags(router, contacts)
further = [also(router, "contacts.export", "GET /api/v1/export/contacts")]
