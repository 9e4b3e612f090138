"""What a one-time code and a recovery code are, and when they are right; no database."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Literal

import pyotp
import segno

from serve.kernel.ratelimit import Rate

ISSUER = "Throughline"
WINDOW = 1
"""How many steps of 30 s a person's clock may be off, either way."""
WRONG_CODES = Rate(per_min=1 / 30, burst=5)
"""Of three codes in a million one is right at any time: so a guesser who knows the password has a chance of one in six
thousand a day. It counts one-time codes alone, so the person still comes in by a recovery code or a passkey."""
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
_GROUPS, _GROUP = 6, 4  # 118 bits: enough for a plain hash (ASVS 6.5.2)

Way = Literal["totp", "recovery_code", "passkey"]
SECOND: frozenset[str] = frozenset({"totp", "recovery_code", "passkey"})
"""Methods of a session that prove a second factor; a passkey proves both at once."""
ELSEWHERE: frozenset[str] = frozenset({"oidc", "saml"})
"""Methods by which another house vouches for the person: what it asks of them is its business."""


def new_secret() -> str:
    """160 bits, in base32."""
    return pyotp.random_base32()


def uri_of(secret: str, email: str) -> str:
    """What an authenticator app reads."""
    return pyotp.TOTP(secret, name=email, issuer=ISSUER).provisioning_uri()


def picture_of(uri: str) -> str:
    """The same as a QR code: an address with the SVG in it."""
    return segno.make(uri, error="m", micro=False).svg_data_uri(scale=4)


def right_step(secret: str, code: str, *, now_s: float, last_step: int) -> int | None:
    """The step whose code this is, None when it is wrong; that of a step that was used, or of one before, is wrong."""
    try:
        step = pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=now_s, valid_window=WINDOW)
    except pyotp.OTPVerificationError:
        return None
    return step if step > last_step else None


def new_recovery_codes() -> list[str]:
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
        for _ in range(RECOVERY_CODES)
    ]


def plain(code: str) -> str:
    """The code as it counts: people write spaces, dashes and capitals.

    >>> plain(" 123 456 "), plain("ABCD-efgh")
    ('123456', 'abcdefgh')
    """
    return "".join(character for character in code.lower() if character not in " -\t")


def is_one_time(code: str) -> bool:
    """Whether a plain code is one of an app, not a recovery code.

    >>> is_one_time("123456"), is_one_time("abcdefgh"), is_one_time("１２３４５６")
    (True, False, False)
    """
    return len(code) == 6 and code.isascii() and code.isdigit()


def hash_of(code: str) -> bytes:
    """What is stored of a plain recovery code."""
    return sha256(code.encode()).digest()


def demands(setting: str, role: str) -> bool:
    """Whether the tenant's setting wants a second factor of somebody with that role.

    >>> demands("required_for_admins", "agent"), demands("required", "agent"), demands("optional", "owner")
    (False, True, False)
    """
    return setting == "required" or (setting == "required_for_admins" and role in ("owner", "admin"))
