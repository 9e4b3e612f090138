"""What becomes of a mail, and what may be asked of one. No database, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from serve.platform.mails.errors import MailBeingSent, MailNotOpen, MailNotUncertain, MailOnItsWay
from serve.ports.mail import MailError, Unconfirmed

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))
"""Before the second attempt, the third and so on; after the last of them the mail has failed."""
GRACE = timedelta(seconds=30)
"""How much longer than its time limit a conversation may be taken for alive."""

Change = tuple[str, dict[str, Any]]
"""The name of the event and the columns that change."""


def sent(now: datetime) -> Change:
    return "mail.sent", {"state": "sent", "sent_at": now, "error": None, "not_before": None}


def not_sent(error: MailError, attempts: int, now: datetime) -> Change:
    """Refused for good, put off, or of unknown fate: which is told apart, and never taken for one another."""
    if isinstance(error, Unconfirmed):
        return uncertain(str(error))
    if error.is_passing and attempts <= len(PAUSES):
        return "mail.delayed", {
            "state": "queued",
            "error": str(error),
            "not_before": now + PAUSES[attempts - 1],
        }
    return failed(str(error))


def failed(why: str) -> Change:
    return "mail.failed", {"state": "failed", "error": why, "not_before": None}


def uncertain(why: str) -> Change:
    return "mail.uncertain", {"state": "uncertain", "error": why, "not_before": None}


def left_behind(mail: Mapping[str, Any], now: datetime, timeout_s: float) -> Change | None:
    """What is to be said of a mail found in the middle of sending; None while somebody may still be at it."""
    if now < mail["sending_since"] + timedelta(seconds=timeout_s) + GRACE:
        return None
    return uncertain("the sending process ended in the middle of it, so nobody knows whether it was sent")


def cancelled(mail: Mapping[str, Any]) -> Change:
    """Raises MailOnItsWay."""
    if mail["state"] != "queued":
        raise MailOnItsWay
    return "mail.cancelled", {"state": "cancelled", "not_before": None}


def again(mail: Mapping[str, Any], now: datetime, timeout_s: float) -> Change:
    """A person wants it sent now, or once more, under the same Message-ID. Raises MailNotOpen or MailBeingSent."""
    _check_is_still(mail, now, timeout_s)
    if mail["state"] in ("sent", "cancelled"):
        raise MailNotOpen
    return "mail.resent", {"state": "queued", "attempts": 0, "error": None, "not_before": None}


def settled(mail: Mapping[str, Any], now: datetime, timeout_s: float) -> Change:
    """A person has seen that it was sent. Raises MailNotUncertain or MailBeingSent."""
    _check_is_still(mail, now, timeout_s)
    if mail["state"] not in ("uncertain", "sending"):
        raise MailNotUncertain
    return "mail.settled", {"state": "sent", "sent_at": mail["sending_since"], "error": None}


def _check_is_still(mail: Mapping[str, Any], now: datetime, timeout_s: float) -> None:
    if mail["state"] == "sending" and left_behind(mail, now, timeout_s) is None:
        raise MailBeingSent
