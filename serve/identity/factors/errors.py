"""How second factors can fail. Before the password was right none of it is said."""

from __future__ import annotations

from collections.abc import Sequence

from serve.identity.factors.rules import Way
from serve.kernel.errors import Conflict, Invalid, NotFound, TooManyRequests, Unauthenticated

_HOW: dict[Way, str] = {
    "totp": "send the code that your app shows as `code`",
    "recovery_code": "send one of your recovery codes as `code`",
    "passkey": "sign in with your passkey: POST /api/v1/auth/passkeys/login",
}


class SecondFactorNeeded(Unauthenticated):
    code, message = "SECOND_FACTOR_NEEDED", "The password is right, but this account has a second factor."

    def __init__(self, ways: Sequence[Way] = ()) -> None:
        super().__init__()
        self.details = [(way, _HOW[way]) for way in ways]


class WrongCode(Unauthenticated):
    code, message = "WRONG_CODE", "The code is not right, or was used before. Wait for the next one."


class TooManyCodes(TooManyRequests):
    code, message = (
        "TOO_MANY_CODES",
        "Too many wrong one-time codes. Use a recovery code or a passkey, or wait.",
    )

    def __init__(self, wait_s: int = 1) -> None:
        super().__init__(headers={"Retry-After": str(wait_s)})


class TotpExists(Conflict):
    code, message = "TOTP_EXISTS", "This account has one-time codes already. Remove them first."


class TotpNotFound(NotFound):
    code, message = "TOTP_NOT_FOUND", "This account has no one-time codes."


class TotpNotConfirmed(Invalid):
    code, message = "TOTP_NOT_CONFIRMED", "That is not the code that the new secret gives now."


class NoSecondFactor(Conflict):
    code, message = "NO_SECOND_FACTOR", "Recovery codes stand in for a second factor: set one up first."
