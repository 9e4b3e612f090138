"""Who may do what: the whole catalogue on one page.

A route states the permission it needs (``Needs("analytics:read")``); the default is refusal.
"""

from __future__ import annotations

from typing import Final, Literal, cast, get_args

Permission = Literal[
    "self:read",  # one's own account, notifications, preferences
    "self:write",
    "analytics:read",  # business figures, finance included
    "fleet:read",  # vehicles, their upkeep and costs
    "metrics:query",  # free combination of metrics and dimensions
    "accounts:read",
    "accounts:write",
    "contacts:read",
    "contacts:write",
    "vehicles:read",
    "vehicles:write",
    "files:read",  # what was uploaded, whoever did
    "files:write",
    "leads:read",  # these five: hearing of them live; their own calls come with their domains
    "campaigns:read",
    "scrapes:read",
    "approvals:read",
    "workflows:read",
    "flags:read",  # feature flags, groups and experiments, and who gets what
    "flags:write",
    "limits:write",  # the tenant's own limits of its calls, and when it gives up deprecated ones
    "events:read",  # the change feed of everything
    "audit:read",  # who did what, security events too
    "settings:read",  # the tenant's settings
    "settings:write",
    "actions:invoke",  # call operations by their id: batch, MCP
    "mails:read",  # what was written to people, too
    "mails:write",  # send mail in the tenant's name
    "notifications:write",  # tell other people something
    "api_keys:write",  # make and revoke keys
    "schedules:read",  # what is done at which time
    "schedules:write",
    "tasks:read",  # the tenant's tasks; one's own need nothing
    "tasks:write",  # stop them and try them again
]
Role = Literal["owner", "admin", "manager", "agent", "technician", "viewer"]

_EVERYTHING: Final = frozenset(get_args(Permission))
_READING: Final = frozenset({each for each in _EVERYTHING if each.endswith(":read")}) - {
    "audit:read",
    "events:read",
    "mails:read",
}

ROLES: Final[dict[str, frozenset[str]]] = {
    "owner": _EVERYTHING,
    "admin": _EVERYTHING,
    "manager": _EVERYTHING - {"audit:read", "settings:write", "limits:write", "api_keys:write"},
    "agent": frozenset(
        {
            *("self:read", "self:write", "actions:invoke", "files:read", "files:write"),
            *("mails:read", "mails:write"),
            *("accounts:read", "accounts:write", "contacts:read", "contacts:write"),
            *("leads:read", "campaigns:read", "approvals:read"),
        }
    ),
    "technician": frozenset(
        {
            *("self:read", "self:write", "actions:invoke", "files:read", "files:write"),
            *("fleet:read", "vehicles:read", "vehicles:write"),
        }
    ),
    "viewer": _READING | {"metrics:query", "self:write", "actions:invoke"},
}


def permissions_of(role: str) -> frozenset[str]:
    """What the role allows; an unknown role allows nothing."""
    return ROLES.get(role, frozenset())


def known_permission(word: str) -> Permission | None:
    """The permission of that name, if there is one."""
    return cast(Permission, word) if word in _EVERYTHING else None
