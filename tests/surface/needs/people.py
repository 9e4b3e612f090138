"""People and how they come in: what does not follow from the document."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pyotp

from serve.identity.account_tokens.service import issue_token
from serve.identity.tenants.schemas import TenantFields
from serve.kernel.openapi import example_of
from tests.serve.firm import CHEAP, PASSWORD
from tests.serve.identity.authenticator import Authenticator
from tests.surface.needs.common import NUMBERS, PICTURE, number
from tests.surface.operations import BY_NAME, Call

if TYPE_CHECKING:
    from tests.surface.calls import Surface


def _refresh_token(surface: Surface) -> str:
    """Of a session of its own: it works once."""
    login = BY_NAME["POST /api/v1/auth/login"]
    answer = surface.send(Call(login, json=surface.body(login, None)), role=None)
    token: str = answer.json()["data"]["refresh_token"]
    return token


def _link(purpose: str) -> Callable[[Surface], str]:
    """What would stand in a mail about an account; one of its own, because it works once."""

    async def made(surface: Surface) -> str:
        email, detail, user_id = "viewer@b.example", {}, surface.firm.people[surface.firm.b, "viewer"]
        if purpose == "registration":
            company = example_of(TenantFields) | {"slug": None}
            email, user_id = f"new-{next(NUMBERS)}@example.com", None
            detail = {"password_hash": CHEAP.hash(PASSWORD), "full_name": "New", "company": company}
        async with surface.firm.running.app.state.database.transaction() as db:
            life = timedelta(hours=1)
            return await issue_token(db, purpose, life=life, user_id=user_id, email=email, detail=detail)

    return lambda surface: surface.firm.running.wait_for(made(surface))


def _customer_code(surface: Surface) -> str:
    code = f"{next(NUMBERS):08d}"

    async def made() -> None:
        async with surface.firm.running.app.state.database.transaction() as db:
            await issue_token(
                db,
                "customer_code",
                life=timedelta(hours=1),
                user_id=surface.firm.people[surface.firm.a, "customer"],
                token=f"a customer@a.example {code}",
            )

    surface.firm.running.wait_for(made())
    return code


def _raised(surface: Surface, tenant: UUID | None, *, already: bool) -> str:
    """The token of a manager with a session, whose role the company lets be raised, or who has done so."""
    firm, tenant = surface.firm, tenant or surface.firm.a
    owner = {"authorization": surface.token(tenant=tenant)}
    allowed = {"elevation_roles": ["manager"]}
    assert surface.http.put("/api/v1/settings/security", json=allowed, headers=owner).is_success
    user_id = firm.people[tenant, "manager"]
    opened = (
        "insert into sessions (user_id, tenant_id, expires_at, methods)"
        " values (%s, %s, now() + interval '1 day', '{password,totp}') returning id"
    )
    [(session_id,)] = firm.sql(opened, user_id, tenant)
    if already:
        firm.sql(
            "insert into elevations (tenant_id, user_id, session_id, from_role, to_role, reason, ends_at)"
            " values (%s, %s, %s, 'manager', 'admin', 'of the surface', now() + interval '1 hour')",
            *(tenant, user_id, session_id),
        )
    token, _ = firm.running.app.state.tokens.issue(
        user_id,
        email="manager@a.example",
        tenant_id=tenant,
        tenant_ids=[tenant],
        role="manager",
        session_id=session_id,
        methods=("password", "totp"),
    )
    return f"Bearer {token}"


def _used_passkey(surface: Surface) -> dict[str, Any]:
    """What the owner's device answers to sign in."""
    key = Authenticator("http://localhost:8000")
    tenant = surface.at_work_for
    _without_factors(surface, tenant)
    headers = {"authorization": surface.token(tenant=tenant)}
    options = surface.http.post("/api/v1/auth/passkeys/options", headers=headers).json()["data"]
    kept = surface.http.post(
        "/api/v1/auth/passkeys", headers=headers, json={"credential": key.create(options)}
    )
    assert kept.status_code == 201, kept.text
    return _as_documented(key.get(surface.http.post("/api/v1/auth/passkeys/login/options").json()["data"]))


def _in_a_session(surface: Surface, tenant: UUID | None) -> None:
    """The owner of the tenant has a session, and no second factor."""
    _without_factors(surface, tenant)
    surface._tokens.pop(("owner", tenant, True), None)  # others may have ended the one of before
    surface.token(tenant=tenant, in_session=True)


