"""What a segment may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.crm.accounts.endpoints import accounts
from serve.crm.contacts.endpoints import contacts
from serve.crm.leads.store import leads
from serve.kernel.resources import Resource
from serve.kernel.resources.conditions import CONDITION, compiled
from serve.kernel.resources.order import Bindings

RESOURCES: dict[str, Resource] = {each.name: each for each in (leads, contacts, accounts)}
"""What there are segments of."""


def check_segment(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    """Conditions are kept as they are written in JSON. Raises Invalid naming what the resource cannot be asked."""
    where = CONDITION.validate_python(after["conditions"])
    compiled(RESOURCES[after["resource"]].listing.kinds, where, Bindings(), place="conditions")
    return {"conditions": CONDITION.dump_python(where, mode="json", by_alias=True)}
