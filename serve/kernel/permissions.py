"""Who may do what: the whole catalogue on one page.

A route states the permission it needs (``Needs("analytics:read")``); the default is refusal.
"""

from __future__ import annotations

from collections.abc import Iterable
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
    "people:read",  # who was found or made to be one person
    "people:merge",  # put contacts, leads or accounts together, and take them apart
    "segments:read",  # conditions kept by name; who is in one takes the right to read them too
    "segments:write",
    "quotes:read",  # quotes and estimates
    "quotes:write",
    "invoices:read",  # what was billed, and what of it is open
    "invoices:write",  # say that they are paid
    "payments:read",
    "payments:write",
    "articles:read",  # the knowledge base, as it is published
    "articles:write",
    "tickets:read",  # questions and complaints of customers, with what was answered
    "tickets:write",
    "sla:read",  # what is promised of tickets: working hours, times
    "sla:write",
    "calls:read",  # the log of calls with customers
    "calls:write",
    "locations:read",  # places that the tenant names
    "locations:write",
    "review_requests:read",  # whom one asked for a review, and what they said
    "review_requests:write",
    "vehicles:read",
    "vehicles:write",
    "files:read",  # what one has sent oneself, and what belongs to rows that one may read
    "files:write",
    "files:all",  # what others have sent, too, whatever it belongs to
    "leads:read",
    "leads:write",
    "lead_rules:read",  # who gets new leads
    "lead_rules:write",
    "campaigns:read",  # these four: hearing of them live; their own calls come with their domains
    "scrapes:read",
    "approvals:read",
    "workflows:read",
    "flags:read",  # feature flags, groups and experiments, and who gets what
    "flags:write",
    "limits:write",  # the tenant's own limits of its calls, and when it gives up deprecated ones
    "events:read",  # the change feed of everything
    "audit:read",  # who did what, security events too
    "users:read",  # who works for the tenant, and as what
    "users:write",  # let people in and out, and give them roles
    "users:impersonate",  # see the tenant with somebody else's eyes: announced, short, on record
    "roles:read",
    "roles:write",  # the tenant's own roles
    "employees:read",  # employees and departments
    "employees:write",
    "invitations:read",
    "invitations:write",
    "tenants:read",  # one's own tenant and its children
    "tenants:write",
    "branding:write",  # how pages, mails and papers look; everybody sees it
    "sso:read",  # who may come in by another house's log-in
    "sso:write",
    "security:read",  # posture, isolation, why somebody was refused
    "security:write",  # try isolation, vouch for controls, deal with threats
    "privacy:read",  # consents, requests of people about their data, retention
    "privacy:write",
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
Role = Literal["owner", "admin", "manager", "agent", "technician", "provider", "customer", "viewer"]

_EVERYTHING: Final = frozenset(get_args(Permission))
_READING: Final = frozenset({each for each in _EVERYTHING if each.endswith(":read")}) - {
    *("audit:read", "events:read", "mails:read", "employees:read", "invitations:read", "tenants:read"),
    *("sso:read", "security:read", "privacy:read"),
}

ROLES: Final[dict[str, frozenset[str]]] = {
    "owner": _EVERYTHING,
    "admin": _EVERYTHING,
    "manager": _EVERYTHING
    - {
        *("audit:read", "settings:write", "limits:write", "api_keys:write", "branding:write"),
        *("users:write", "users:impersonate", "roles:write", "tenants:read", "tenants:write"),
        *("sso:read", "sso:write", "security:read", "security:write", "privacy:read", "privacy:write"),
    },
    "agent": frozenset(
        {
            *("self:read", "self:write", "actions:invoke", "files:read", "files:write"),
            *("mails:read", "mails:write", "users:read"),
            *("accounts:read", "accounts:write", "contacts:read", "contacts:write"),
            "people:read",
            *("segments:read", "segments:write"),
            *("quotes:read", "quotes:write"),
            *("invoices:read", "payments:read"),
            *("tickets:read", "tickets:write", "sla:read"),
            *("leads:read", "leads:write", "lead_rules:read", "campaigns:read", "approvals:read"),
            *("articles:read", "articles:write"),
            *("calls:read", "calls:write"),
            *("locations:read", "locations:write"),
            *("review_requests:read", "review_requests:write"),
        }
    ),
    "technician": frozenset(
        {
            *("self:read", "self:write", "actions:invoke", "files:read", "files:write"),
            *("fleet:read", "vehicles:read", "vehicles:write", "users:read", "articles:read"),
            "locations:read",
        }
    ),
    "provider": frozenset({"self:read", "self:write", "files:read", "files:write"}),
    "customer": frozenset({"self:read", "self:write"}),
    "viewer": _READING | {"metrics:query", "self:write", "actions:invoke"},
}

Only = Literal["mobile", "customer", "enrolment", "impersonation"]

_LIMITS: Final[dict[str, frozenset[str]]] = {
    "mobile": frozenset(
        {
            *("self:read", "self:write", "actions:invoke", "files:read", "files:write", "users:read"),
            *(
                "accounts:read",
                "contacts:read",
                "contacts:write",
                "leads:read",
                "leads:write",
                "quotes:read",
                "quotes:write",
                "invoices:read",
                "payments:read",
            ),
            "articles:read",
            *("tickets:read", "tickets:write", "sla:read"),
            *("calls:read", "calls:write"),
            *("locations:read", "locations:write"),
            *("review_requests:read", "review_requests:write"),
            *("fleet:read", "vehicles:read", "vehicles:write", "tasks:read", "approvals:read"),
        }
    ),
    "customer": ROLES["customer"],
    "enrolment": frozenset({"self:read", "self:write"}),
    "impersonation": _EVERYTHING
    - {  # what would outlast it
        *("api_keys:write", "invitations:write", "limits:write", "privacy:write", "roles:write"),
        *(
            "schedules:write",
            "settings:write",
            "sso:write",
            "tenants:write",
            "users:impersonate",
            "users:write",
        ),
    },
}
"""What a token that can do only that allows at most."""


def permissions_of(role: str, own: Iterable[str] | None = None, *, only: str | None = None) -> frozenset[str]:
    """What the role allows: an own one of the tenant what ``own`` says, an unknown one nothing.

    ``only`` is what the token is for.
    """
    allowed = ROLES[role] if role in ROLES else frozenset(own or ()) & _EVERYTHING
    return allowed if only is None else allowed & _LIMITS.get(only, frozenset())


def known_permission(word: str) -> Permission | None:
    """The permission of that name, if there is one."""
    return cast(Permission, word) if word in _EVERYTHING else None
