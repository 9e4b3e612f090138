"""A person hears of whatever happens to their second factors: an event in every tenant of theirs, and by that a
notification, and a mail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from serve.identity.account_mails.kinds import KINDS, account_mail_kind
from serve.identity.account_mails.service import queue_account_mail
from serve.identity.auth.notes import Note, record
from serve.identity.auth.people import active_user
from serve.kernel.db import Transaction
from serve.kernel.events import event

for _name, _meaning in {
    "factor.added": "The person has a second factor more: `after` has its kind, and of a passkey the name.",
    "factor.removed": "The person removed a second factor: `after` has its kind, and of a passkey the name.",
    "factors.reset": "An administrator took all second factors from the person, whose sessions were ended.",
    "recovery_codes.made": "The person has new recovery codes; the old ones stopped working.",
    "recovery_code.used": "The person came in by a recovery code: `after` has how many are left.",
    "code.refused": "Somebody who knows the person's password gave a wrong one-time or recovery code.",
    "codes.blocked": "So many wrong one-time codes were given for the person that none is taken for a while.",
    "passkey.copied": "A passkey of the person was refused: its counter went back, so there may be a copy of it.",
    "step_up.succeeded": "The person proved once more who they are: `after` has how.",
}.items():
    event(_name, _meaning, category="security")


_SIGNATURE = """

If it was you, there is nothing to do. If it was not, somebody else may be in your account: change your password, look
at your second factors, and tell your administrator.
"""

for _name, _subject, _text in (
    (
        "factor_added",
        "Your account has a new second factor",
        "A second factor was added to your account: $what.",
    ),
    (
        "factor_removed",
        "A second factor was removed",
        "A second factor was removed from your account: $what.",
    ),
    (
        "factors_reset",
        "Your second factors were reset",
        "An administrator has removed all second factors from your account and ended your sessions. Log in with your"
        " password, and set up a second factor again.",
    ),
    ("recovery_codes_made", "New recovery codes", "New recovery codes were made; the old ones work no more."),
    (
        "recovery_code_used",
        "A recovery code was used",
        "Somebody logged in with a recovery code. Left: $what.",
    ),
    (
        "codes_blocked",
        "Wrong codes for your account",
        "Somebody who knows your password has given several wrong codes, so for a while no code of your app is taken."
        " Recovery codes and passkeys still work.",
    ),
    (
        "passkey_copied",
        "A passkey of yours was refused",
        "The passkey $what was used by something that may be a copy of it. Remove it and register a new one.",
    ),
):
    account_mail_kind(_name, subject=_subject, text=f"Hello $name,\n\n{_text}{_SIGNATURE}")

_KINDS = {"totp": "one-time codes of an app", "passkey": "a passkey"}


async def tell(db: Transaction, user_id: UUID, name: str, request_id: str, /, **detail: Any) -> None:
    """Say that it happened to the person, in this transaction, and write to them."""
    await record(db, Note(user_id, None, name, detail, request_id))
    kind = name.replace(".", "_")
    if kind not in KINDS:
        return
    user = await active_user(db, user_id)
    values = {"name": user["full_name"], "what": _what(detail)}
    address: dict[str, Any] = {"to_address": user["email"], "to_name": user["full_name"]}
    await queue_account_mail(db, kind, **address, values=values, user_id=user_id)


def _what(detail: dict[str, Any]) -> str:
    """Of what happened, the part that a person asks for."""
    kind = _KINDS.get(detail.get("kind", ""), "")
    return " ".join(
        str(each) for each in (kind, detail.get("name"), detail.get("left")) if each not in (None, "")
    )
