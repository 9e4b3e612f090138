"""Whom a provider's word lets in: somebody it has named before, a member of the tenant, or somebody new.

A provider speaks for its tenant alone. It can neither take over an account of somebody who does not belong to the
tenant, nor let anybody in who may do more than whoever set the connection up.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from serve.identity.auth.notes import Note, acts, record
from serve.identity.sso import rules
from serve.identity.sso.errors import SsoNotAdmitted
from serve.identity.sso.rules import Claimed
from serve.kernel.db import Record, Transaction
from serve.kernel.events import event
from serve.kernel.permissions import permissions_of

LINKED = event(
    "sso.linked", "Somebody came in by a provider for the first time and was known here.", category="security"
)
PROVISIONED = event("sso.provisioned", "Somebody came in by a provider and was made.", category="security")
ROLE_CHANGED = event(
    "sso.role_changed", "The provider says that the person has another role.", category="security"
)

NOBODY = "Nobody here has your mail address; ask to be invited."


async def admit(db: Transaction, connection: Record, claims: Claimed, request_id: str) -> UUID:
    """The person, as a member of the tenant that the transaction works for. Raises SsoNotAdmitted."""
    mapping = connection["user_mapping"]
    # One sign-in of a subject at a time: two first ones would make two people.
    await db.execute(
        "select pg_advisory_xact_lock(hashtextextended('sso ' || $1 || ' ' || $2, 0))",
        *(str(connection["id"]), claims.subject),
    )
    row = await db.fetch_one(
        "select p.* from sso_identities i, sso_person(i.user_id, null) p where i.connection_id = $1 and i.subject = $2",
        *(connection["id"], claims.subject),
    )
    is_first = row is None
    person = dict(row) if row else await _found(db, connection, claims)
    happened = LINKED
    if person is None:
        person, happened = await _made(db, connection, claims), PROVISIONED
    if person["role"] is None or person["state"] != "active" or not person["is_active"]:
        raise SsoNotAdmitted(
            "You do not belong to this organisation any more, or your account is switched off."
        )
    user_id = UUID(person["user_id"])
    await acts(db, user_id)
    if is_first:
        await db.execute(
            "insert into sso_identities (tenant_id, connection_id, subject, user_id, last_login_at)"
            " values (current_setting('app.tenant_id')::uuid, $1, $2, $3, now())",
            *(connection["id"], claims.subject, user_id),
        )
        await _note(db, happened, connection, user_id, {"role": person["role"]}, request_id)
    else:
        await db.execute(
            "update sso_identities set last_login_at = now() where connection_id = $1 and subject = $2",
            *(connection["id"], claims.subject),
        )
    role = person["role"]
    # As what they are, not only as what they become: taking a role away from those above is not for them either.
    await _check_ceiling(db, connection, role)
    if mapping["keeps_roles_in_step"] and role != "owner" and happened is not PROVISIONED:
        role = _mapped(mapping, claims)
    if role != person["role"]:
        await _check_ceiling(db, connection, role)
        await db.execute("select sso_give_role($1, $2)", user_id, role)
        changed = {"before": person["role"], "role": role}
        await _note(db, ROLE_CHANGED, connection, user_id, changed, request_id)
    return user_id


async def _found(db: Transaction, connection: Record, claims: Claimed) -> dict[str, Any] | None:
    """Somebody of the tenant with that mail address, None where nobody has it. Raises SsoNotAdmitted."""
    email = rules.check_vouched(claims, await _domains(db, connection))
    row = await db.fetch_one("select * from sso_person(null, $1)", email)
    if row is None:
        return None
    if row["role"] is None:
        raise SsoNotAdmitted(NOBODY)  # of somebody else's people nothing is told
    known = await db.fetch_one(
        "select 1 from sso_identities where connection_id = $1 and user_id = $2",
        *(connection["id"], row["user_id"]),
    )
    if known is not None:  # addresses are given to others when people leave
        raise SsoNotAdmitted("Somebody has come in with your mail address already, as another person.")
    return dict(row)


async def _made(db: Transaction, connection: Record, claims: Claimed) -> dict[str, Any]:
    """Raises SsoNotAdmitted."""
    mapping = connection["user_mapping"]
    if not mapping["makes_people"]:
        raise SsoNotAdmitted(NOBODY)
    role, email = _mapped(mapping, claims), claims.email
    assert email is not None
    await _check_ceiling(db, connection, role)
    row = await db.fetch_one("select sso_provision($1, $2, $3) as id", email, claims.full_name or email, role)
    if row is None or row["id"] is None:
        raise SsoNotAdmitted(NOBODY)
    return {"user_id": row["id"], "role": role, "state": "active", "is_active": True}


def _mapped(mapping: dict[str, Any], claims: Claimed) -> str:
    role = rules.role_for(mapping, claims.roles)
    if role is None or role == "owner":
        raise SsoNotAdmitted("The identity provider gives you no role here.")
    return role


async def _domains(db: Transaction, connection: Record) -> set[str]:
    rows = await db.fetch(
        "select domain from sso_domains where connection_id = $1 and verified_at is not null",
        connection["id"],
    )
    return {row["domain"] for row in rows}


async def _check_ceiling(db: Transaction, connection: Record, role: str) -> None:
    allowed, by_role = await allowed_to(db, role), connection["changed_by_role"]
    if not allowed:
        raise SsoNotAdmitted("Your role is not one that there is here.")
    rules.check_ceiling(role, allowed, by_role=by_role, by_allowed=await allowed_to(db, by_role))


async def allowed_to(db: Transaction, role: str) -> frozenset[str]:
    """What the role allows in the tenant at work; nothing where there is no such role."""
    row = await db.fetch_one(
        "select role_permissions(current_setting('app.tenant_id')::uuid, $1) as own", role
    )
    return permissions_of(role, row and row["own"])


async def _note(
    db: Transaction, name: str, connection: Record, user_id: UUID, detail: dict[str, Any], request_id: str
) -> None:
    said = {"connection_id": str(connection["id"]), **detail}
    await record(db, Note(user_id, UUID(connection["tenant_id"]), name, said, request_id))