def _without_factors(surface: Surface, tenant: UUID | None) -> None:
    """The owner of the tenant has no second factor."""
    for table in ("totp_secrets", "passkeys", "recovery_codes"):
        user_id = surface.firm.people[tenant or surface.firm.a, "owner"]
        surface.firm.sql(f"delete from {table} where user_id = %s", user_id)


def _new_code(surface: Surface) -> str:
    """The code of a new secret that the owner has begun with."""
    tenant = surface.at_work_for
    _without_factors(surface, tenant)
    headers = {"authorization": surface.token(tenant=tenant)}
    begun = surface.http.post("/api/v1/auth/factors/totp", headers=headers)
    return pyotp.TOTP(begun.json()["data"]["secret"]).now()


def _with_totp(surface: Surface, tenant: UUID | None) -> None:
    """The owner of the tenant has one-time codes."""
    surface.make(BY_NAME["POST /api/v1/auth/factors/totp/confirm"], tenant)


def _new_passkey(surface: Surface) -> dict[str, Any]:
    """What a device of the owner's makes."""
    tenant = surface.at_work_for
    _without_factors(surface, tenant)
    headers = {"authorization": surface.token(tenant=tenant)}
    options = surface.http.post("/api/v1/auth/passkeys/options", headers=headers)
    return _as_documented(Authenticator("http://localhost:8000").create(options.json()["data"]))


def _as_documented(value: Any) -> Any:
    """What a device makes, with the fields named as the document names them; the service takes both."""
    if not isinstance(value, dict):
        return value
    names = {
        name: re.sub(r"(?<=[a-z])([A-Z]+)", lambda found: f"_{found[1].lower()}", name) for name in value
    }
    return {names[name]: _as_documented(each) for name, each in value.items()}


def invitation_token(surface: Surface, tenant: UUID | None) -> str:
    """Of a new invitation: another one than that of its mail, which nobody but its reader knows."""
    row = surface.make(BY_NAME["POST /api/v1/employees/invite"], tenant)
    token = uuid4().hex
    digest = sha256(token.encode()).digest()
    surface.firm.sql("update account_tokens set hash = %s where subject_id = %s", digest, row["id"])
    return token


