"""Origins with the values, names of people and the consents that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.crm.provenance.origins import Entity, fields_of
from serve.identity.consents.service import standing
from serve.kernel.db import Transaction

CHANNELS = {"email": ("email",), "phone": ("phone", "sms", "whatsapp")}
"""What an address or a number is used for."""
_NAMES = "select distinct user_id, full_name from tenant_members() m where m.user_id = any ($1::uuid[])"
_SAID = ("purpose_key", "lawful_basis", "channel", "decision", "decided_at", "may", "why")


async def provenance(db: Transaction, entity: Entity, row_id: UUID, row: Mapping[str, Any]) -> dict[str, Any]:
    fields = await fields_of(db, entity, str(row_id), row)
    ids = {each["actor_id"] for told in fields for each in (told, *told["by_way_of"]) if each["actor_id"]}
    names = {each["user_id"]: each["full_name"] for each in await db.fetch(_NAMES, list(ids))}
    consents = await _consents(db, entity, row_id)
    return {
        "entity": entity,
        "id": str(row_id),
        "fields": [
            told
            | {
                "value": row[told["field"]],
                "actor_name": names.get(told["actor_id"]),
                "by_way_of": [
                    each | {"actor_name": names.get(each["actor_id"])} for each in told["by_way_of"]
                ],
                "consents": consents.get(told["field"]),
            }
            for told in fields
        ],
    }


async def _consents(db: Transaction, entity: Entity, row_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """How it stands with each purpose, by field; nothing for who may not read that."""
    if entity == "account" or "privacy:read" not in db.caller.permissions:
        return {}
    channels = [channel for each in CHANNELS.values() for channel in each]
    said = await standing(db, entity, row_id, channels=channels)
    return {
        name: [{key: row[key] for key in _SAID} for row in said if row["channel"] in mine]
        for name, mine in CHANNELS.items()
    }
