"""Where an invitation stands, and what its holder may read of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from serve.identity.invitations.errors import (
    InvitationExpired,
    InvitationOver,
    InvitationRevoked,
    InvitationUsed,
    InvitationUseless,
    SentTooOften,
)

State = Literal["pending", "accepted", "revoked", "expired"]
MOST_SENT = 5


def state_of(invitation: Mapping[str, Any], now: datetime) -> State:
    if invitation["accepted_at"] is not None:
        return "accepted"
    if invitation["revoked_at"] is not None:
        return "revoked"
    return "expired" if invitation["expires_at"] <= now else "pending"


def check_useful(invitation: Mapping[str, Any], state: str, now: datetime) -> None:
    """Whether the holder of the token may accept. Raises InvitationUseless, or a kind of it."""
    match state_of(invitation, now):
        case "accepted":
            raise InvitationUsed
        case "revoked":
            raise InvitationRevoked
        case "expired":
            raise InvitationExpired
    if state != "good":
        raise InvitationUseless


def check_open(invitation: Mapping[str, Any]) -> None:
    """Raises InvitationOver."""
    if invitation["accepted_at"] is not None or invitation["revoked_at"] is not None:
        raise InvitationOver


def check_sendable(invitation: Mapping[str, Any]) -> None:
    """An expired one may be sent again. Raises InvitationOver or SentTooOften."""
    check_open(invitation)
    if invitation["sent_count"] >= MOST_SENT:
        raise SentTooOften


def masked(email: str) -> str:
    """Enough to know one's own address by.

    >>> masked("ada@example.org")
    'a***@example.org'
    """
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}***@{domain}"
