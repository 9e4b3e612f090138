"""How passkeys can fail. Whoever signs in is told no more than that it did not work."""

from serve.kernel.errors import Conflict, Invalid, NotFound, Unauthenticated


class PasskeyRefused(Unauthenticated):
    code, message = "PASSKEY_REFUSED", "That did not work. Ask for new options and try the passkey again."


class PasskeyCopied(Unauthenticated):
    code, message = (
        "PASSKEY_COPIED",
        "The counter of this passkey went back, so there may be a copy of it. Come in another way and remove it.",
    )


class PasskeyNotValid(Invalid):
    code, message = "PASSKEY_NOT_VALID", "This is no passkey made for these options. Ask for new ones."


class PasskeyKnown(Conflict):
    code, message = "PASSKEY_KNOWN", "This passkey is registered already."


class TooManyPasskeys(Conflict):
    code, message = "TOO_MANY_PASSKEYS", "This account has 20 passkeys. Remove one that you do not use."


class PasskeyNotFound(NotFound):
    code, message = "PASSKEY_NOT_FOUND", "You have no such passkey."
