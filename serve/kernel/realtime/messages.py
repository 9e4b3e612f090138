"""What listeners are told: an event, or a hint, made ready once for all who get it."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from serve.kernel.db import Record

Place = tuple[int, int]
"""Where an event stands in the feed: (change_xid, position)."""

MOST_DATA_BYTES = 8_192
LAST_POSITION = 2**63 - 1


def below(horizon: int) -> Place:
    """The place behind everything that has settled below this transaction."""
    return horizon - 1, LAST_POSITION


class Message:
    """One thing that happened. ``place`` and ``id`` are None for a hint, which stands nowhere in the feed."""

    def __init__(self, row: Record, place: Place | None) -> None:
        self.place = place
        self.id: str | None = row["id"] if place else None
        self.tenant_id: str = row["tenant_id"]
        self.name: str = row["name"]
        self.entity_type: str = row["entity_type"]
        self.entity_id: str | None = row["entity_id"]
        self.data: dict[str, Any] = _unsealed(row["after"] or {})
        self._actor = {"kind": row["actor_kind"], "id": row["actor_id"]}
        self._happened_at: datetime = row["happened_at"]

    @cached_property
    def topics(self) -> frozenset[str]:
        """Every topic that wants it."""
        entity = f"entity:{self.entity_type}"
        area = f"{self.name.partition('.')[0]}.*"
        return frozenset({"*", self.name, area, entity, f"{entity}:{self.entity_id}"})

    @cached_property
    def json(self) -> str:
        """As both transports send it; ``RealtimeEvent`` in OpenAPI."""
        data = orjson.dumps(self.data)
        is_whole = len(data) <= MOST_DATA_BYTES
        return orjson.dumps(
            {
                "type": "event",
                "id": self.id,
                "name": self.name,
                "tenant_id": self.tenant_id,
                "entity": {"type": self.entity_type, "id": self.entity_id},
                "occurred_at": self._happened_at,
                "actor": self._actor,
                "data": orjson.Fragment(data if is_whole else b"{}"),
                "is_whole": is_whole,
                "is_transient": self.place is None,
            },
            option=orjson.OPT_UTC_Z,
        ).decode()

    @cached_property
    def lines(self) -> bytes:
        """As a stream of events has it. Without a field ``event``, so that one ``onmessage`` hears all of them."""
        identity = f"id: {self.id}\n" if self.id else ""
        return f"{identity}data: {self.json}\n\n".encode()


def hinted(payload: str) -> Message:
    """The message of a hint, as ``serve.kernel.events.hint`` wrote it."""
    said = orjson.loads(payload)
    inner = said["said"]
    moment = datetime.fromisoformat(said["happened_at"])
    return Message({**said, **inner, "after": inner["data"], "happened_at": moment}, None)


def _unsealed(values: dict[str, Any]) -> dict[str, Any]:
    """Of a personal value is told only that there is one, as in the change feed."""
    return {
        name: {"sealed": None} if isinstance(value, dict) and value.keys() == {"sealed"} else value
        for name, value in values.items()
    }
