"""How sign-up and the way back can fail. None of it tells a stranger whether an account exists."""

from serve.kernel.errors import Forbidden, NotFound, Problem


class RegistrationClosed(Forbidden):
    code, message = (
        "REGISTRATION_CLOSED",
        "Accounts are made by invitation here. Ask the company that you work for.",
    )


class LinkNotFound(NotFound):
    code, message = "ACCOUNT_LINK_NOT_FOUND", "This link was never given out. Ask for another one."


class LinkOver(Problem):
    status, code, message = (
        410,
        "ACCOUNT_LINK_OVER",
        "This link was used, or its time is over. Ask for another one.",
    )
