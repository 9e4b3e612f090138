"""How log-in and what follows from it can fail. None of it tells a stranger whether an account exists."""

from serve.kernel.errors import Conflict, Forbidden, Invalid, TooManyRequests, Unauthenticated


class WrongCredentials(Unauthenticated):
    code, message = "WRONG_CREDENTIALS", "E-mail and password do not match an active account."


class NoMembership(Forbidden):
    code, message = "NO_MEMBERSHIP", "This account does not belong to that tenant."


class TooManyAttempts(TooManyRequests):
    code, message = "TOO_MANY_ATTEMPTS", "Too many failed log-ins. Wait a little, then try again."


class SessionEnded(Unauthenticated):
    code, message = "SESSION_ENDED", "This session has ended. Log in again."


class WrongPassword(Invalid):
    code, message = "WRONG_PASSWORD", "The current password is not right."


class EmailTaken(Conflict):
    code, message = "EMAIL_TAKEN", "Another account has this e-mail address."
