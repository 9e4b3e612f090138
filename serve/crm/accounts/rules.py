"""What is allowed of accounts."""

from collections.abc import Mapping
from typing import Any

from serve.kernel.errors import Invalid

MOST_LEVELS = 10
"""Of a branch of accounts, its topmost one included; the database holds to it (``check_account_parent``)."""


def check_account(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """An account that left says when, and only such a one. Raises Invalid."""
    if after["status"] == "churned" and after.get("churned_at") is None:
        raise Invalid(details=[("churned_at", "say when the account left")])
    if after["status"] != "churned" and after.get("churned_at") is not None:
        raise Invalid(details=[("churned_at", "only an account with status churned has left")])