def _member(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """Somebody new, whom nothing else is asked about."""
    made = "insert into users (email, full_name) values (%s, 'Mia Member') returning id"
    [(user_id,)] = surface.firm.sql(made, f"member-{next(NUMBERS)}@example.org")
    joined = "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'agent')"
    surface.firm.sql(joined, user_id, tenant or surface.firm.a)
    return {"id": str(user_id)}


def _agent(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    return {"id": str(surface.firm.people[tenant or surface.firm.a, "agent"])}


def _colleague(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    return {"id": str(surface.firm.people[tenant or surface.firm.a, "viewer"])}


def _impersonation(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    tenant = tenant or surface.firm.a
    people = surface.firm.people
    begun = (
        "insert into impersonations (tenant_id, user_id, impersonator_id, reason, ends_at)"
        " values (%s, %s, %s, 'of the surface', now() + interval '1 hour') returning id"
    )
    [(row_id,)] = surface.firm.sql(begun, tenant, people[tenant, "viewer"], people[tenant, "owner"])
    return {"id": str(row_id)}


def _session(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """An open one of the tenant's owner."""
    opened = (
        "insert into sessions (user_id, tenant_id, expires_at)"
        " values (%s, %s, now() + interval '1 day') returning id"
    )
    tenant = tenant or surface.firm.a
    return {"id": str(surface.firm.sql(opened, surface.firm.people[tenant, "owner"], tenant)[0][0])}


def _left_employee(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    row = surface.make(BY_NAME["POST /api/v1/employees"], tenant)
    surface.firm.sql("update employees set status = 'left', left_on = now() where id = %s", row["id"])
    return {"id": row["id"]}


SENDERS: dict[str, Callable[[Surface, UUID | None], str]] = {
    "POST /api/v1/auth/elevation": lambda surface, tenant: _raised(surface, tenant, already=False),
    "DELETE /api/v1/auth/elevation": lambda surface, tenant: _raised(surface, tenant, already=True),
    "POST /api/v1/auth/step-up": lambda surface, tenant: surface.token(
        tenant=tenant, fresh=True, in_session=True
    ),
}

FILES = {
    "PATCH /api/v1/users/profile/avatar": ("file", "me.gif", PICTURE),
}

ENDS_THE_SESSION = {
    "POST /api/v1/auth/logout",
    "POST /api/v1/auth/step-up",
}

IN_A_SESSION = {
    "POST /api/v1/auth/step-up",
}

BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/auth/factors/totp/confirm": {"code": _new_code},
    "POST /api/v1/auth/login": {"email": "agent@a.example", "password": PASSWORD},  # without a second factor
    "POST /api/v1/auth/passkeys": {"credential": _new_passkey},
    "POST /api/v1/auth/passkeys/login": {"credential": _used_passkey},
    "POST /api/v1/auth/step-up": {"password": PASSWORD},
    "POST /api/v1/mobile/biometric/auth": {"email": "agent@a.example", "password": PASSWORD},
    "POST /auth/api/auth/login": {"email": "agent@a.example", "password": PASSWORD},
    "POST /api/v1/auth/refresh": {"refresh_token": _refresh_token},
    "POST /api/v1/auth/register": {"email": number("new-{}@example.com")},
    "POST /api/v1/auth/forgot-password": {"email": "owner@a.example"},
    "POST /api/v1/auth/confirm-registration": {"token": _link("registration")},
    "POST /api/v1/auth/confirm-email": {"token": _link("email_confirmation")},
    "POST /api/v1/auth/reset-password": {"token": _link("password_reset")},
    "POST /api/v1/mobile/auth": {"email": "agent@a.example", "password": PASSWORD},
    "POST /api/v1/customer/auth/code": {"tenant": "a", "email": "customer@a.example"},
    "POST /api/v1/customer/auth": {
        "tenant": "a",
        "email": "customer@a.example",
        "code": _customer_code,
    },
    "PUT /api/v1/auth/me": {"email": "owner@a.example", "current_password": PASSWORD},
    "PUT /api/v1/users/profile": {"email": "owner@a.example", "current_password": PASSWORD},
    "POST /api/v1/roles": {"slug": number("role_{}"), "permissions": ["contacts:read"]},
    "/api/v1/departments": {"name": number("Department {}")},
    "POST /api/v1/employees/{id}/end": {"keep_account": False},
    "POST /api/v1/employees/{id}/return": {"reactivate_account": True},
    "/api/v1/employees": {"employee_number": number("E-S{}")},
    "POST /api/v1/admin/users": {"email": number("user-{}@example.org")},
    "PUT /api/v1/admin/users/{id}": {"email": number("user-{}@example.org")},
    "PATCH /api/v1/admin/users/{id}": {"email": number("user-{}@example.org")},
    "POST /api/v1/users": {"email": number("user-{}@example.org")},
    "PATCH /api/v1/users/{id}": {"email": number("user-{}@example.org")},
    "/api/v1/employees/invitations": {"email": number("invited-{}@example.org")},
    "POST /api/v1/employees/invite": {"email": number("invited-{}@example.org")},
    "POST /api/v1/employees/validate-invitation": {"token": lambda surface: invitation_token(surface, None)},
    "POST /api/v1/employees/accept-invitation": {"token": lambda surface: invitation_token(surface, None)},
    "POST /api/v1/employees/register": {
        **dict.fromkeys(("external_id", "employee_number", "email", "phone", "job_title", "hired_on")),
        **dict.fromkeys(("locale", "timezone", "role")),
        "token": lambda surface: invitation_token(surface, None),
        "password": "correct horse battery staple",
        "status": "active",
    },
}

MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    "/api/v1/admin/users/{id}/factors": _agent,
    "/api/v1/auth/sessions/{": _session,
    "/api/v1/admin/users/{id}/impersonate": _colleague,
    "/api/v1/admin/users/{": _member,
    "/api/v1/users/{id}": _member,
    "/api/v1/admin/impersonations/{": _impersonation,
    "/api/v1/employees/{id}/return": _left_employee,
    "/api/v1/employees/validate-invitation/": lambda surface, tenant: {
        "token": invitation_token(surface, tenant)
    },
}

LISTED: dict[str, Callable[[Surface, UUID | None], Any]] = {
    "GET /api/v1/admin/impersonations": _impersonation,
    "GET /api/v1/admin/users": _member,
    "GET /api/v1/auth/sessions": _session,
    "GET /api/v1/users": _member,
}

OTHERWISE_MADE: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    "POST /api/v1/admin/users": _member,
}

PREPARED: dict[str, Callable[[Surface, UUID | None], Any]] = {
    "POST /api/v1/auth/factors/totp": _without_factors,
    "DELETE /api/v1/auth/factors/totp": _with_totp,
    "POST /api/v1/auth/factors/recovery-codes": _with_totp,
    "POST /api/v1/auth/passkeys/options": _without_factors,
    "POST /api/v1/auth/step-up": _in_a_session,
}
