"""The declaration, which both the endpoints and those who queue mails use."""

from serve.kernel.resources import Resource
from serve.platform.mails.models import mails as table
from serve.platform.mails.schemas import MailFields, MailRead

mails = Resource(table, fields=MailFields, read=MailRead, calls=("list", "get", "history", "stats"))
