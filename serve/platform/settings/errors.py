"""How settings can fail, and sending a mail with them."""

from __future__ import annotations

from typing import ClassVar

from serve.kernel.errors import Invalid, NotFound, Problem
from serve.kernel.errors import NotConfigured as NotConfigured


class CategoryNotFound(NotFound):
    code, message = "CATEGORY_NOT_FOUND", "There is no such category of settings."


class MailServerFailed(Problem):
    status: ClassVar[int] = 502
    code, message = "MAIL_SERVER_FAILED", "The mail server could not be spoken to."


class MailRejected(Invalid):
    code, message = "MAIL_REJECTED", "The mail server does not take the mail as it is set."


class MailHostRefused(Invalid):
    code, message = (
        "MAIL_HOST_REFUSED",
        "The mail server lies in a private network, which this installation does not allow.",
    )
