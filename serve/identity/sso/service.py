"""Connections of a tenant: made, changed, tried out, taken away.

An umbrella may read its children's rows, whose log-in is no business of it: statements here name the tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import hashes

from serve.identity.sso import saml
from serve.identity.sso.addresses import is_address
from serve.identity.sso.admission import allowed_to
from serve.identity.sso.errors import SsoConnectionNotFound
from serve.identity.sso.schemas import SsoConfiguration, SsoConnectionChange, SsoSetup, SsoUserMapping
from serve.kernel.db import Record, Transaction
from serve.kernel.errors import Invalid
from serve.kernel.resources.batches import parsed
from serve.kernel.resources.store import Row, check_version
from serve.kernel.vault import Unreadable, Vault

_SELECT = """
    select c.*, c.change_xid as _version,
        (select coalesce(jsonb_agg(d.domain order by d.domain), '[]') from sso_domains d
            where d.connection_id = c.id and d.verified_at is not null) as domains,
        (select count(*) from sso_identities i where i.connection_id = c.id) as people_count
    from sso_connections c
"""
_MINE = "c.tenant_id = $1"
_KEPT = (
    "issuer",
    "client_id",
    "client_auth",
    "scopes",
    "entity_id",
    "sso_url",
    "certificates",
    "allows_unasked",
)
"""Of a configuration, what stands in the row as it is."""


async def page(db: Transaction, limit: int, offset: int) -> tuple[list[Row], int]:
    mine = db.caller.tenant_id
    rows = await db.fetch(
        f"{_SELECT} where {_MINE} order by c.created_at, c.id limit $2 offset $3", mine, limit, offset
    )
    total = await db.fetch_one(f"select count(*) as n from sso_connections c where {_MINE}", mine)
    assert total is not None
    return [Row(row) for row in rows], total["n"]


async def get(db: Transaction, connection_id: UUID, *, lock: bool = False) -> Row:
    """Raises SsoConnectionNotFound."""
    mine = db.caller.tenant_id
    if lock:
        await db.fetch_one(
            f"select 1 from sso_connections c where {_MINE} and c.id = $2 for no key update",
            mine,
            connection_id,
        )  # so that people may begin to sign in meanwhile: their attempts refer to the row
    row = await db.fetch_one(f"{_SELECT} where {_MINE} and c.id = $2", mine, connection_id)
    if row is None:
        raise SsoConnectionNotFound
    return Row(row)


async def set_up(db: Transaction, asked: SsoSetup, *, plain_too: bool) -> tuple[Row, bool]:
    """The connection of that name, made or put in its place; whether it is new. Raises Invalid."""
    mine = db.caller.tenant_id
    await db.execute("select pg_advisory_xact_lock(hashtextextended('sso setup ' || $1, 0))", str(mine))
    found = await db.fetch_one(
        f"select c.id from sso_connections c where {_MINE} and c.name = $2", mine, asked.name
    )
    before = await get(db, UUID(found["id"]), lock=True) if found else None
    sent = asked.configuration.model_dump()
    values = {
        "name": asked.name,
        "kind": asked.sso_provider,
        "is_enabled": asked.is_enabled,
        **await _checked(db, before, asked.sso_provider, sent, asked.user_mapping.model_dump(), plain_too),
    }
    if before is not None:
        return await _write(db, before, values), False
    row = await db.fetch_one(
        "insert into sso_connections (tenant_id, name, kind, is_enabled, configuration, user_mapping, secret,"
        " changed_by_role) values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        *(mine, *values.values()),
    )
    assert row is not None
    return await get(db, UUID(row["id"])), True


async def change(
    db: Transaction, connection_id: UUID, asked: SsoConnectionChange, if_match: str | None, *, plain_too: bool
) -> Row:
    """Raises SsoConnectionNotFound, LostUpdate, Duplicate or Invalid."""
    before = await get(db, connection_id, lock=True)
    check_version(if_match, before)
    sent = asked.model_dump(exclude_unset=True)
    configuration = parsed(SsoConfiguration, before["configuration"] | sent.get("configuration", {}))
    mapping = parsed(SsoUserMapping, before["user_mapping"] | sent.get("user_mapping", {}))
    values = {
        "name": sent.get("name", before["name"]),
        **await _checked(
            db, before, before["kind"], configuration.model_dump(), mapping.model_dump(), plain_too
        ),
    }
    return await _write(db, before, values)


async def switch(db: Transaction, connection_id: UUID, *, on: bool) -> Row:
    """Raises SsoConnectionNotFound."""
    before = await get(db, connection_id, lock=True)
    if before["is_enabled"] == on:
        return before
    await db.execute(
        "select set_config('app.event', $1, true)", f"sso_connection.{'enabled' if on else 'disabled'}"
    )
    await db.execute("update sso_connections set is_enabled = $2 where id = $1", connection_id, on)
    await db.execute("select set_config('app.event', '', true)")
    return await get(db, connection_id)


async def remove(db: Transaction, connection_id: UUID, if_match: str | None) -> None:
    """With its domains, and with whom it knows. Raises SsoConnectionNotFound or LostUpdate."""
    check_version(if_match, await get(db, connection_id, lock=True))
    await db.execute("delete from sso_connections where id = $1", connection_id)


async def note_test(db: Transaction, tested: Row, *, is_sound: bool) -> None:
    """Unless it is another one by now than what was looked at. Raises SsoConnectionNotFound."""
    now = await get(db, UUID(tested["id"]), lock=True)
    if now.etag == tested.etag:
        await db.execute(
            "update sso_connections set tested_at = now(), is_sound = $2 where id = $1", now["id"], is_sound
        )


def secret_of(vault: Vault, connection: Record | Row) -> str:
    """What cannot be read any more, because the key was lost, is as good as not set."""
    try:
        return vault.open(connection["secret"]).decode() if connection["secret"] else ""
    except Unreadable:
        return ""


def shown(row: Row, address: str) -> dict[str, Any]:
    """As clients read it."""
    configuration = row["configuration"]
    is_saml = row["kind"] == "saml"
    return {
        "id": row["id"],
        "name": row["name"],
        "sso_provider": row["kind"],
        "is_enabled": row["is_enabled"],
        "configuration": {
            **{name: configuration.get(name) for name in _KEPT},
            "client_secret_is_set": row["secret"] is not None,
            "certificates": [_shown_certificate(each) for each in configuration["certificates"] or ()],
        },
        "user_mapping": row["user_mapping"],
        "addresses": {
            "start_url": f"{address}/api/v1/auth/sso/{row['id']}/start",
            "redirect_uri": None if is_saml else redirect_uri(address, row["id"]),
            "entity_id": entity_id(row["id"]) if is_saml else None,
            "acs_url": acs_url(address, row["id"]) if is_saml else None,
            "metadata_url": f"{address}/api/v1/auth/sso/saml/{row['id']}/metadata" if is_saml else None,
        },
        **{
            name: row[name]
            for name in ("domains", "people_count", "changed_by_role", "tested_at", "is_sound")
        },
        **{name: row[name] for name in ("created_at", "updated_at")},
    }


def redirect_uri(address: str, connection_id: object) -> str:
    """Another one for each connection: an answer that comes here was given by the provider that was asked."""
    return f"{address}/api/v1/auth/sso/oidc/{connection_id}/callback"


def acs_url(address: str, connection_id: object) -> str:
    return f"{address}/api/v1/auth/sso/saml/{connection_id}/acs"


def entity_id(connection_id: object) -> str:
    """Our name at a provider: not an address, so no header of a request can make it another one."""
    return f"urn:throughline:sso:{connection_id}"


async def _checked(
    db: Transaction,
    before: Row | None,
    kind: str,
    sent: dict[str, Any],
    mapping: Mapping[str, Any],
    plain_too: bool,
) -> dict[str, Any]:
    """The columns of what was sent. Raises Invalid naming everything that is wrong."""
    if kind == "saml" and sent.get("metadata_xml"):
        sent = sent | _as_sent(saml.read_metadata(sent["metadata_xml"]))
    wrong = [*_missing(kind, sent), *_not_ours(sent, plain_too)]
    certificates = []
    for number, text in enumerate(sent["certificates"] or ()):
        try:
            certificates.append(saml.pem(saml.certificate(text)))
        except ValueError as error:
            wrong.append((f"configuration.certificates[{number}]", str(error)))
    wrong += await _not_given(db, mapping)
    if wrong:
        raise Invalid(details=wrong)
    configuration = {name: sent[name] for name in _KEPT} | {"certificates": certificates or None}
    return {
        "configuration": configuration,
        "user_mapping": mapping,
        "secret": _secret(db.vault, before, configuration, sent.get("client_secret")),
        "changed_by_role": db.caller.role,
    }


def _as_sent(found: dict[str, Any]) -> dict[str, Any]:
    """What metadata says, within the bounds of what is sent by hand. Raises Invalid."""
    try:
        read: SsoConfiguration = parsed(SsoConfiguration, found)
    except Invalid as error:
        wrong = [("configuration.metadata_xml", f"{field}: {said}") for field, said in error.details]
        raise Invalid(details=wrong) from error
    return read.model_dump(include=set(found))


def _missing(kind: str, sent: Mapping[str, Any]) -> list[tuple[str, str]]:
    needed = ("issuer", "client_id") if kind == "oidc" else ("entity_id", "sso_url", "certificates")
    return [(f"configuration.{name}", f"is needed for {kind}") for name in needed if not sent.get(name)]


def _not_ours(sent: Mapping[str, Any], plain_too: bool) -> list[tuple[str, str]]:
    """Addresses that people or secrets would be sent to, and that are none, or without HTTPS."""
    return [
        (f"configuration.{name}", "must be an address that begins with https://, with a host, in ASCII")
        for name in ("issuer", "sso_url")
        if sent.get(name) and not is_address(sent[name], plain_too=plain_too)
    ]


async def _not_given(db: Transaction, mapping: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Roles that the caller may not give: those that are none, that may do more, and owners."""
    asked = [(f"user_mapping.roles[{n}].role", line["role"]) for n, line in enumerate(mapping["roles"])]
    if mapping["default_role"]:
        asked.append(("user_mapping.default_role", mapping["default_role"]))
    wrong = []
    for field, role in asked:
        allowed = await allowed_to(db, role)
        if role == "owner" or not allowed or not allowed <= db.caller.permissions:
            wrong.append((field, "is no role that you may give by a provider"))
    return wrong


def _secret(
    vault: Vault, before: Row | None, configuration: Mapping[str, Any], sent: str | None
) -> bytes | None:
    """Kept only for the provider that it is for: another one would be told it."""
    if sent:
        return vault.seal(sent.encode())
    if before is None or not _is_same_provider(before["configuration"], configuration):
        return None
    kept: bytes | None = before["secret"]
    return kept


def _is_same_provider(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("issuer", "entity_id"))


async def _write(db: Transaction, before: Row, values: Mapping[str, Any]) -> Row:
    """Whom another provider means by a subject is somebody else: links of before do not outlive a change of it."""
    if not _is_same_provider(before["configuration"], values["configuration"]):
        await db.execute("delete from sso_identities where connection_id = $1", before["id"])
    named = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, 2))
    await db.execute(f"update sso_connections set {named} where id = $1", before["id"], *values.values())
    return await get(db, UUID(before["id"]))


def _shown_certificate(text: str) -> dict[str, Any]:
    found = saml.certificate(text)
    return {
        "fingerprint": found.fingerprint(hashes.SHA256()).hex(),
        "subject": found.subject.rfc4514_string(),
        "ends_at": found.not_valid_after_utc.astimezone(UTC),
        "pem": text,
    }
