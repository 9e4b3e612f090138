"""How something asked of a mail can fail."""

from serve.kernel.errors import Conflict, Unavailable


class MailOnItsWay(Conflict):
    code, message = "MAIL_ON_ITS_WAY", "Only a mail that is queued can be cancelled."


class MailNotOpen(Conflict):
    code, message = (
        "MAIL_NOT_OPEN",
        "A mail that was sent or cancelled is not sent again.",
    )


class MailNotUncertain(Conflict):
    code, message = "MAIL_NOT_UNCERTAIN", "What became of this mail is known; there is nothing to settle."


class MailBeingSent(Unavailable):
    code, message = "MAIL_BEING_SENT", "The mail is being sent at this moment."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "30"})
