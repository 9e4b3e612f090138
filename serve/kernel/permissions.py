"""Who may do what: the whole catalogue on one page.

A route states the permission it needs (``Needs("analytics:read")``); the default is refusal.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Permission = Literal[
    "self:read",  # one's own account
    "analytics:read",  # business figures, finance included
    "fleet:read",  # vehicles, their upkeep and costs
    "metrics:query",  # free combination of metrics and dimensions
]
Role = Literal["owner", "admin", "manager", "agent", "technician", "viewer"]

_EVERYTHING: Final = frozenset(get_args(Permission))

ROLES: Final[dict[str, frozenset[str]]] = {
    "owner": _EVERYTHING,
    "admin": _EVERYTHING,
    "manager": _EVERYTHING,
    "viewer": frozenset({"self:read", "analytics:read", "fleet:read", "metrics:query"}),
    "technician": frozenset({"self:read", "fleet:read"}),
    "agent": frozenset({"self:read"}),
}


def permissions_of(role: str) -> frozenset[str]:
    """What the role allows; an unknown role allows nothing."""
    return ROLES.get(role, frozenset())
